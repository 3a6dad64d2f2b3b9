import { open, type FileHandle } from 'node:fs/promises';
import { SLAB_BYTES, SLICE_BYTES, type Slabs } from './slabs.ts';

/** A file that is written from its start to its end, by slabs. All but `finish` and `abandon` never wait. */
export interface SlabFile {
  /** Where the next bytes belong: room for one slice at least, good until `advance`. */
  room(): Buffer;
  /** So many bytes of the room have been filled. Throws what `admit` throws. */
  advance(bytes: number): void;
  /** Everything is on its way; resolves with the size when it is in the file. */
  finish(): Promise<number>;
  /** Resolves when nothing touches the file any more, whatever had become of it. */
  abandon(): Promise<void>;
}

export interface SlabFileOptions {
  /** what is there from a run that was broken off is overwritten; nothing is there if nothing is written */
  readonly path: string;
  readonly slabs: Slabs;
  /** Throws if `bytes` more are too many. */
  readonly admit: (bytes: number) => void;
}

export function createSlabFile({ path, slabs, admit }: SlabFileOptions): SlabFile {
  const writes: Promise<void>[] = [];
  let opening: Promise<FileHandle> | undefined;
  let finishing: Promise<number> | undefined;
  let slab: Buffer | undefined;
  let used = 0;
  let size = 0;
  return { room, advance, finish, abandon };

  function room(): Buffer {
    if (slab && SLAB_BYTES - used < SLICE_BYTES) flush();
    slab ??= slabs.take();
    return slab.subarray(used);
  }

  function advance(bytes: number): void {
    used += bytes;
    size += bytes;
    admit(bytes);
  }

  function flush(): void {
    if (!slab) return;
    if (used === 0) slabs.giveBack(slab);
    else {
      opening ??= open(path, 'w');
      const write = writeOut(opening, slab, used, size - used);
      // Heard of in `finish`; until then it must not count as unhandled.
      write.catch(() => {});
      writes.push(write);
      slabs.track(write);
    }
    slab = undefined;
    used = 0;
  }

  async function writeOut(opening: Promise<FileHandle>, slab: Buffer, length: number, position: number): Promise<void> {
    try {
      const file = await opening;
      // A disk that is nearly full takes a part and refuses the rest.
      for (let done = 0; done < length;) {
        done += (await file.write(slab, done, length - done, position + done)).bytesWritten;
      }
    } finally {
      slabs.giveBack(slab);
    }
  }

  function finish(): Promise<number> {
    if (!finishing) {
      flush();
      finishing = settle();
      finishing.catch(() => {});
    }
    return finishing;
  }

  async function settle(): Promise<number> {
    try {
      await Promise.all(writes);
      return size;
    } finally {
      await Promise.allSettled(writes);
      const file = await opening?.catch(() => undefined);
      await file?.close();
    }
  }

  async function abandon(): Promise<void> {
    if (!finishing && slab) {
      slabs.giveBack(slab);
      slab = undefined;
    }
    await finish().catch(() => {});
  }
}
