/** What a pickle holds, and how its numbers, texts and conversions are read: for `pickle.ts`. */

/** What is no pickle, or one that does more than this reader wants to know of. */
export class PickleError extends Error {
  override name = 'PickleError';
}

/** Lists and tuples are arrays; integers beyond 2^53 are bigints. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickleName
  | PickleRecord;

/** A class or a function, as `module.name`. */
export interface PickleName {
  readonly kind: 'name';
  readonly name: string;
}

/** What Python would have made with a class or a function. */
export interface PickleRecord {
  readonly kind: 'record';
  readonly name: string;
  readonly args: readonly PickleValue[];
  /** what it would have been given afterwards */
  state?: PickleValue;
}

/** ComfyUI's integers have 64 bits; those of a hostile sender may take a second to be read. */
const MOST_DIGITS = 40;

type Convert = (args: readonly PickleValue[]) => PickleValue;

/** What older protocols need for values that newer ones have instructions for. */
export const CONVERSIONS: ReadonlyMap<string, Convert> = new Map<string, Convert>([
  ['_codecs.encode', ([text, encoding]) => encode(text, encoding)],
  ['builtins.bytes', (args) => (args.length === 0 ? new Uint8Array() : refuse('bytes of something'))],
  ['builtins.bytearray', (args) => bytesOf(args)],
  ['builtins.set', ([items]) => new Set(listOf(items))],
  ['builtins.frozenset', ([items]) => new Set(listOf(items))],
]);
export function refuse(what: string): never {
  throw new PickleError(`a pickle with ${what}`);
}

export function isName(value: PickleValue | undefined): value is PickleName {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'name';
}

export function isRecord(value: PickleValue): value is PickleRecord {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'record';
}

export function parseInteger(text: string, booleans: boolean): PickleValue {
  if (booleans && (text === '00' || text === '01')) return text === '01';
  if (!/^-?\d+$/.test(text) || text.length > MOST_DIGITS) return refuse('an integer that is none');
  return shrink(BigInt(text));
}

export function readLong(bytes: Buffer): PickleValue {
  if (bytes.length > MOST_DIGITS / 2) return refuse('an integer that is too long');
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  return shrink(BigInt.asIntN(bytes.length * 8, value));
}

function shrink(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

export function parseFloatLine(text: string): number {
  const special = { nan: NaN, inf: Infinity, '-inf': -Infinity }[text];
  if (special !== undefined) return special;
  return /^-?\d[\d.]*(e[+-]?\d+)?$/.test(text) ? Number(text) : refuse('a number that is none');
}

export function parseIndex(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : refuse('an index that is none');
}

/** Latin-1 with `\uXXXX` and `\UXXXXXXXX` for the rest. */
export function readRawUnicode(line: string): string {
  return line.replaceAll(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short?: string, long?: string) => {
    const point = parseInt(short ?? long ?? '', 16);
    return point > 0x10ffff ? refuse('a character that is none') : String.fromCodePoint(point);
  });
}

function encode(text: PickleValue | undefined, encoding: PickleValue | undefined): Uint8Array {
  if (typeof text !== 'string' || encoding !== 'latin1') return refuse('text in an encoding that is not expected');
  return Buffer.from(text, 'latin1');
}

function bytesOf([first, encoding, ...others]: readonly PickleValue[]): Uint8Array {
  if (others.length > 0) return refuse('a bytearray of something');
  if (first === undefined) return new Uint8Array();
  if (first instanceof Uint8Array && encoding === undefined) return first;
  // Protocols 0 to 2: text, and `latin-1` spelled so.
  return encode(first, encoding === 'latin-1' ? 'latin1' : encoding);
}

function listOf(items: PickleValue | undefined): readonly PickleValue[] {
  return items === undefined ? [] : Array.isArray(items) ? items : refuse('a set of what is no list');
}

/**
 * Refuses what is nested more deeply than so many levels, or holds itself. Every value is looked at once, although a pickle
 * may name one many times: as a tree it could be larger than the universe.
 */
export function checkDepth(root: PickleValue, most: number): void {
  /** of values that were looked at: levels below and with them */
  const heights = new Map<PickleValue, number>();
  const path: { readonly value: PickleValue; readonly inside: Iterator<PickleValue>; height: number }[] = [];
  const open = new Set<PickleValue>();
  enter(root);
  for (let last = path.at(-1); last; last = path.at(-1)) {
    const { done, value } = last.inside.next();
    if (done) {
      path.pop();
      open.delete(last.value);
      heights.set(last.value, last.height);
      grow(last.height);
    } else {
      const height = heights.get(value);
      if (height === undefined) enter(value);
      else grow(height);
    }
  }

  function enter(value: PickleValue): void {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
    if (open.has(value)) refuse('a value that holds itself');
    open.add(value);
    path.push({ value, inside: inside(value), height: 1 });
  }

  function grow(height: number): void {
    const above = path.at(-1);
    if (!above) return;
    above.height = Math.max(above.height, height + 1);
    if (above.height > most) refuse('values nested too deeply');
  }
}

function* inside(value: PickleValue): Generator<PickleValue, undefined> {
  if (Array.isArray(value)) yield* value;
  else if (value instanceof Map) for (const entry of value) yield* entry;
  else if (value instanceof Set) yield* value;
  else if (typeof value === 'object' && value !== null && 'args' in value) {
    yield* value.args;
    if (value.state !== undefined) yield value.state;
  }
}
