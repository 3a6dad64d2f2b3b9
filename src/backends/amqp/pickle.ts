/**
 * Reads Python's pickles as data. A pickle is a program for a small stack machine which may call whatever Python has:
 * whoever unpickles what others wrote runs their code. This reader calls nothing. A class or function is a name, what
 * was made with it is a record of that name and its arguments, and names that nobody expects are refused, as is every
 * instruction that does more than build lists, tuples, dicts and sets.
 *
 * Instructions and their meaning: https://github.com/python/cpython/blob/main/Lib/pickletools.py, protocols 0 to 5.
 */

import {
  checkDepth,
  CONVERSIONS,
  isName,
  isRecord,
  parseFloatLine,
  parseIndex,
  parseInteger,
  readLong,
  readRawUnicode,
  refuse,
  type PickleValue,
} from './pickle-values.ts';

interface PickleOptions {
  /** the names that may occur */
  readonly names?: ReadonlySet<string>;
  /** bytes */
  readonly maxBytes?: number;
}

/** A preview of 1024 by 1024 pixels has 3 MiB. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Every instruction makes one value at most. A graph of 500 nodes takes some 15,000 for one message of progress. */
const MOST_STEPS = 200_000;
/** Messages of progress are four deep. */
const MOST_DEPTH = 64;
/** Protocols 0 to 2 name the modules as Python 2 did. */
const OLD_MODULE = /^__builtin__\./;

/**
 * Reads one pickle. It takes memory and time in proportion to its size, whatever it says.
 * @throws PickleError
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions = {}): PickleValue {
  const { names = new Set(), maxBytes = MOST_BYTES } = options;
  if (bytes.length > maxBytes) refuse(`${bytes.length} bytes`);
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let stack: PickleValue[] = [];
  /** the stacks below each mark */
  const marked: PickleValue[][] = [];
  const memo = new Map<number, PickleValue>();

  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const code = takeByte();
    if (code === 0x2e) {
      const value = pop();
      checkDepth(value, MOST_DEPTH);
      return value;
    }
    step(code);
  }
  return refuse('too many instructions');

  function step(code: number): void {
    switch (code) {
      case 0x80: // PROTO
        if (takeByte() > 5) refuse('a protocol that is not known');
        return;
      case 0x95: // FRAME: only tells how much may be read at once
        takeLength(8);
        return;
      case 0x28: // MARK
        if (marked.length === MOST_DEPTH) refuse('too many marks');
        marked.push(stack);
        stack = [];
        return;
      case 0x30: // POP
        if (stack.length === 0) popMark();
        else pop();
        return;
      case 0x31: // POP_MARK
        popMark();
        return;
      case 0x32: // DUP
        stack.push(top());
        return;

      case 0x4e: // NONE
        return push(null);
      case 0x88: // NEWTRUE
        return push(true);
      case 0x89: // NEWFALSE
        return push(false);
      case 0x49: // INT
        return push(parseInteger(takeLine(), true));
      case 0x4c: // LONG
        return push(parseInteger(takeLine().replace(/L$/, ''), false));
      case 0x4a: // BININT
        return push(take(4).readInt32LE());
      case 0x4b: // BININT1
        return push(takeByte());
      case 0x4d: // BININT2
        return push(take(2).readUInt16LE());
      case 0x8a: // LONG1
        return push(readLong(take(takeLength(1))));
      case 0x8b: // LONG4
        return push(readLong(take(takeLength(4))));
      case 0x46: // FLOAT
        return push(parseFloatLine(takeLine()));
      case 0x47: // BINFLOAT
        return push(take(8).readDoubleBE());

      case 0x56: // UNICODE
        return push(readRawUnicode(takeLine()));
      case 0x8c: // SHORT_BINUNICODE
        return push(take(takeLength(1)).toString('utf8'));
      case 0x58: // BINUNICODE
        return push(take(takeLength(4)).toString('utf8'));
      case 0x8d: // BINUNICODE8
        return push(take(takeLength(8)).toString('utf8'));
      case 0x43: // SHORT_BINBYTES
        return push(take(takeLength(1)));
      case 0x42: // BINBYTES
        return push(take(takeLength(4)));
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return push(take(takeLength(8)));

      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        return push([]);
      case 0x6c: // LIST
      case 0x74: // TUPLE
        return push(popMark());
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return push(popMany(code - 0x84));
      case 0x61: // APPEND
        return append([pop()]);
      case 0x65: // APPENDS
        return append(popMark());
      case 0x7d: // EMPTY_DICT
        return push(new Map());
      case 0x64: // DICT
        return setItems(new Map(), popMark(), push);
      case 0x73: // SETITEM
        return setItems(undefined, popMany(2));
      case 0x75: // SETITEMS
        return setItems(undefined, popMark());
      case 0x8f: // EMPTY_SET
        return push(new Set());
      case 0x90: // ADDITEMS
        return addItems(popMark());
      case 0x91: // FROZENSET
        return push(new Set(popMark()));

      case 0x70: // PUT
        return put(parseIndex(takeLine()));
      case 0x71: // BINPUT
        return put(takeByte());
      case 0x72: // LONG_BINPUT
        return put(take(4).readUInt32LE());
      case 0x94: // MEMOIZE
        return put(memo.size);
      case 0x67: // GET
        return get(parseIndex(takeLine()));
      case 0x68: // BINGET
        return get(takeByte());
      case 0x6a: // LONG_BINGET
        return get(take(4).readUInt32LE());

      case 0x63: // GLOBAL
        return pushName(`${takeLine()}.${takeLine()}`);
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = popMany(2);
        if (typeof module !== 'string' || typeof name !== 'string') return refuse('a name that is no text');
        return pushName(`${module}.${name}`);
      }
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const [made, args] = popMany(2);
        return make(made, args);
      }
      case 0x62: {
        // BUILD
        const state = pop();
        const record = top();
        if (!isRecord(record) || record.state !== undefined) return refuse('a state for what has none');
        record.state = state;
        return;
      }
      default:
        // Among them: objects of other protocols (INST, OBJ, NEWOBJ_EX), names by number (EXT1 to EXT4) or of the
        // outside (PERSID, BINPERSID), buffers that are elsewhere, and Python 2's strings.
        return refuse(`the instruction 0x${code.toString(16)}`);
    }
  }

  function take(length: number): Buffer {
    if (length > input.length - at) return refuse('an end that is missing');
    at += length;
    return input.subarray(at - length, at);
  }

  function takeByte(): number {
    return take(1).readUInt8();
  }

  /** A length of so many bytes, little-endian, which the input must be able to hold. */
  function takeLength(size: 1 | 4 | 8): number {
    const bytes = take(size);
    if (size === 8) {
      const length = bytes.readBigUInt64LE();
      return length > BigInt(input.length) ? refuse('a length beyond the end') : Number(length);
    }
    return bytes.readUIntLE(0, size);
  }

  /** Text up to the end of the line, one character a byte. */
  function takeLine(): string {
    const end = input.indexOf(0x0a, at);
    if (end === -1) return refuse('a line without an end');
    const line = input.toString('latin1', at, end);
    at = end + 1;
    return line;
  }

  function push(value: PickleValue): void {
    stack.push(value);
  }

  function pop(): PickleValue {
    const value = stack.pop();
    return value === undefined ? refuse('an empty stack') : value;
  }

  function top(): PickleValue {
    return stack.at(-1) ?? (stack.length > 0 ? null : refuse('an empty stack'));
  }

  function popMany(count: number): PickleValue[] {
    if (stack.length < count) return refuse('an empty stack');
    return stack.splice(-count);
  }

  function popMark(): PickleValue[] {
    const items = stack;
    stack = marked.pop() ?? refuse('no mark');
    return items;
  }

  function append(items: readonly PickleValue[]): void {
    const list = top();
    if (!Array.isArray(list)) return refuse('no list');
    for (const item of items) list.push(item);
  }

  function setItems(
    dict: Map<PickleValue, PickleValue> | undefined,
    items: readonly PickleValue[],
    then?: (dict: PickleValue) => void,
  ): void {
    const target = dict ?? top();
    if (!(target instanceof Map) || items.length % 2 !== 0) return refuse('no dict');
    for (let index = 0; index < items.length; index += 2) target.set(items[index] ?? null, items[index + 1] ?? null);
    then?.(target);
  }

  function addItems(items: readonly PickleValue[]): void {
    const set = top();
    if (!(set instanceof Set)) return refuse('no set');
    for (const item of items) set.add(item);
  }

  function put(index: number): void {
    memo.set(index, top());
  }

  function get(index: number): void {
    const value = memo.get(index);
    push(value === undefined ? refuse('what was never kept') : value);
  }

  function pushName(given: string): void {
    const name = given.replace(OLD_MODULE, 'builtins.');
    if (!names.has(name) && !CONVERSIONS.has(name)) refuse('a name that is not expected');
    push({ kind: 'name', name });
  }

  function make(made: PickleValue | undefined, args: PickleValue | undefined): void {
    if (!isName(made) || !Array.isArray(args)) return refuse('a call of what is no name');
    const convert = CONVERSIONS.get(made.name);
    push(convert && !names.has(made.name) ? convert(args) : { kind: 'record', name: made.name, args });
  }
}
