import { filePrefix, nodesCalled, type Workflow } from './workflow.ts';

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
  /** the id of the node that made it, of a result, where the backend tells */
  readonly node?: string;
}

interface OptionBase {
  /** what the person reads while choosing; at most 100 characters (Discord's limit) */
  readonly description: string;
  readonly required?: boolean;
  /** keys of the parameters that get the answer */
  readonly parameters: readonly string[];
  /** what is said in place of Troupe's own sentence when an answer is not taken */
  readonly message?: string;
}

interface TextOption extends OptionBase {
  readonly kind: 'text';
  readonly default?: string;
  /** characters, at most 6000 (Discord's limit) */
  readonly maxLength?: number;
}

/** Words in several lines: asked for in a modal after the command, in which the default stands to be changed. */
export interface LongTextOption extends OptionBase {
  readonly kind: 'long-text';
  readonly default?: string;
  /** characters, at most 4000 (Discord's limit) */
  readonly maxLength?: number;
}

interface NumberOption extends OptionBase {
  readonly kind: 'integer' | 'number';
  readonly min: number;
  readonly max: number;
  readonly default?: number;
}

/** One of several. Discord lists up to 25 of them; of more, it shows those that fit what is typed. */
export interface ChoiceOption extends OptionBase {
  readonly kind: 'choice';
  /** what is shown, which is the answer → what is sent; what is shown has at most 100 characters (Discord's limit) */
  readonly choices: Readonly<Record<string, ParameterValue>>;
  /** one of what is shown */
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

/**
 * A picture of where another one is to be changed: white or transparent there. It is sent as a PNG that says the same in
 * its colours and, upside down, in its transparency: so ComfyUI's `LoadImageMask` reads the same from each channel.
 */
export interface MaskOption extends OptionBase {
  readonly kind: 'mask';
  /**
   * The picture option that it is about: it is made as large as that picture. Where the mask has no parameters of its
   * own, it becomes that picture's transparency, which is what ComfyUI's `LoadImage` takes for a mask.
   */
  readonly of?: string;
}

/** A film or a sound, which is passed on as it is. */
export interface MediaOption extends OptionBase {
  readonly kind: 'video' | 'audio';
  /** sent when none is given, beside the recipe */
  readonly default?: URL;
}

/** A whole number that decides the picture: random unless given, so that the same words can give another picture. */
interface SeedOption extends OptionBase {
  readonly kind: 'seed';
}

/** What is attached to a command. */
export type FileOption = PictureOption | MaskOption | MediaOption;

/** What is said with the command itself. */
export type ValueOption = TextOption | LongTextOption | NumberOption | ChoiceOption | SwitchOption | SeedOption;

export type Option = ValueOption | FileOption;

export function isFileOption(option: Option): option is FileOption {
  return option.kind === 'picture' || option.kind === 'mask' || option.kind === 'video' || option.kind === 'audio';
}

/** A workflow that goes with every run, for backends that have none of their own. */
export interface RecipeWorkflow {
  readonly graph: Workflow;
  /** by option: the parameters of this workflow, where they are others than the option's own */
  readonly parameters?: Readonly<Record<string, readonly string[]>>;
  /** whether it is run even where a workflow is deployed */
  readonly always?: boolean;
}

/** Kinds of backends, as they are called in the configuration. */
export const BACKEND_KINDS = ['viewcomfy', 'comfyui', 'amqp', 'segmind'] as const;
export type BackendKind = (typeof BACKEND_KINDS)[number];

/** Files of a run: those whose names begin so, or those of the node that has this title or id in the recipe's workflow. */
export type OutputName = string | { readonly node: string };

/** Who may use a command; each that is given must be met. */
export interface Access {
  /** ids of the servers in which it may be used; nowhere else, and not in direct messages */
  readonly servers?: readonly string[];
  /** members who have one of these roles, or are one of these users, or have the permission: any of them is enough */
  readonly roles?: readonly string[];
  readonly users?: readonly string[];
  /** Discord's name of a permission, such as `ManageGuild` */
  readonly permission?: string;
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
    /** the result, in the order to show it; everything where it is empty or nothing is called so */
    readonly main: readonly OutputName[];
    /** what is not shown at all; what is neither is an extra, shown when it is asked for */
    readonly hidden?: readonly OutputName[];
  };
  /** what a run is expected to take until enough were measured, and what people are told that it costs */
  readonly estimate?: { readonly seconds?: number; readonly cost?: string };
  /** what can run it; `canRun` says what where it is absent */
  readonly backends?: readonly BackendKind[];
  /** whether Discord shows it only to adults, in channels for them */
  readonly nsfw?: boolean;
  /** everybody, everywhere, where it is absent */
  readonly access?: Access;
}

/**
 * Whether a kind of backend can run a recipe. One that does not say runs on ViewComfy, which has its workflow deployed or
 * is sent it, and with a workflow on ComfyUI and its workers; Segmind runs a model of its own, so a recipe has to name it.
 */
export function canRun({ backends, workflow }: Pick<Recipe, 'backends' | 'workflow'>, kind: BackendKind): boolean {
  if (backends) return backends.includes(kind);
  return kind === 'viewcomfy' || (kind !== 'segmind' && workflow !== undefined);
}

/** Those that can. */
export function kindsFor(recipe: Pick<Recipe, 'backends' | 'workflow'>): BackendKind[] {
  return BACKEND_KINDS.filter((kind) => canRun(recipe, kind));
}

type AnswerTo<O extends Option> = O extends FileOption
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
 * @param defaultFile the file that stands for an option's `default`
 */
export function completeAnswers(
  recipe: Recipe,
  given: GivenAnswers,
  randomSeed: () => number,
  defaultFile: (location: URL) => StoredFile,
): GivenAnswers {
  return Object.fromEntries(
    Object.entries(recipe.options).map(([name, option]) => {
      const answer = Object.hasOwn(given, name) ? given[name] : undefined;
      if (answer !== undefined) return [name, answer];
      if (option.kind === 'seed') return [name, randomSeed()];
      if (option.kind === 'mask') return [name, undefined];
      if (isFileOption(option)) return [name, option.default && defaultFile(option.default)];
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

/** By parameter key: the option whose answer it gets, in the recipe's workflow or in one that is deployed. */
export function labelsOf({
  options,
  workflow,
}: Pick<Recipe, 'options' | 'workflow'>): Readonly<Record<string, string>> {
  const { parameters = {} } = workflow ?? {};
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, option]) =>
      [...option.parameters, ...(parameters[name] ?? [])].map((key) => [key, name]),
    ),
  );
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
      else parameters[key] = valueOf(option, answer);
    }
  }
  return { parameters, files };
}

/** What stands for an answer in a workflow. */
function valueOf(option: Option, answer: ParameterValue): ParameterValue {
  if (option.kind !== 'choice' || typeof answer !== 'string' || !Object.hasOwn(option.choices, answer)) return answer;
  return option.choices[answer] ?? answer;
}

/**
 * Tells the result from the extras. Where nothing is called as the result should be, everything but what is hidden is the
 * result: a workflow that was changed still shows its pictures.
 */
export function sortOutputs<F extends Pick<StoredFile, 'name' | 'node'>>(
  { outputs, workflow }: Pick<Recipe, 'outputs' | 'workflow'>,
  files: readonly F[],
): { main: F[]; extra: F[] } {
  const named = (name: OutputName) => files.filter((file) => isCalled(file, name, workflow?.graph));
  const main = [...new Set(outputs.main.flatMap(named))];
  const hidden = new Set(outputs.hidden?.flatMap(named));
  const others = files.filter((file) => !main.includes(file) && !hidden.has(file));
  if (main.length > 0) return { main, extra: others };
  return { main: others.length > 0 ? others : [...files], extra: [] };
}

function isCalled(
  { name, node }: Pick<StoredFile, 'name' | 'node'>,
  wanted: OutputName,
  graph: Workflow = {},
): boolean {
  if (typeof wanted === 'string') return hasPrefix(name, wanted);
  const ids = nodesCalled(graph, wanted.node);
  if (node !== undefined) return node === wanted.node || ids.includes(node);
  return ids.some((id) => {
    const prefix = filePrefix(graph[id]?.inputs['filename_prefix']);
    return prefix !== undefined && hasPrefix(name, prefix);
  });
}

/** ComfyUI names a file `<prefix>_00001_.png`: `Image_1` must not take `Image_10_00001_.png`. */
function hasPrefix(name: string, prefix: string): boolean {
  return name === prefix || (name.startsWith(prefix) && !/[0-9a-z]/i.test(name.charAt(prefix.length)));
}
