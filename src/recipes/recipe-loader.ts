import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { JOBS_COMMAND } from './commands.ts';
import { isFileOption, type Recipe } from './recipe.ts';
import { problemsOf, readRecipe } from './recipe-rules.ts';
import type { FileProblem, FromRecipeWorker } from './recipe-worker.ts';
import { readParameterMap, readWorkflowFile, WorkflowFileError } from './workflow-file.ts';

/** Recipes that cannot be used: the message has a line for each problem, with the file, the place in it and the reason. */
export class RecipeError extends Error {
  override name = 'RecipeError';
}

/** A workflow that takes the place of a recipe's own, and where answers go in it, for options that do not fit it: paths. */
export interface WorkflowInstead {
  readonly path: string;
  readonly parameters?: string;
}

interface RecipeSources {
  /** a recipe takes the place of one that has its name in a directory before */
  readonly directories: readonly string[];
  /** by the recipe's name */
  readonly workflows?: Readonly<Record<string, WorkflowInstead>>;
  /** the names of those that are wanted; all where it is absent */
  readonly only?: readonly string[];
  /** how long a file may take to load */
  readonly patienceMs?: number;
}

/** The recipes of this repository. */
export const COMMANDS_DIRECTORY = fileURLToPath(new URL('../../commands', import.meta.url));

/** Where the configuration says that recipes are, and which of them. */
export function sourcesOf({
  commandsDir,
  commands,
  workflows,
}: {
  readonly commandsDir?: string;
  readonly commands?: readonly string[];
  readonly workflows: Readonly<Record<string, WorkflowInstead>>;
}): RecipeSources {
  const directories = [COMMANDS_DIRECTORY, ...(commandsDir === undefined ? [] : [commandsDir])];
  return { directories, workflows, ...(commands && { only: commands }) };
}

/** A file has no business with what takes so long. */
const PATIENCE_MS = 10_000;

/** characters of what is told of an error */
const MAX_WORDS = 500;

/** of one file: where a workflow is something else, each of its nodes is wrong */
const MAX_PROBLEMS = 20;

const EXTENSIONS = /\.(?:ts|mts|js|mjs)$/;
const DECLARATIONS = /\.d\.m?ts$/;

/**
 * Reads every recipe of some directories: each file's default export. It may be called again and again: what has changed
 * on the disk is read anew, with all that it imports.
 * @throws RecipeError with every problem of every file
 */
export async function loadRecipes({
  directories,
  workflows = {},
  only,
  patienceMs = PATIENCE_MS,
}: RecipeSources): Promise<ReadonlyMap<string, Recipe>> {
  const problems: string[] = [];
  const folders = await Promise.all(
    directories.map((directory) => filesOf(directory).catch((error: unknown) => notListed(directory, error))),
  );
  const exported = await loadFiles(folders.flat(), patienceMs);
  const recipes = new Map<string, Recipe>();
  for (const files of folders) {
    const named = new Map<string, string>();
    for (const path of files) {
      const recipe = await usable(path);
      if (!recipe) continue;
      const other = named.get(recipe.name);
      if (recipe.name === JOBS_COMMAND) problems.push(`${shownPath(path)}: the name ${JOBS_COMMAND} is Troupe's own`);
      if (other !== undefined) {
        problems.push(`${shownPath(path)}: ${shownPath(other)} has the name ${recipe.name} already`);
      }
      named.set(recipe.name, path);
      recipes.set(recipe.name, recipe);
    }
  }
  for (const [name, instead] of Object.entries(workflows)) {
    const recipe = recipes.get(name);
    if (recipe) recipes.set(name, await withWorkflow(recipe, instead));
  }
  for (const name of only ?? []) {
    if (!recipes.has(name) && problems.length === 0) {
      problems.push(`COMMANDS names ${name}, which is no recipe; there are ${[...recipes.keys()].join(', ')}`);
    }
  }
  if (problems.length > 0) throw new RecipeError(problems.join('\n'));
  return only ? new Map([...recipes].filter(([name]) => only.includes(name))) : recipes;

  function notListed(directory: string, error: unknown): string[] {
    const why =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'is not there' : 'cannot be read';
    problems.push(`${directory}: this folder of recipes ${why}`);
    return [];
  }

  async function usable(path: string): Promise<Recipe | undefined> {
    const file = exported.get(path);
    if (!file || file.type === 'failed') {
      tell((file?.problems ?? []).map((problem) => lineOf(path, problem)));
      return undefined;
    }
    const read = readRecipe(file.exported);
    const found = 'recipe' in read ? await missingFiles(read.recipe) : read.problems;
    tell(found.map((problem) => `${shownPath(path)}: ${oneLine(problem)}`));
    return 'recipe' in read && found.length === 0 ? read.recipe : undefined;
  }

  function tell(lines: readonly string[]): void {
    problems.push(...lines.slice(0, MAX_PROBLEMS));
    if (lines.length > MAX_PROBLEMS) problems.push(`and ${lines.length - MAX_PROBLEMS} more like these`);
  }

  /** The recipe as it is where that cannot be, and a problem more. */
  async function withWorkflow(recipe: Recipe, { path, parameters: mapPath }: WorkflowInstead): Promise<Recipe> {
    try {
      const graph = await readWorkflowFile(path);
      const parameters = mapPath === undefined ? undefined : await readParameterMap(mapPath);
      const stray = Object.keys(parameters ?? {}).filter((option) => !Object.hasOwn(recipe.options, option));
      for (const name of stray) problems.push(`${mapPath} names ${name}, which is no option of /${recipe.name}`);
      const changed = { ...recipe, workflow: { graph, ...(parameters && { parameters }) } };
      if (stray.length === 0) problems.push(...problemsOf(changed).map((problem) => `${path}: ${problem}`));
      return changed;
    } catch (error) {
      if (!(error instanceof WorkflowFileError)) throw error;
      problems.push(error.message);
      return recipe;
    }
  }
}

/** Those that may be recipes, in the order of their names. */
async function filesOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && EXTENSIONS.test(entry.name) && !DECLARATIONS.test(entry.name))
    .filter(({ name }) => !name.startsWith('.') && !name.startsWith('_'))
    .map(({ name }) => join(directory, name))
    .toSorted();
}

async function missingFiles({ options }: Recipe): Promise<string[]> {
  const problems: string[] = [];
  for (const [name, option] of Object.entries(options)) {
    if (!isFileOption(option) || option.kind === 'mask' || !option.default) continue;
    const { href, protocol } = option.default;
    const isFile = protocol === 'file:' && (await stat(option.default).catch(() => undefined))?.isFile();
    if (!isFile) problems.push(`options.${name}.default ${href} is no file that can be read`);
  }
  return problems;
}

/** Every file in one thread; when that ends early, the ones that are left have another thread. */
async function loadFiles(paths: readonly string[], patienceMs: number): Promise<ReadonlyMap<string, FromRecipeWorker>> {
  const loaded = new Map<string, FromRecipeWorker>();
  let left = paths;
  while (left.length > 0) {
    await loadInThread(left, patienceMs, loaded);
    left = left.filter((path) => !loaded.has(path));
  }
  return loaded;
}

/**
 * Ends when all are loaded or the thread is over; the first one is in `loaded` then. Only that one is blamed for the end:
 * what another one did may be the work of a file before it, so it is to be the first of a thread itself.
 */
async function loadInThread(
  paths: readonly string[],
  patienceMs: number,
  loaded: Map<string, FromRecipeWorker>,
): Promise<void> {
  const worker = new Worker(new URL('recipe-worker.ts', import.meta.url), {
    workerData: paths,
    // Both are about what this project has decided, or the folders of others: nobody is to be told.
    execArgv: ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', '--disable-warning=ExperimentalWarning'],
  });
  const [first = ''] = paths;
  const over = Promise.withResolvers<void>();
  const tooLate = () => blame(`it has not finished loading after ${patienceMs / 1000} s`);
  let timer = setTimeout(tooLate, patienceMs);

  /** The first that is heard of its end is why. */
  function blame(text: string): void {
    if (!loaded.has(first)) loaded.set(first, { type: 'failed', path: first, problems: [{ path: first, text }] });
    over.resolve();
  }

  worker.on('message', (message: FromRecipeWorker) => {
    clearTimeout(timer);
    timer = setTimeout(tooLate, patienceMs);
    loaded.set(message.path, message);
    if (paths.every((path) => loaded.has(path))) over.resolve();
  });
  worker.on('error', (error) => blame(`it fails while it loads: ${error.message}`));
  worker.on('exit', () => blame('it ends the program while it loads'));
  try {
    await over.promise;
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

function lineOf(path: string, { path: place, line, text: words }: FileProblem): string {
  const text = oneLine(words);
  if (place === path) return `${shownPath(path)}${line === undefined ? '' : `:${line}`}: ${text}`;
  return `${shownPath(path)}: ${text} (${shownPath(place)}${line === undefined ? '' : `:${line}`})`;
}

/** What a file throws may be long, and hold what a terminal obeys. */
function oneLine(words: string): string {
  return words.replaceAll(/[\s\p{Cc}]+/gu, ' ').slice(0, MAX_WORDS);
}

/** As short as it can be found from where the person is. */
export function shownPath(path: string): string {
  const near = relative('', path);
  return near.startsWith('..') ? path : near;
}
