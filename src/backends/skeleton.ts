import { BackendError } from '../errors.ts';

/** What a result has besides the bytes of its files, gathered as it comes. */
export interface Skeleton {
  /** in bytes */
  length(): number;
  /** nothing but white space */
  isBlank(): boolean;
  append(bytes: Buffer, start: number, end: number): void;
  /** From `start` to the end, as JSON; `undefined` where it is none. */
  valueFrom(start: number): unknown;
  /** All of it, as JSON. */
  parse(): unknown;
}

const FIRST_BYTES = 16 * 1024;

export function createSkeleton(maxBytes: number): Skeleton {
  let text = Buffer.allocUnsafe(Math.min(FIRST_BYTES, maxBytes));
  let length = 0;
  return {
    length: () => length,
    isBlank: () => text.subarray(0, length).every((byte) => byte <= 0x20),
    append(bytes, start, end) {
      const needed = length + end - start;
      if (needed > maxBytes) {
        throw new BackendError(`a result with more than ${maxBytes} bytes besides its files`, { type: 'too-large' });
      }
      if (needed > text.length) {
        // Doubled, so that it is copied a few times only.
        const larger = Buffer.allocUnsafe(Math.min(maxBytes, Math.max(needed, text.length * 2)));
        text.copy(larger, 0, 0, length);
        text = larger;
      }
      bytes.copy(text, length, start, end);
      length = needed;
    },
    valueFrom(start) {
      try {
        return JSON.parse(text.toString('utf8', start, length));
      } catch {
        return undefined;
      }
    },
    parse() {
      try {
        // This one, unlike `toString`, forgives a byte order mark.
        return JSON.parse(new TextDecoder().decode(text.subarray(0, length)));
      } catch (cause) {
        throw new BackendError('a result that is not JSON', { type: 'unintelligible', cause });
      }
    },
  };
}
