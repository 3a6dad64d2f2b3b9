import { z } from 'zod';

/** What a card has room for. */
const LONGEST = 300;
/** Hiding a shorter one would only riddle the sentence with holes. */
const SHORTEST_SECRET = 4;
/** An absolute path of either kind of system; a fraction or `and/or` is none. */
const PATH = /(?:(?<![\w.\]…])~?[/\\]{1,2}|\b[a-z]:[/\\]+)(?:[^\s/\\"'<>:|]+[/\\])*([^\s/\\"'<>:|]+)/gi;
const HIDDEN = '[hidden]';

/**
 * Makes a backend's own words fit to be shown: one line, at most 300 characters, without `secrets`, addresses, server
 * paths and tracebacks. Gives `undefined` where nothing is left.
 */
export function createCleaner(secrets: readonly string[]): (text: string) => string | undefined {
  // The longest first, so that a secret which contains another one is hidden whole.
  const hidden = secrets
    .flatMap((secret) => [secret, encodeURIComponent(secret)])
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length);
  return (text) => {
    // Generous: enough for any traceback, and the patterns below never see a hostile megabyte.
    let line = withoutTraceback(text.slice(0, 64 * 1024));
    for (const secret of hidden) line = line.replaceAll(secret, HIDDEN);
    line = line
      .replace(/\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi, '[address]')
      .replace(PATH, (_, name: string) => shortPath(name))
      .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
      .trim();
    if (line === '') return undefined;
    return line.length > LONGEST ? `${line.slice(0, LONGEST - 1).trimEnd()}…` : line;
  };
}

/** The name of a file helps ("flux1.safetensors not found"), the name of a folder tells about the server. */
function shortPath(name: string): string {
  return /\.[a-z0-9]{1,12}[.,;)]?$/i.test(name) ? `…/${name}` : '[path]';
}

/** Python ends a traceback with the one line that says something: the first that is not indented. */
function withoutTraceback(text: string): string {
  const kept: string[] = [];
  let inside = false;
  for (const line of text.split(/[\r\n]+/)) {
    if (line.trimStart().startsWith('Traceback (most recent call last)')) inside = true;
    else if (inside && /^\s/.test(line)) continue;
    else {
      inside = false;
      if (!/^\s*File ".*", line \d+/.test(line)) kept.push(line);
    }
  }
  return kept.join(' ');
}

const Complaint = z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() });

/** ComfyUI's own complaints, by node. */
const NodeErrors = z
  .record(
    z.string(),
    z.object({
      errors: z.array(z.object({ message: z.string(), extra_info: z.object({ input_name: z.string() }).nullish() })),
    }),
  )
  .transform((nodes) =>
    Object.entries(nodes).flatMap(([node, { errors }]) =>
      errors.map(({ message, extra_info: info }) => ({
        loc: info ? [`${node}-inputs-${info.input_name}`] : [node],
        msg: message,
      })),
    ),
  )
  .refine((complaints) => complaints.length > 0);

/** Everything that is wrong with a request, each with the place where. */
const Complaints = z.union([
  z.object({ detail: z.array(Complaint).min(1) }).transform(({ detail }) => detail),
  z.object({ node_errors: NodeErrors }).transform(({ node_errors: complaints }) => complaints),
]);

/** The shapes in which ComfyUI, FastAPI and ViewComfy say what went wrong, the most telling first. */
const Words = z.union([
  z.string(),
  z
    .object({ exception_message: z.string(), node_type: z.string().optional() })
    .transform(({ exception_message, node_type }) => [node_type, exception_message].filter(Boolean).join(': ')),
  Complaints.transform((complaints) => complaints.map(({ loc, msg }) => `${placeOf(loc)}: ${msg}`).join('; ')),
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
  z
    .object({ errorMsg: z.string(), errorDetails: z.union([z.string(), z.array(z.string())]).optional() })
    .transform(({ errorMsg, errorDetails = [] }) => [errorMsg].concat(errorDetails).join(': ')),
  z
    .object({ error: z.object({ message: z.string(), details: z.string().optional() }) })
    .transform(({ error }) => [error.message, error.details].filter(Boolean).join(': ')),
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ message: z.string() }).transform(({ message }) => message),
]);

/** FastAPI tells where in the request it was; that it was the body goes without saying. */
function placeOf(loc: readonly (string | number)[]): string {
  return loc.filter((step) => step !== 'body' && step !== 'params').join('.') || 'the request';
}

/** A backend's error as words, out of whatever it sent; not cleaned yet. */
export function wordsOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.map(wordsInside).find((words) => words !== undefined);
  return Words.safeParse(value).data;
}

/** Of `["execution_error", {…}]` only the record says something. */
function wordsInside(value: unknown): string | undefined {
  return typeof value === 'object' ? wordsOf(value) : undefined;
}

/** The same for text, which may be JSON. A page is for browsers: nothing of it is shown. */
export function wordsOfText(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('<')) return undefined;
  if (!/^[[{"]/.test(trimmed)) return trimmed;
  const value = parse(trimmed);
  return value === undefined ? trimmed : wordsOf(value);
}

/** A parameter's key, in whatever sentence it stands. Of limited length: a hostile page must not take quadratic time. */
const KEY = /(?<![\w:.])[\w:.]{1,40}-inputs-\w{1,80}/g;

/** Keys of the parameters that an error complains about: where it says so itself, or else those that its words name. */
export function parametersOf(text: string): string[] {
  const complaints = Complaints.safeParse(parse(text));
  const keys = complaints.data?.flatMap(({ loc }) => loc.map(String).filter((step) => step.search(KEY) === 0)) ?? [];
  return [...new Set(keys.length > 0 ? keys : (wordsOfText(text)?.match(KEY) ?? []))];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
