import { BackendError } from '../../errors.ts';
import { createBase64Decoder, type Base64Decoder } from '../base64.ts';
import { createSkeleton } from '../skeleton.ts';
import type { SlabFile } from '../slab-file.ts';

/** Reads the base64 of one answer while it arrives. */
export interface PictureJson {
  /** Throws a `BackendError`. */
  write(bytes: Buffer): void;
  /** The answer with `""` where its pictures were; throws where it is not whole. */
  end(): unknown;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const DATA_URL = 'data:';
/** `data:image/svg+xml;charset=utf-8;base64,` and more. */
const LONGEST_DATA_URL_HEAD = 200;
const MAX_EXTRA_BYTES = 256 * 1024;

/**
 * The page does not show what an answer of base64 looks like, so all of these are read: a bare string, with or without
 * its quotes; `{"image": "…"}`; `{"images": ["…"]}`; each with or without the head of a `data:` URL.
 * @param newPicture for the bytes that come next
 */
export function createPictureJson(newPicture: () => SlabFile): PictureJson {
  const skeleton = createSkeleton(MAX_EXTRA_BYTES);
  let text: TextDecoding | undefined;
  /** reads the present string, if it is a picture */
  let picture: PictureString | undefined;
  let isInString = false;
  let isEscaped = false;
  let depth = 0;
  let isKeyNext = false;
  /** whether it is an object that is open, at the two depths that matter */
  const isObject = [false, false, false];
  let keyStart: number | undefined;
  let key: unknown;

  return { write, end };

  function write(bytes: Buffer): void {
    let at = 0;
    if (!text && skeleton.isBlank()) {
      while (at < bytes.length && isBlank(bytes[at])) at += 1;
      if (at === bytes.length) return;
      if (![QUOTE, OPEN_ARRAY, OPEN_OBJECT].includes(bytes[at] ?? 0)) text = createTextDecoding(newPicture);
    }
    if (text) text.write(bytes.subarray(at));
    else while (at < bytes.length) at = isInString ? writeString(bytes, at) : writeStructure(bytes, at);
  }

  function end(): unknown {
    if (text) {
      text.end();
      return '';
    }
    if (isInString || depth > 0) throw new BackendError('an answer that is not whole', { type: 'cut' });
    return skeleton.isBlank() ? undefined : skeleton.parse();
  }

  /** Up to and with the quote that begins a string. */
  function writeStructure(bytes: Buffer, start: number): number {
    for (let at = start; at < bytes.length; at += 1) {
      switch (bytes[at]) {
        case OPEN_OBJECT:
        case OPEN_ARRAY:
          depth += 1;
          if (depth <= 2) isObject[depth] = bytes[at] === OPEN_OBJECT;
          isKeyNext = isObject[depth] ?? false;
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
          isInString = true;
          if (isPicture()) picture = createPictureString(newPicture());
          else if (depth === 1 && isKeyNext) keyStart = skeleton.length() - 1;
          return at + 1;
        default:
      }
    }
    skeleton.append(bytes, start, bytes.length);
    return bytes.length;
  }

  function isPicture(): boolean {
    if (depth === 0) return true;
    if (isKeyNext) return false;
    return depth === 1 ? key === 'image' : depth === 2 && isObject[2] === false && key === 'images';
  }

  /** Up to and with the quote that ends the string. */
  function writeString(bytes: Buffer, start: number): number {
    if (picture) {
      const quote = bytes.indexOf(QUOTE, start);
      picture.write(bytes, start, quote < 0 ? bytes.length : quote);
      if (quote < 0) return bytes.length;
      picture.end();
      picture = undefined;
      isInString = false;
      skeleton.append(bytes, quote, quote + 1);
      return quote + 1;
    }
    for (let at = start; at < bytes.length; at += 1) {
      if (isEscaped) isEscaped = false;
      else if (bytes[at] === BACKSLASH) isEscaped = true;
      else if (bytes[at] === QUOTE) {
        isInString = false;
        skeleton.append(bytes, start, at + 1);
        if (keyStart !== undefined) key = skeleton.valueFrom(keyStart);
        keyStart = undefined;
        return at + 1;
      }
    }
    skeleton.append(bytes, start, bytes.length);
    return bytes.length;
  }
}

type PictureString = Base64Decoder;

/** The base64 of one picture, after the head of a `data:` URL if it has one. */
function createPictureString(file: SlabFile): PictureString {
  const base64 = createBase64Decoder(file);
  /** the start, until it is known what it is */
  let head: string | undefined = '';
  return {
    write(bytes, start, end) {
      let from = start;
      if (head !== undefined) {
        from = Math.min(end, start + LONGEST_DATA_URL_HEAD);
        head += bytes.toString('latin1', start, from);
        if (isUndecided(head)) return;
        takeHead(head);
        head = undefined;
      }
      if (from < end) base64.write(bytes, from, end);
    },
    end() {
      if (head !== undefined) takeHead(head);
      base64.end();
    },
  };

  function takeHead(text: string): void {
    const rest = Buffer.from(text.startsWith(DATA_URL) ? text.slice(text.indexOf(',') + 1) : text, 'latin1');
    base64.write(rest, 0, rest.length);
  }
}

function isUndecided(head: string): boolean {
  if (head.length < DATA_URL.length) return DATA_URL.startsWith(head);
  return head.startsWith(DATA_URL) && !head.includes(',') && head.length < LONGEST_DATA_URL_HEAD;
}

/** An answer that is nothing but base64: white space may follow. */
interface TextDecoding {
  write(bytes: Buffer): void;
  end(): void;
}

function createTextDecoding(newPicture: () => SlabFile): TextDecoding {
  const picture = createPictureString(newPicture());
  let blank = Buffer.alloc(0);
  return {
    write(bytes) {
      let end = bytes.length;
      while (end > 0 && isBlank(bytes[end - 1])) end -= 1;
      // What was blank at the end of a piece is an error in the middle: the decoder says so.
      if (end > 0) picture.write(blank, 0, blank.length);
      picture.write(bytes, 0, end);
      if (end < bytes.length) blank = Buffer.from(' ');
      else if (end > 0) blank = Buffer.alloc(0);
    },
    end: () => picture.end(),
  };
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}
