import { PRIVATE_OPTION } from '../../src/commands.ts';
import { UserError } from '../../src/errors.ts';
import type { Option, Recipe } from '../../src/recipe.ts';
import { RecipeFile } from '../../src/recipe-file.ts';
import { fillWritten, flattenWritten, parameterKey, type Workflow } from '../../src/workflow.ts';
import { workflowSource, type WorkflowSource } from '../../src/workflow-file.ts';
import { printWritten, scalarOf, writtenAt, type Written } from '../../src/written-json.ts';
import type { Candidate, Draft } from './draft.ts';
import { describe, shorten, takeName } from './names.ts';
import { mainOutputs } from './outputs.ts';

/** Discord allows 25 options (application-commands.mdx); one of them is `private`. */
const MOST_OPTIONS = 24;

/** Of all names, descriptions and choices of a command together (application-commands.mdx), with room for `private`. */
const MOST_CHARACTERS = 8000 - 200;

export interface Fitted {
  readonly recipe: Recipe;
  /** the workflow to write, with what every run has */
  readonly written: Map<string, Written>;
  /** by option, where it was guessed */
  readonly reasons: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/**
 * Makes a recipe of a draft that Discord takes, and says what did not fit.
 * @throws UserError for a workflow that no recipe can have
 */
export function fitRecipe(name: string, draft: Draft, source: WorkflowSource): Fitted {
  refuseUncarried(source.written);
  const notes = [...draft.notes];
  const counts = countKeys(source.workflow);
  const usable = withoutRepeated(draft.candidates.filter(isUsable), notes);
  const kept = withinLimits(usable);
  const left = usable.filter((candidate) => !kept.has(candidate));
  if (left.length > 0) {
    const which = left.slice(0, 5).map(({ names, option }) => `${names[0]} (${option.parameters[0]})`);
    const more = left.length > 5 ? ` and ${left.length - 5} more` : '';
    notes.push(`Discord has no room for ${which.join(', ')}${more}: every run has the value that stands there.`);
  }
  const asked = new Set([...kept].flatMap(({ option }) => option.parameters));
  const fixed = new Map(
    [draft.fixed, ...left.map(({ instead }) => instead ?? new Map<string, Written>())]
      .flatMap((values) => [...values])
      .filter(([key]) => counts.get(key) === 1 && !asked.has(key)),
  );
  const written = fillWritten(source.written, fixed);
  const isChanged = printWritten(written) !== printWritten(source.written);
  if (isChanged) notes.push(`${fixed.size} values of the form are in the workflow that is written.`);
  const graph = workflowSource('The workflow', JSON.parse(printWritten(written)), written).workflow;

  const rounded = roundedNumbers(written);
  if (rounded.length > 0) {
    notes.push(`Larger than JavaScript keeps, so sent rounded: ${shorten(rounded.join(', '), 200)}.`);
  }
  if (![...kept].some(({ option }) => option.kind === 'seed')) {
    notes.push('There is no seed to ask for: the same answers give the same result.');
  }

  const taken = new Set([PRIVATE_OPTION]);
  const named = requiredFirst([...kept]).map((candidate) => [takeName(candidate.names, taken), candidate] as const);
  const recipe: Recipe = {
    name,
    description: describe(draft.description || draft.title || `Runs the workflow ${name}`),
    options: Object.fromEntries(named.map(([name, { option }]) => [name, option])),
    // What was put into the workflow is not in the one that somebody deployed.
    workflow: { graph, ...(isChanged && { always: true }) },
    outputs: { main: mainOutputs(source.workflow) },
  };
  return {
    recipe: RecipeFile.parse(recipe),
    written,
    reasons: new Map(named.flatMap(([name, { reason }]) => (reason === undefined ? [] : [[name, reason] as const]))),
    notes,
  };

  /** A key must lead to one input, and be one that a recipe may have. */
  function isUsable({ names, option }: Candidate): boolean {
    const bad = option.parameters.find((key) => counts.get(key) !== 1 || !/^[^-]+-inputs-.+$/.test(key));
    if (bad === undefined) return true;
    notes.push(`${names[0]} keeps the workflow's own value: no parameter can be called ${JSON.stringify(bad)}.`);
    return false;
  }
}

/** A name that the recipe's loader drops, so that the node would be missing in every run. */
function refuseUncarried(written: ReadonlyMap<string, Written>): void {
  for (const [id, node] of written) {
    const inputs = writtenAt(node, 'inputs');
    if (id !== '__proto__' && !(inputs instanceof Map && inputs.has('__proto__'))) continue;
    throw new UserError('A node or an input is called __proto__, which no recipe can have. Call it otherwise.');
  }
}

/** What JavaScript has no number for is not sent as it is written; a seed may be another one. */
function roundedNumbers(written: ReadonlyMap<string, Written>): string[] {
  return [...flattenWritten(written)].flatMap(([key, value]) => {
    const number = typeof value === 'object' ? scalarOf(value) : undefined;
    const isKept = typeof number !== 'number' || !Number.isInteger(number) || Number.isSafeInteger(number);
    return isKept || key.endsWith('seed') ? [] : [key];
  });
}

/** How many inputs each key stands for: the names of nodes and inputs may have the word between them themselves. */
function countKeys(workflow: Workflow): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [node, { inputs }] of Object.entries(workflow)) {
    for (const input of Object.keys(inputs)) {
      const key = parameterKey(node, input);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

function withoutRepeated(candidates: readonly Candidate[], notes: string[]): Candidate[] {
  const seen = new Set<string>();
  return candidates.filter(({ names, option }) => {
    const again = option.parameters.find((key) => seen.has(key));
    if (again !== undefined) notes.push(`${names[0]} is left out: ${again} is asked for already.`);
    else for (const key of option.parameters) seen.add(key);
    return again === undefined;
  });
}

/** What has to be answered and the seeds go first: without a seed, every run would give the same. */
function withinLimits(candidates: readonly Candidate[]): ReadonlySet<Candidate> {
  const weight = ({ option }: Candidate) => (option.required ? 0 : option.kind === 'seed' ? 1 : 2);
  const byWeight = candidates.toSorted((a, b) => weight(a) - weight(b)).slice(0, MOST_OPTIONS);
  let characters = 32 + 100;
  const kept = new Set<Candidate>();
  for (const candidate of byWeight) {
    characters += charactersOf(candidate.option);
    if (characters > MOST_CHARACTERS) break;
    kept.add(candidate);
  }
  return new Set(candidates.filter((candidate) => kept.has(candidate)));
}

function charactersOf(option: Option): number {
  const choices = option.kind === 'choice' ? Object.keys(option.choices).flatMap((shown) => [shown, shown]) : [];
  return 32 + option.description.length + choices.reduce((sum, { length }) => sum + length, 0);
}

function requiredFirst(candidates: readonly Candidate[]): Candidate[] {
  return candidates.toSorted((a, b) => Number(b.option.required ?? false) - Number(a.option.required ?? false));
}
