import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inspect, types } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * The thread in which the files of recipes are loaded, one after the other. Node loads a module once in a thread, and
 * what it imports too, so each loading has a thread of its own, and what it loaded goes over as plain data.
 */

/** A place in a file, and what is wrong there. */
export interface FileProblem {
  /** another one than the file that was to be loaded, where that one imports it */
  readonly path: string;
  readonly line?: number;
  readonly text: string;
}

export type FromRecipeWorker =
  | { readonly type: 'loaded'; readonly path: string; readonly exported: unknown }
  | { readonly type: 'failed'; readonly path: string; readonly problems: readonly FileProblem[] };

/** the file that is being loaded */
let current: string | undefined;
// Nothing is left that could go on.
process.once('beforeExit', () => {
  if (current !== undefined) say(failed(current, [{ path: current, text: 'it awaits what never comes' }]));
});
// Not awaited at the top: Node would complain of that itself where a file never ends.
void loadAll(workerData);

async function loadAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    current = path;
    say(await load(path));
  }
  current = undefined;
}

function say(message: FromRecipeWorker): void {
  parentPort?.postMessage(message);
}

async function load(path: string): Promise<FromRecipeWorker> {
  try {
    const module: unknown = await import(pathToFileURL(path).href);
    const exported = typeof module === 'object' && module && 'default' in module ? module.default : undefined;
    if (exported === undefined) {
      const advice = 'A file that is no recipe has a name that begins with _';
      return failed(path, [{ path, text: `it has no default export, which would be the recipe. ${advice}` }]);
    }
    const problems: FileProblem[] = [];
    const plain = toPlain(exported, [], new Set(), (text) => problems.push({ path, text }));
    return problems.length > 0 ? failed(path, problems) : { type: 'loaded', path, exported: plain };
  } catch (error) {
    return failed(path, [problemOf(error, path)]);
  }
}

function failed(path: string, problems: readonly FileProblem[]): FromRecipeWorker {
  return { type: 'failed', path, problems };
}

/** Copies data: addresses as text, as in JSON. What is no data is told with its place. */
function toPlain(
  value: unknown,
  place: readonly string[],
  above: ReadonlySet<unknown>,
  tell: (text: string) => void,
): unknown {
  const refuse = (what: string) =>
    tell(`${place.join('.') || 'it'} is ${what}; a recipe is data: text, numbers, true, false, lists, objects`);
  if (typeof value === 'function') return refuse('a function');
  if (typeof value === 'symbol') return refuse('a symbol');
  if (typeof value === 'bigint') return refuse('a bigint');
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof URL) return value.href;
  if (above.has(value)) return refuse('an object that has itself inside');
  const inside = new Set([...above, value]);
  if (Array.isArray(value)) {
    return Array.from<unknown, unknown>(value, (item, index) => toPlain(item, [...place, `${index}`], inside, tell));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    return refuse(types.isPromise(value) ? 'a promise: put await before it' : `a ${nameOf(value)}`);
  }
  // What reads it would leave that out without a word.
  if (Object.hasOwn(value, '__proto__')) tell(`${[...place, '__proto__'].join('.')} cannot be called so`);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, toPlain(item, [...place, name], inside, tell)]),
  );
}

function nameOf(value: object): string {
  return Object.prototype.toString.call(value) === '[object Object]'
    ? value.constructor.name
    : Object.prototype.toString.call(value).slice('[object '.length, -1);
}

function problemOf(error: unknown, path: string): FileProblem {
  if (!(error instanceof Error)) return { path, text: `it throws ${inspect(error)} while it loads` };
  if (error instanceof SyntaxError) {
    const place = syntaxPlace(error) ?? placeByParsing(path);
    return { path, ...place, text: error.message };
  }
  // Node's own: a module that is not there, one that it cannot take.
  if ('code' in error && typeof error.code === 'string' && error.code.startsWith('ERR_')) {
    const text = error.message.replaceAll(/file:\/\/\/[^\s"']*/g, (href) => fileURLToPath(href));
    return { path, text: text.replace(` imported from ${path}`, '') };
  }
  return { path, ...thrownPlace(error), text: `it throws while it loads: ${error.message}` };
}

/** Most of these errors have it as the first line of their stack. */
function syntaxPlace({ stack = '' }: Error): { path: string; line: number } | undefined {
  const [, where = '', line = ''] = /^(.*):(\d+)\n/.exec(stack) ?? [];
  const path = where.startsWith('file:') ? fileURLToPath(where) : where;
  return isAbsolute(path) ? { path, line: Number(line) } : undefined;
}

/** For JavaScript Node says what is wrong and not where; its parser of TypeScript takes it as well, and does. */
function placeByParsing(path: string): { line: number } | undefined {
  try {
    stripTypeScriptTypes(readFileSync(path, 'utf8'));
  } catch (error) {
    const [, line] = /^[^\n]*:(\d+)\n/.exec(error instanceof Error ? (error.stack ?? '') : '') ?? [];
    if (line !== undefined) return { line: Number(line) };
  }
  return undefined;
}

/** The innermost line of a file that is somebody's. */
function thrownPlace({ stack = '' }: Error): { path: string; line: number } | undefined {
  for (const [, href = '', line = ''] of stack.matchAll(/(file:\/\/[^\s()]+?):(\d+):\d+/g)) {
    if (href !== import.meta.url) return { path: fileURLToPath(href), line: Number(line) };
  }
  return undefined;
}
