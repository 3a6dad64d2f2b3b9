/**
 * Recycled buffers between a decoder, which fills them at once, and the disk, which takes its time. Fresh memory costs more
 * than the decoding itself (page faults), and memory that is left to the garbage collector makes it run all the time.
 */
export interface Slabs {
  /** Gives a slab of `SLAB_BYTES`; what it holds is another's leftovers. Never refuses: `room` is for waiting. */
  take(): Buffer;
  giveBack(slab: Buffer): void;
  /** Counts `writing` until it settles. */
  track(writing: Promise<unknown>): void;
  /** Something to wait for while too many slabs are on their way to the disk. */
  room(): Promise<void> | undefined;
}

/** The most base64 characters decoded in one go: 3.9 GB/s at 64 KiB, 1.5 at 256 KiB, where strings become large objects. */
export const SLICE_CHARS = 64 * 1024;
/** What such a slice decodes to, with the group that the slice before it left incomplete. */
export const SLICE_BYTES = (SLICE_CHARS / 4) * 3 + 12;
/** Eight slices a write: 112 MB take 30 ms in pieces of this size, 50 ms in pieces of half of it. */
export const SLAB_BYTES = 8 * SLICE_BYTES;
/** libuv has four threads for files; one more slab waits for the first of them. Of all runs together. */
const MOST_WRITING = 5;
/** More are given back to the garbage collector: a crowd has been, and is gone. */
const MOST_KEPT = 16;

export function createSlabs(): Slabs {
  const free: Buffer[] = [];
  const waiting: (() => void)[] = [];
  let writing = 0;
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES),
    giveBack(slab) {
      if (free.length < MOST_KEPT) free.push(slab);
    },
    track(write) {
      writing += 1;
      void write.then(settle, settle);
    },
    room() {
      if (writing < MOST_WRITING) return undefined;
      return new Promise((resolve) => waiting.push(resolve));
    },
  };

  function settle(): void {
    writing -= 1;
    // One a write: all at once would fill as many slabs again. But whoever waits and has nothing more to write ends no
    // write that could wake the next: when the last write is over, nobody else will.
    const count = writing === 0 ? waiting.length : writing < MOST_WRITING ? 1 : 0;
    for (const wake of waiting.splice(0, count)) wake();
  }
}
