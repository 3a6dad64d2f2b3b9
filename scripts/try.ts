import { createReadStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError, readConfig } from '../src/config.ts';
import { BACKEND_TYPES } from '../src/config-backends.ts';
import { text } from '../src/discord/text.ts';
import { BackendError, UserError } from '../src/errors.ts';
import { createLogger } from '../src/log.ts';
import { openBackend } from '../src/open-backend.ts';
import { readDefaultFiles } from '../src/recipes/default-files.ts';
import { createFileKeeper } from '../src/recipes/given-files.ts';
import { createIntake } from '../src/recipes/intake.ts';
import {
  fill,
  isFileOption,
  kindsFor,
  labelsOf,
  type Filled,
  type Option,
  type ParameterValue,
  type Recipe,
} from '../src/recipes/recipe.ts';
import { loadRecipes, RecipeError, sourcesOf } from '../src/recipes/recipe-loader.ts';
import { whyLeftOut } from '../src/recipes/runnable.ts';
import { WorkflowFileError } from '../src/recipes/workflow-file.ts';

/**
 * `npm run try -- --character a.png --prompt "…" [--seed 1] [--out folder]`: one job without Discord, through the backend
 * that is configured. Progress goes to stderr, files into the folder, and the last line of stdout is a summary as JSON.
 * Exit code 0: files came; 1: the backend gave none; 2: what was asked for cannot be tried.
 */
const USAGE = `npm run try -- --prompt "a pilot in a red scarf" --character portrait.png
  --recipe NAME    the recipe to run, from commands/ or COMMANDS_DIR; default: character
  --backend TYPE   ${BACKEND_TYPES.join(', ')}, as .env has it; default: what is configured there
  --out FOLDER     where the files go; default: a new folder beside the temporary files
  and the recipe's own options, by their names`;

/** No limits but those of the machine: who runs this is at the machine. */
const LIMITS = { pictures: { maxBytes: Infinity, maxPixels: 200_000_000 }, media: { maxBytes: Infinity } };

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

try {
  process.exitCode = await tryOnce();
} catch (error) {
  const ours =
    error instanceof UserError ||
    error instanceof ConfigError ||
    error instanceof RecipeError ||
    error instanceof WorkflowFileError;
  if (!ours) throw error;
  process.stderr.write(`${error instanceof UserError ? error.problems.join('\n') : error.message}\n`);
  process.exitCode = 2;
}

async function tryOnce(): Promise<number> {
  const { recipe, given, out } = await readArguments();
  const type = given.get('backend');
  const config = readConfig(type === undefined ? {} : { BACKEND: type, BACKENDS: '' });
  const unable = whyLeftOut(
    recipe,
    config.backends.map(({ type }) => type),
  );
  if (unable !== undefined) throw new UserError(unable);
  const backend = await openBackend(config, createLogger('silent'));
  const folder = await mkdtemp(join(tmpdir(), 'troupe-try-'));
  try {
    const inputs = join(folder, 'inputs');
    await mkdir(inputs);
    const filled = await answer(recipe, given, inputs);
    const target = out ?? (await mkdtemp(join(tmpdir(), 'troupe-files-')));
    await mkdir(target, { recursive: true });
    return await run(filled, target);
  } finally {
    await backend.close();
    await rm(folder, { recursive: true });
  }

  async function run(filled: Filled, target: string): Promise<number> {
    const begun = performance.now();
    const files: { name: string; bytes: number }[] = [];
    let madeBy = backend.name;
    const seconds = () => Math.round((performance.now() - begun) / 100) / 10;
    try {
      const { timeouts } = recipe;
      const meant = { kinds: kindsFor(recipe), labels: labelsOf(recipe) };
      const request = { ...filled, ...meant, folder, signal: stop.signal, ...(timeouts && { timeouts }) };
      for await (const event of backend.run(request)) {
        if (event.type === 'backend-chosen') madeBy = event.name;
        if (event.type === 'log-line') say(event.line);
        if (event.type === 'progress-changed') say(`${event.done} of ${event.total}`);
        if (event.type === 'queue-changed') say(`${event.ahead} before this one`);
        if (event.type === 'warning-raised') say(event.warning);
        if (event.type !== 'file-ready') continue;
        const name = `${String(files.length + 1).padStart(2, '0')}-${basename(event.name)}`;
        await copyFile(event.path, join(target, name));
        files.push({ name, bytes: event.size });
      }
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      const sentence = withoutMarkdown(text.failed({ by: 'backend', fault: error }, madeBy));
      say(sentence);
      summarise({ outcome: error.type, backend: madeBy, seconds: seconds(), mayBeBilled: error.billed !== 'no' });
      return 1;
    }
    summarise({ outcome: 'done', backend: madeBy, seconds: seconds(), folder: target, files });
    return 0;
  }
}

async function readArguments() {
  const recipes = await loadRecipes(sourcesOf(readConfig()));
  const own = ['recipe', 'backend', 'out', 'help'];
  const names = new Set([...own, ...[...recipes.values()].flatMap(({ options }) => Object.keys(options))]);
  const options = Object.fromEntries(
    [...names].map((name) => [name, { type: name === 'help' ? 'boolean' : 'string' } as const]),
  );
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({ options }));
  } catch (cause) {
    throw new UserError(`${cause instanceof Error ? cause.message : ''}\n${USAGE}`, { cause });
  }
  if (values['help']) throw new UserError(USAGE);
  const given = new Map(Object.entries(values).map(([name, value]) => [name, String(value)]));
  const name = given.get('recipe') ?? 'character';
  const recipe = recipes.get(name);
  if (!recipe) {
    throw new UserError(
      `There is no recipe ${name}; there are ${[...recipes.keys()].join(', ')}. Name one with --recipe.`,
    );
  }
  const stray = [...given.keys()].find((name) => !own.includes(name) && !Object.hasOwn(recipe.options, name));
  if (stray !== undefined) throw new UserError(`The recipe ${recipe.name} has no option --${stray}.\n${USAGE}`);
  return { recipe, given, out: given.get('out') };
}

async function answer(recipe: Recipe, given: ReadonlyMap<string, string>, folder: string): Promise<Filled> {
  const options = Object.entries(recipe.options);
  const missing = options.filter(([name, { required }]) => required && !given.has(name));
  if (missing.length > 0) {
    const lines = missing.map(([name, { description }]) => `--${name} is missing: ${description}`);
    throw new UserError(`${lines.join('\n')}\n${USAGE}`);
  }
  const values = options.flatMap(([name, option]) => {
    const value = given.get(name);
    return value === undefined || isFileOption(option) ? [] : [[name, typed(option, value)] as const];
  });
  const intake = createIntake({
    keeper: createFileKeeper(LIMITS),
    tell: (name, problem) => `--${name}: ${problem}`,
  });
  const answers = await intake.read(
    recipe,
    {
      values: new Map(values),
      defaults: await readDefaultFiles([recipe]),
      fileOf(name) {
        const path = given.get(name);
        return path === undefined ? undefined : { name: basename(path), open: () => readPath(path) };
      },
    },
    () => Promise.resolve(folder),
  );
  return fill(recipe, answers);
}

async function* readPath(path: string): AsyncGenerator<Uint8Array> {
  const stream: AsyncIterable<Buffer> = createReadStream(path);
  try {
    yield* stream;
  } catch (cause) {
    throw new UserError(`${path} cannot be read.`, { cause });
  }
}

/** What a shell gives is text; what it stands for is checked as in Discord. */
function typed({ kind }: Option, value: string): ParameterValue {
  if (kind === 'switch') return ['true', 'false'].includes(value) ? value === 'true' : value;
  const isNumber = kind === 'integer' || kind === 'number' || kind === 'seed';
  return isNumber && value.trim() !== '' ? Number(value) : value;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function summarise(summary: object): void {
  process.stdout.write(`${JSON.stringify(summary)}\n`);
}

function withoutMarkdown(sentence: string): string {
  return sentence.replaceAll(/^-# /gm, '').replaceAll(/\\(?=[!-/:-@[-`{-~])/g, '');
}
