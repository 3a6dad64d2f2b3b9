import { BackendError } from '../errors.ts';
import type { SlabFile } from './slab-file.ts';
import { SLICE_CHARS } from './slabs.ts';

/** Decodes the inside of one JSON string of base64 into a file, whatever the pieces it comes in. */
export interface Base64Decoder {
  /** Takes the bytes from `start` to `end`, as they are between the quotes. Throws a `BackendError` at what is not base64. */
  write(bytes: Buffer, start: number, end: number): void;
  /** The closing quote was there: the file is finished. Throws if the base64 is not. */
  end(): void;
}

/** The only two that can stand for a character of base64. */
const ESCAPE = /\\(?:u([\dA-Fa-f]{4})|\/)/g;
const CUT_ESCAPE = /\\(?:u[\dA-Fa-f]{0,3})?$/;

/**
 * Both alphabets, padded or not; anything else is an error, white space too, which nobody has a reason to send.
 *
 * There are two ways. `decodeAtOnce` gives Node a slice as it is, and keeps what comes out if there is as much of it as
 * there must be: Node skips in silence what is not base64. Where something was skipped, `decodeWithCare` looks at every
 * character of the same slice. Between the two, `pending` holds what nobody has decoded yet: the start of a group of
 * four, padding, the start of an escape. It is text as it came, never longer than those three together.
 */
export function createBase64Decoder(file: SlabFile): Base64Decoder {
  let pending = '';

  return {
    write(bytes, start, end) {
      for (let at = start; at < end;) {
        const next = Math.min(end, at + SLICE_CHARS);
        if (!decodeAtOnce(bytes, at, next)) decodeWithCare(pending + bytes.toString('latin1', at, next));
        at = next;
      }
    },
    end() {
      decodeWithCare(pending);
      if (!/^(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/.test(pending)) throw notBase64();
      file.advance(file.room().write(pending, 'base64'));
      void file.finish();
    },
  };

  /** False, and nothing done, where there is something to look at. */
  function decodeAtOnce(bytes: Buffer, start: number, end: number): boolean {
    const missing = pending === '' ? 0 : 4 - pending.length;
    const from = start + missing;
    if (pending.length > 3 || from > end) return false;
    const to = from + ((end - from) & ~3);
    const room = file.room();
    // The group that was cut goes alone: joined with the rest, the rest would have to be copied once more.
    const head = missing > 0 ? room.write(pending + bytes.toString('latin1', start, from), 'base64') : 0;
    if (missing > 0 && head !== 3) return false;
    const body = room.write(bytes.toString('latin1', from, to), head, 'base64');
    if (body !== ((to - from) / 4) * 3) return false;
    pending = bytes.toString('latin1', to, end);
    file.advance(head + body);
    return true;
  }

  function decodeWithCare(raw: string): void {
    const cutEscape = CUT_ESCAPE.exec(raw)?.[0] ?? '';
    const text = raw.slice(0, raw.length - cutEscape.length).replace(ESCAPE, unescape);
    const padding = /={0,2}$/.exec(text)?.[0] ?? '';
    const letters = text.slice(0, text.length - padding.length);
    if (/[^\w+/-]/.test(letters)) throw notBase64();
    const whole = letters.length & ~3;
    file.advance(file.room().write(letters.slice(0, whole), 'base64'));
    pending = letters.slice(whole) + padding + cutEscape;
  }
}

function unescape(_escape: string, hex: string | undefined): string {
  return hex === undefined ? '/' : String.fromCharCode(Number.parseInt(hex, 16));
}

function notBase64(): BackendError {
  return new BackendError('a result file that is not base64', { type: 'unintelligible' });
}
