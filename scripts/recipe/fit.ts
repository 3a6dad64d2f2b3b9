import { UserError } from '../../src/errors.ts';
import {
  MOST_IN_COMMAND,
  MOST_IN_DESCRIPTION,
  MOST_IN_NAME,
  MOST_LISTED,
  MOST_LONG_TEXTS,
  MOST_OPTIONS,
} from '../../src/recipes/limits.ts';
import { isFileOption, type Option, type Recipe } from '../../src/recipes/recipe.ts';
import { RecipeFile } from '../../src/recipes/recipe-file.ts';
import {
  fillWritten,
  flattenWritten,
  isParameterKey,
  parameterKey,
  type Workflow,
} from '../../src/recipes/workflow.ts';
import { workflowSource, type WorkflowSource } from '../../src/recipes/workflow-file.ts';
import { printWritten, scalarOf, writtenAt, type Written } from '../../src/recipes/written-json.ts';
import type { Candidate, Draft } from './draft.ts';
import { describe, shorten, takeName } from './names.ts';
import { mainOutputs } from './outputs.ts';

/** With room for `private`. */
const MOST_CHARACTERS = MOST_IN_COMMAND - 200;

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
  const usable = withPictures(withoutRepeated(draft.candidates.filter(isUsable), notes));
  const room = withinLimits(usable);
  const kept = withinModal(
    usable.filter((candidate) => room.has(candidate)),
    notes,
  );
  const left = usable.filter((candidate) => !room.has(candidate));
  if (left.length > 0) notes.push(noRoom(left));

  const fixed = fixedValues(draft, kept, left, counts);
  const written = fillWritten(source.written, fixed);
  if (printWritten(written) !== printWritten(source.written)) {
    const values = fixed.size === 1 ? 'A value of the form is' : `${fixed.size} values of the form are`;
    notes.push(`${values} in the workflow that is written.`);
  }
  const graph = workflowSource('The workflow', JSON.parse(printWritten(written)), written).workflow;

  const named = withNames(kept);
  notes.push(...notesOnValues(written, kept), ...notesOnOptions(named));
  const recipe: Recipe = {
    name,
    description: describe(draft.description || draft.title || `Runs the workflow ${name}`),
    options: Object.fromEntries(named.map(([name, { option }]) => [name, option])),
    // What a host has deployed is hardly ever this one, and its nodes have other ids.
    workflow: { graph, always: true },
    outputs: { main: mainOutputs(source.workflow) },
  };
  return {
    recipe: RecipeFile.parse(recipe),
    written,
    reasons: new Map(named.flatMap(([name, { reason }]) => (reason === undefined ? [] : [[name, reason] as const]))),
    notes,
  };

  /** A key must lead to one input. */
  function isUsable({ names, option }: Candidate): boolean {
    const bad = option.parameters.find((key) => counts.get(key) !== 1 || !isParameterKey(key));
    if (bad === undefined) return true;
    const why =
      counts.get(bad) === 1 ? 'its node or its input has no name' : `${JSON.stringify(bad)} leads to two inputs`;
    notes.push(`${names[0]} keeps the workflow's own value: ${why}.`);
    return false;
  }
}

function noRoom(left: readonly Candidate[]): string {
  const which = left
    .slice(0, 5)
    .map(({ names, option }) => [names[0], option.parameters[0]].filter(Boolean).join(' at '));
  const more = left.length > 5 ? ` and ${left.length - 5} more` : '';
  return `Discord has no room for ${which.join(', ')}${more}: every run has the value that stands there.`;
}

/** What every run has where nothing is answered: what nobody is asked for, and what may go unanswered. */
function fixedValues(
  draft: Draft,
  kept: readonly Candidate[],
  left: readonly Candidate[],
  counts: ReadonlyMap<string, number>,
): ReadonlyMap<string, Written> {
  const asked = new Set(kept.flatMap(({ option }) => option.parameters));
  const unasked = [draft.fixed, ...left.map(({ instead }) => instead)].flatMap((values) => [...(values ?? [])]);
  // No default of theirs would be sent.
  const open = kept.filter(({ option }) => isLeftOpen(option)).flatMap(({ instead }) => [...(instead ?? [])]);
  return new Map([...unasked.filter(([key]) => counts.get(key) === 1 && !asked.has(key)), ...open]);
}

type Named = readonly [name: string, candidate: Candidate];

/** In Discord's order, each mask with the name of its picture. */
function withNames(kept: readonly Candidate[]): Named[] {
  const taken = new Set<string>();
  const names = new Map(requiredFirst(kept).map((candidate) => [candidate, takeName(candidate.names, taken)] as const));
  return Array.from(names, ([candidate, name]) => {
    const of = candidate.of && names.get(candidate.of);
    return [name, { ...candidate, option: { ...candidate.option, ...(of !== undefined && { of }) } }] as const;
  });
}

function notesOnValues(written: ReadonlyMap<string, Written>, kept: readonly Candidate[]): string[] {
  const notes: string[] = [];
  const rounded = roundedNumbers(written);
  if (rounded.length > 0) {
    notes.push(`Larger than JavaScript keeps, so sent rounded: ${shorten(rounded.join(', '), 200)}.`);
  }
  if (!kept.some(({ option }) => option.kind === 'seed')) {
    notes.push('There is no seed to ask for: the same answers give the same result.');
  }
  return notes;
}

function notesOnOptions(named: readonly Named[]): string[] {
  const notes: string[] = [];
  const eased = named.flatMap(([name, { isEased }]) => (isEased ? [name] : []));
  if (eased.length > 0) {
    notes.push(`The form requires these too, but its values stand when nothing is answered: ${eased.join(', ')}.`);
  }
  const guessed = named.flatMap(([name, { option, hasGuessedBounds }]) =>
    hasGuessedBounds && 'min' in option ? [`${name} ${option.min} to ${option.max}`] : [],
  );
  if (guessed.length > 0) notes.push(`The form has no bounds for these, so they are guessed: ${guessed.join(', ')}.`);
  const keys = new Set(named.flatMap(([, { option }]) => option.parameters));
  const dashed = [...keys].filter((key) => key.split('-').length > 3);
  if (dashed.length > 0) {
    notes.push(`ViewComfy may not find inputs with dashes in their names: ${shorten(dashed.join(', '), 200)}.`);
  }
  return notes;
}

function isLeftOpen(option: Option): boolean {
  return !option.required && option.kind !== 'seed' && !isFileOption(option) && option.default === undefined;
}

/** A mask is nothing without its picture. */
function withPictures(candidates: readonly Candidate[]): Candidate[] {
  return candidates.flatMap((candidate) => {
    const { of, ...rest } = candidate;
    if (!of || candidates.includes(of)) return [candidate];
    return rest.option.parameters.length > 0 ? [rest] : [];
  });
}

/** What has to be answered goes into the modal first. What has no room there is asked on one line. */
function withinModal(candidates: readonly Candidate[], notes: string[]): Candidate[] {
  const isLong = ({ option }: Candidate) => option.kind === 'long-text';
  const shown = new Set(requiredFirst(candidates.filter(isLong)).slice(0, MOST_LONG_TEXTS));
  const others = candidates.filter((candidate) => isLong(candidate) && !shown.has(candidate));
  if (others.length > 0) {
    notes.push(
      `A modal has room for ${MOST_LONG_TEXTS} texts, so these are asked on one line: ${others.map(({ names }) => names[0]).join(', ')}.`,
    );
  }
  return candidates.map((candidate) => (others.includes(candidate) ? onOneLine(candidate) : candidate));
}

/** There, what stands would have to be written again: so it is required only where nothing does. */
function onOneLine(candidate: Candidate): Candidate {
  const { option } = candidate;
  if (option.kind !== 'long-text') return candidate;
  const { required, default: standing, ...rest } = option;
  const text = standing === undefined ? required !== undefined && { required } : { default: standing };
  return { ...candidate, option: { ...rest, kind: 'text', ...text } };
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
  let characters = MOST_IN_NAME + MOST_IN_DESCRIPTION;
  const kept = new Set<Candidate>();
  for (const candidate of byWeight) {
    characters += charactersOf(candidate.option);
    if (characters > MOST_CHARACTERS) break;
    kept.add(candidate);
  }
  return kept;
}

function charactersOf(option: Option): number {
  const shown = option.kind === 'choice' ? Object.keys(option.choices) : [];
  const choices = shown.length > MOST_LISTED ? [] : shown.flatMap((name) => [name, name]);
  // Its name is not chosen yet. Discord learns nothing beforehand of choices that it does not list.
  return MOST_IN_NAME + option.description.length + choices.reduce((sum, { length }) => sum + length, 0);
}

function requiredFirst(candidates: readonly Candidate[]): Candidate[] {
  return candidates.toSorted((a, b) => Number(b.option.required ?? false) - Number(a.option.required ?? false));
}
