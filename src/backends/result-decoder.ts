import { BackendError } from '../errors.ts';
import { createBase64Decoder, type Base64Decoder } from './base64.ts';
import { createSkeleton } from './skeleton.ts';
import type { SlabFile } from './slab-file.ts';

/** Reads the JSON of one result, of any size, while it arrives. */
export interface ResultDecoder {
  /**
   * Takes bytes from `start` on, up to and with the first line end that is not inside a string. Gives the place after the
   * last byte taken. A string of JSON holds no line end, so whoever cuts an event stream into lines need not look for one
   * in megabytes that have to be looked through here anyway. Throws a `BackendError`.
   */
  write(bytes: Buffer, start: number): number;
  /** The result as `JSON.parse` gives it, but for the bytes of its files: see `createResultDecoder`. */
  end(): unknown;
}

/** A file of the result. */
export interface Part {
  /** stands for it where its base64 was: never base64 itself, and without anything that JSON would escape */
  readonly token: string;
  readonly file: SlabFile;
}

export interface ResultDecoderOptions {
  /** for the bytes that come next */
  readonly newPart: () => Part;
  /** of everything but the bytes of the files */
  readonly maxSkeletonBytes: number;
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Inside the result itself, `$`; inside the list `$.outputs`; inside one output, `$.outputs[*]`. */
const RESULT = 1;
const OUTPUTS = 2;
const OUTPUT = 3;

/**
 * Every string at `$.outputs[*].data` is decoded into a file of its own, and in the result the token of that file stands
 * in its place. Everything else is gathered into a skeleton for `JSON.parse`.
 *
 * So this has to know where strings begin and end, how deep it is and under which key, and nothing more: if the text is no
 * JSON, neither is the skeleton. And since no string at that place is ever left as it came, nobody can send one that
 * passes for a token of ours.
 */
export function createResultDecoder({ newPart, maxSkeletonBytes }: ResultDecoderOptions): ResultDecoder {
  const skeleton = createSkeleton(maxSkeletonBytes);
  let isInString = false;
  /** a backslash was the last byte of the string */
  let isEscaped = false;
  /** decodes the bytes of a file, as long as they come */
  let base64: Base64Decoder | undefined;
  let depth = 0;
  /** whether it is an object that is open, at the depths that matter */
  const isObject = [false, false, false, false];
  let isKeyNext = false;
  /** where the present string begins in the skeleton, if it is a key that matters */
  let keyStart: number | undefined;
  let resultKey: unknown;
  let outputKey: unknown;
  let isInOutputs = false;
  let hasOutputs = false;

  return { write, end };

  function write(bytes: Buffer, start: number): number {
    for (let at = start; at < bytes.length;) {
      if (base64) at = writeFile(base64, bytes, at);
      else if (isInString) at = writeString(bytes, at);
      else {
        at = writeStructure(bytes, at);
        if (isLineEnd(bytes[at - 1])) return at;
      }
    }
    return bytes.length;
  }

  function end(): unknown {
    if (base64 || isInString || depth > 0 || skeleton.isBlank()) {
      throw new BackendError('a result that is not whole', { type: 'cut' });
    }
    return skeleton.parse();
  }

  /** Up to and with the quote that begins a string, or a line end. */
  function writeStructure(bytes: Buffer, start: number): number {
    for (let at = start; at < bytes.length; at += 1) {
      switch (bytes[at]) {
        case OPEN_OBJECT:
        case OPEN_ARRAY:
          enter(bytes[at] === OPEN_OBJECT);
          break;
        case CLOSE_OBJECT:
        case CLOSE_ARRAY:
          depth -= 1;
          isKeyNext = false;
          break;
        case COMMA:
          isKeyNext = isObject[depth] ?? false;
          break;
        case COLON:
          isKeyNext = false;
          break;
        case QUOTE:
          skeleton.append(bytes, start, at + 1);
          beginString();
          return at + 1;
        case LF:
        case CR:
          skeleton.append(bytes, start, at + 1);
          return at + 1;
        default:
      }
    }
    skeleton.append(bytes, start, bytes.length);
    return bytes.length;
  }

  function enter(object: boolean): void {
    depth += 1;
    isKeyNext = object && depth <= OUTPUT;
    if (depth <= OUTPUT) isObject[depth] = object;
    if (depth === OUTPUTS) isInOutputs = !object && isObject[RESULT] === true && resultKey === 'outputs';
    if (depth === OUTPUT) outputKey = undefined;
  }

  /** The quote is in the skeleton already. */
  function beginString(): void {
    const isOutput = depth === OUTPUT && isInOutputs && isObject[OUTPUT] === true;
    if (isOutput && !isKeyNext && outputKey === 'data') {
      const { token, file } = newPart();
      base64 = createBase64Decoder(file);
      const instead = Buffer.from(`${token}"`);
      skeleton.append(instead, 0, instead.length);
    } else {
      isInString = true;
      keyStart = isKeyNext && (depth === RESULT || isOutput) ? skeleton.length() - 1 : undefined;
    }
  }

  /** Up to and with the quote that ends the string. */
  function writeString(bytes: Buffer, start: number): number {
    for (let at = start; at < bytes.length; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte < SPACE) throw new BackendError('a result with a line end in a string', { type: 'unintelligible' });
      if (isEscaped) isEscaped = false;
      else if (byte === BACKSLASH) isEscaped = true;
      else if (byte === QUOTE) {
        isInString = false;
        skeleton.append(bytes, start, at + 1);
        if (keyStart !== undefined) takeKey(skeleton.valueFrom(keyStart));
        return at + 1;
      }
    }
    skeleton.append(bytes, start, bytes.length);
    return bytes.length;
  }

  function takeKey(key: unknown): void {
    if (depth === OUTPUT) outputKey = key;
    else {
      resultKey = key;
      // `JSON.parse` keeps the last; here that would be files which are lost without a word.
      if (key === 'outputs' && hasOutputs) {
        throw new BackendError('a result with two lists of outputs', { type: 'unintelligible' });
      }
      hasOutputs ||= key === 'outputs';
    }
  }

  /** Up to and with the quote that ends the file. (An escaped quote would be no base64 either.) */
  function writeFile(base64Decoder: Base64Decoder, bytes: Buffer, start: number): number {
    const quote = bytes.indexOf(QUOTE, start);
    if (quote < 0) {
      base64Decoder.write(bytes, start, bytes.length);
      return bytes.length;
    }
    base64Decoder.write(bytes, start, quote);
    base64Decoder.end();
    base64 = undefined;
    return quote + 1;
  }
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === LF || byte === CR;
}
