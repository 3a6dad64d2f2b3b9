import type { FileHandle } from 'node:fs/promises';

/** A file as its formats are walked: here and there a few bytes, most of it never. */
export interface Bytes {
  readonly size: number;
  /** @throws NotWhole where the file ends before */
  read(at: number, length: number): Promise<Buffer>;
}

/** The file is not what it begins as, or it is cut off: nobody may change it. */
export class NotWhole extends Error {
  override name = 'NotWhole';
}

/** How much is read at once, and written. */
export const BLOCK_BYTES = 64 * 1024;

/** Reads ahead, because what belongs together stands together. */
export async function bytesOf(file: FileHandle): Promise<Bytes> {
  const { size } = await file.stat();
  let block = Buffer.alloc(0);
  let from = 0;

  return {
    size,
    async read(at, length) {
      if (at + length > size) throw new NotWhole('ends too early');
      if (at < from || at + length > from + block.length) {
        const wanted = Buffer.alloc(Math.min(size - at, Math.max(length, BLOCK_BYTES)));
        const { bytesRead } = await file.read(wanted, 0, wanted.length, at);
        // Somebody makes it shorter meanwhile.
        if (bytesRead < length) throw new NotWhole('ends too early');
        block = wanted.subarray(0, bytesRead);
        from = at;
      }
      return block.subarray(at - from, at - from + length);
    },
  };
}

/** Bounds the walk through a file that was made to be walked for ever. @returns what to call at every step */
export function createStepLimit(most: number): () => void {
  let left = most;
  return () => {
    if (left === 0) throw new NotWhole('has too many parts');
    left -= 1;
  };
}
