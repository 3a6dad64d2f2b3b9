import { safeName } from '../../src/backends/result-names.ts';
import { filePrefix, linkOf, type Workflow } from '../../src/workflow.ts';

/** What people name the files that they only look at while they build a workflow. */
const ON_THE_WAY = /^(intermediate|temp|tmp|debug|preview|test)/i;

/**
 * The prefixes of the files that are the result: those of the nodes that save what no other saved file is made from. None
 * where that cannot be told; then everything is the result.
 */
export function mainOutputs(workflow: Workflow): string[] {
  const saving = Object.entries(workflow).filter(
    ([, { class_type: kind, inputs }]) => typeof inputs['filename_prefix'] === 'string' && !/preview/i.test(kind),
  );
  const passedOn = sourcesOfSources(
    workflow,
    saving.map(([id]) => id),
  );
  const last = saving.filter(([, { inputs }]) => !picturesOf(inputs).every((source) => passedOn.has(source)));
  const prefixes = (last.length > 0 ? last : saving).flatMap(([, { inputs }]) => prefixOf(inputs['filename_prefix']));
  const named = prefixes.filter((prefix) => !ON_THE_WAY.test(prefix));
  const all = [...new Set(named.length > 0 ? named : prefixes)];
  return all.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
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
