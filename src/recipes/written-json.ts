/**
 * JSON as it was written: names in the file's order, and numbers by their digits. `JSON.parse` puts names such as `12`
 * before all others and keeps 53 bits of a number, but what people get back must be what they gave.
 */
export type Written = string | boolean | null | WrittenNumber | Written[] | Map<string, Written>;

interface WrittenNumber {
  readonly digits: string;
}

/** Far more than any workflow has; what follows may then call itself. */
const MOST_DEPTH = 200;

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]|[^\s{}[\],:"]+/g;

/** @throws SyntaxError for what is no JSON, in the words of `JSON.parse` */
export function parseWritten(text: string): Written {
  // Nothing can be wrong below: every token is where it may be.
  JSON.parse(text);
  const root: Written[] = [];
  const open: (Written[] | Map<string, Written>)[] = [root];
  let name: string | undefined;
  for (const [token] of text.matchAll(TOKENS)) {
    const around = open.at(-1) ?? root;
    if (token === '}' || token === ']') {
      open.pop();
      continue;
    }
    if (around instanceof Map && name === undefined) {
      name = String(JSON.parse(token));
      continue;
    }
    const value = token === '{' ? new Map<string, Written>() : token === '[' ? [] : parseScalar(token);
    if (around instanceof Map) around.set(name ?? '', value);
    else around.push(value);
    name = undefined;
    if (value instanceof Map || Array.isArray(value)) open.push(value);
    if (open.length > MOST_DEPTH) throw new SyntaxError(`It is nested more than ${MOST_DEPTH} deep`);
  }
  return root[0] ?? null;
}

function parseScalar(token: string): Written {
  const value: unknown = JSON.parse(token);
  if (typeof value === 'number') return { digits: token };
  return typeof value === 'string' || typeof value === 'boolean' ? value : null;
}

/** In the form of `JSON.stringify` with an indent of two. */
export function printWritten(value: Written, indent = ''): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return wrap(
      '[',
      value.map((item) => printWritten(item, inner)),
      ']',
    );
  }
  if (value instanceof Map) {
    const entries = Array.from(value, ([name, item]) => `${JSON.stringify(name)}: ${printWritten(item, inner)}`);
    return wrap('{', entries, '}');
  }
  return typeof value === 'object' && value !== null ? value.digits : JSON.stringify(value);

  function wrap(begin: string, items: readonly string[], end: string): string {
    if (items.length === 0) return begin + end;
    return `${begin}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${end}`;
  }
}

/** What a path of names and indexes leads to. */
export function writtenAt(value: Written | undefined, ...path: readonly (string | number)[]): Written | undefined {
  return path.reduce<Written | undefined>((at, step) => {
    if (at instanceof Map) return at.get(String(step));
    return Array.isArray(at) && typeof step === 'number' ? at[step] : undefined;
  }, value);
}

/** What `JSON.parse` makes of a value that is neither list nor object. */
export function scalarOf(value: Written | undefined): string | number | boolean | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (value === null || value === undefined || Array.isArray(value) || value instanceof Map) return undefined;
  return Number(value.digits);
}
