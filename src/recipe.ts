import type { Workflow } from './workflow.ts';

/**
 * A recipe says what a slash command asks, and where each answer goes in a workflow. It is data: `commands.ts` makes
 * Discord's command from it, and this file turns the answers into parameters. Nothing here knows Discord, HTTP or time.
 */

/** The value of one input of one node. Its key is `<nodeId>-inputs-<name>`, as ViewComfy writes it. */
export type ParameterValue = string | number | boolean;

/** A file on disk: an answer on its way to a backend, or a result on its way to a person. */
export interface StoredFile {
  /** safe as a file name: `[A-Za-z0-9._-]` */
  readonly name: string;
  readonly mediaType: string;
  readonly path: string;
  /** bytes */
  readonly size: number;
}

interface OptionBase {
  /** what the person reads while choosing; at most 100 characters (Discord's limit) */
  readonly description: string;
  readonly required?: boolean;
  /** keys of the parameters that get the answer */
  readonly parameters: readonly string[];
}

interface TextOption extends OptionBase {
  readonly kind: 'text';
  readonly default?: string;
  /** characters, at most 6000 (Discord's limit) */
  readonly maxLength?: number;
}

interface NumberOption extends OptionBase {
  readonly kind: 'integer' | 'number';
  readonly min: number;
  readonly max: number;
  readonly default?: number;
}

interface ChoiceOption extends OptionBase {
  readonly kind: 'choice';
  /** what is shown → what is sent; at most 25 (Discord's limit) */
  readonly choices: Readonly<Record<string, string>>;
  readonly default?: string;
}

interface SwitchOption extends OptionBase {
  readonly kind: 'switch';
  readonly default?: boolean;
}

export interface PictureOption extends OptionBase {
  readonly kind: 'picture';
  /** a picture sent when none is given, beside the recipe */
  readonly default?: URL;
  /** the longest side, in pixels, that the workflow makes use of */
  readonly maxSide: number;
}

/** A whole number that decides the picture: random unless given, so that the same words can give another picture. */
interface SeedOption extends OptionBase {
  readonly kind: 'seed';
}

export type Option = TextOption | NumberOption | ChoiceOption | SwitchOption | PictureOption | SeedOption;

/** A workflow that goes with every run, for backends that have none of their own. */
export interface RecipeWorkflow {
  readonly graph: Workflow;
  /** by option: the parameters of this workflow, where they are others than the option's own */
  readonly parameters?: Readonly<Record<string, readonly string[]>>;
  /** whether it is run even where a workflow is deployed */
  readonly always?: boolean;
}

export interface Recipe {
  /** the slash command's name: `[a-z0-9_-]`, at most 32 characters */
  readonly name: string;
  readonly description: string;
  /** in the order in which Discord shows them; required ones first */
  readonly options: Readonly<Record<string, Option>>;
  /** how long a run of it may be silent, and may take in all; what the backend holds to be usual where it is not said */
  readonly timeouts?: { readonly idleMs: number; readonly totalMs: number };
  readonly workflow?: RecipeWorkflow;
  readonly outputs: {
    /** prefixes of the names of the files that are the result, in the order to show them; all others are extras */
    readonly main: readonly string[];
  };
}

type AnswerTo<O extends Option> = O extends PictureOption
  ? StoredFile
  : O extends NumberOption | SeedOption
    ? number
    : O extends SwitchOption
      ? boolean
      : string;

/** What a person answered: every option that is required, has a default or is a seed is there. */
export type Answers<R extends Recipe = Recipe> = {
  readonly [Name in keyof R['options']]: R['options'][Name] extends
    | { readonly required: true }
    | { readonly default: unknown }
    | SeedOption
    ? AnswerTo<R['options'][Name]>
    : AnswerTo<R['options'][Name]> | undefined;
};

/** The largest seed that survives JSON and JavaScript: ComfyUI takes 64 bits, but a double holds 53. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER;

/** What a person answered, before anything is filled in: nothing for what was left out. */
export type GivenAnswers = Readonly<Record<string, ParameterValue | StoredFile | undefined>>;

/**
 * Puts defaults and a seed where nothing was answered.
 * @param randomSeed a fresh whole number from 0 to `MAX_SEED`
 * @param defaultFile the picture that stands for an option's `default`
 */
export function completeAnswers(
  recipe: Recipe,
  given: GivenAnswers,
  randomSeed: () => number,
  defaultFile: (location: URL) => StoredFile,
): GivenAnswers {
  return Object.fromEntries(
    Object.entries(recipe.options).map(([name, option]) => {
      const answer = given[name];
      if (answer !== undefined) return [name, answer];
      if (option.kind === 'seed') return [name, randomSeed()];
      if (option.kind === 'picture') return [name, option.default && defaultFile(option.default)];
      return [name, option.default];
    }),
  );
}

/** What a workflow gets: the values, and the files, by parameter key. */
export interface Filled {
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly files: Readonly<Record<string, StoredFile>>;
}

/** What a backend is asked for. */
export interface Wish extends Filled {
  /** to be run with these values; without one they are those of the workflow that the backend has deployed */
  readonly workflow?: Workflow;
  /** the same for a backend that has a workflow deployed, and runs that one */
  readonly deployed?: Filled;
}

/** Answers → parameters. What was not answered is not sent, so the workflow's own value stands. */
export function fill({ options, workflow }: Recipe, answers: GivenAnswers): Wish {
  const deployed = fillKeys(options, answers, (_name, { parameters }) => parameters);
  if (!workflow) return deployed;
  const { graph, parameters = {}, always = false } = workflow;
  return {
    ...fillKeys(options, answers, (name, option) => parameters[name] ?? option.parameters),
    workflow: graph,
    ...(!always && { deployed }),
  };
}

function fillKeys(
  options: Recipe['options'],
  answers: GivenAnswers,
  keysOf: (name: string, option: Option) => readonly string[],
): Filled {
  const parameters: Record<string, ParameterValue> = {};
  const files: Record<string, StoredFile> = {};
  for (const [name, option] of Object.entries(options)) {
    const answer = answers[name];
    if (answer === undefined) continue;
    for (const key of keysOf(name, option)) {
      if (typeof answer === 'object') files[key] = answer;
      else parameters[key] = answer;
    }
  }
  return { parameters, files };
}

/**
 * Tells the result from the extras by the names' prefixes. Where no name has one of them, everything is the result: a
 * workflow that was changed still shows its pictures.
 */
export function sortOutputs<F extends { readonly name: string }>(
  recipe: Recipe,
  files: readonly F[],
): { main: F[]; extra: F[] } {
  const main = recipe.outputs.main.flatMap((prefix) => files.filter((file) => hasPrefix(file.name, prefix)));
  if (main.length === 0) return { main: [...files], extra: [] };
  return { main, extra: files.filter((file) => !main.includes(file)) };
}

/** ComfyUI names a file `<prefix>_00001_.png`: `Image_1` must not take `Image_10_00001_.png`. */
function hasPrefix(name: string, prefix: string): boolean {
  return name === prefix || (name.startsWith(prefix) && !/[0-9a-z]/i.test(name.charAt(prefix.length)));
}
