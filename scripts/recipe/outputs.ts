import { safeName } from '../../src/backends/result-names.ts';
import type { OutputName } from '../../src/recipes/recipe.ts';
import { filePrefix, linkOf, nodesCalled, type Workflow } from '../../src/recipes/workflow.ts';

/** What people name the files that they only look at while they build a workflow. */
const ON_THE_WAY = /^(intermediate|temp|tmp|debug|preview|test)/i;

/** Nodes that show words: the result of a workflow that saves nothing, such as one that describes a picture. */
const SHOWS_TEXT = /(show|display|preview) ?_?(any|text|string)/i;

/**
 * The result: the prefixes of the files of those nodes that save what no other saved file is made from, or the nodes
 * themselves where a name is made up as they run; where nothing is saved, what shows words. None where that cannot be
 * told; then everything is the result.
 */
export function mainOutputs(workflow: Workflow): OutputName[] {
  const saving = Object.entries(workflow).filter(([, node]) => isSaving(node));
  const passedOn = sourcesOfSources(
    workflow,
    saving.map(([id]) => id),
  );
  const last = saving.filter(([, { inputs }]) => !picturesOf(inputs).every((source) => passedOn.has(source)));
  const results = last.length > 0 ? last : saving;
  const prefixes = results.flatMap(([, { inputs }]) => prefixOf(inputs['filename_prefix']));
  const named = prefixes.filter((prefix) => !ON_THE_WAY.test(prefix));
  const all = [...new Set(named.length > 0 ? named : prefixes)].toSorted((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  const shown = saving.length > 0 ? [] : Object.entries(workflow).filter(([, node]) => showsText(node));
  const nameless = results.filter(([, { inputs }]) => prefixOf(inputs['filename_prefix']).length === 0);
  return [...all, ...[...nameless, ...shown].flatMap(([id]) => byNode(workflow, id))];
}

function isSaving({ class_type: kind, inputs }: Workflow[string]): boolean {
  const prefix = inputs['filename_prefix'];
  const isPreview = /preview/i.test(kind) || inputs['save_output'] === false;
  return (typeof prefix === 'string' || linkOf(prefix) !== undefined) && !isPreview;
}

function showsText({ class_type: kind, inputs }: Workflow[string]): boolean {
  return SHOWS_TEXT.test(kind) && Object.values(inputs).some((value) => linkOf(value));
}

/** By its title, which survives when the workflow is exported again; by its id where the title is not its own. */
function byNode(workflow: Workflow, id: string): OutputName[] {
  const title = workflow[id]?._meta?.title ?? '';
  const isOwn = title !== '' && title.length <= 60 && nodesCalled(workflow, title).length === 1;
  const node = isOwn ? title : id;
  return node === '' ? [] : [{ node }];
}

/** Of what saves: the nodes that give the pictures. */
function picturesOf(inputs: Workflow[string]['inputs']): string[] {
  return Object.values(inputs).flatMap((value) => linkOf(value)?.node ?? []);
}

/** Everything that what is saved is made from, without what is saved itself. */
function sourcesOfSources(workflow: Workflow, saving: readonly string[]): ReadonlySet<string> {
  const inputsOf = (id: string) => (Object.hasOwn(workflow, id) ? (workflow[id]?.inputs ?? {}) : {});
  const seen = new Set<string>();
  const ahead = saving.flatMap((id) => picturesOf(inputsOf(id))).flatMap((id) => picturesOf(inputsOf(id)));
  for (let id = ahead.pop(); id !== undefined; id = ahead.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    for (const source of picturesOf(inputsOf(id))) ahead.push(source);
  }
  return seen;
}

/** As the files arrive. */
function prefixOf(value: unknown): string[] {
  const prefix = filePrefix(value);
  return prefix === undefined ? [] : [safeName(prefix)];
}
