import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes on disk, in files without a name: the system frees them with the process, however that ends. */
export interface ByteStore {
  keep(bytes: Buffer): Promise<KeptBytes>;
  /** Frees everything. */
  close(): void;
}

export interface KeptBytes {
  /** All of them, or a part that is within them. `undefined`: they are gone */
  read(from?: number, count?: number): Promise<Buffer | undefined>;
  /** whether they were forgotten or had to make room */
  isGone(): boolean;
  forget(): void;
}

interface Segment {
  file: Promise<FileHandle>;
  /** bytes given out */
  size: number;
  /** how many of its entries are not forgotten */
  live: number;
  isGone: boolean;
}

// Room is made a segment at a time: few open files, and no holes to keep account of.
const SEGMENTS = 16;

export function createByteStore({ folder, mostBytes }: { folder: string; mostBytes: number }): ByteStore {
  const segmentBytes = Math.ceil(mostBytes / SEGMENTS);
  let segments: Segment[] = [];
  let total = 0;

  function current(): Segment {
    const last = segments.at(-1);
    if (last && last.size < segmentBytes) return last;
    const segment = { file: openNameless(folder), size: 0, live: 0, isGone: false };
    segments.push(segment);
    return segment;
  }

  function free(segment: Segment) {
    if (segment.isGone) return;
    segment.isGone = true;
    segments = segments.filter((other) => other !== segment);
    total -= segment.size;
    // What is being read or written is finished first.
    void segment.file.then((file) => file.close()).catch(() => {});
  }

  async function keep(bytes: Buffer): Promise<KeptBytes> {
    // Nothing below may hold on to `bytes`.
    const { length } = bytes;
    const segment = current();
    const at = segment.size;
    segment.size += length;
    segment.live += 1;
    total += length;
    for (const oldest of segments) {
      if (total <= mostBytes || oldest === segment) break;
      free(oldest);
    }
    const file = await segment.file;
    if (!segment.isGone) await file.write(bytes, 0, length, at);
    let isForgotten = false;

    return {
      async read(from = 0, count = length - from) {
        if (isForgotten || segment.isGone) return undefined;
        const found = Buffer.allocUnsafe(count);
        await file.read(found, 0, count, at + from);
        return found;
      },
      isGone: () => isForgotten || segment.isGone,
      forget() {
        if (isForgotten) return;
        isForgotten = true;
        segment.live -= 1;
        if (segment.live === 0 && segment !== segments.at(-1)) free(segment);
      },
    };
  }

  return { keep, close: () => segments.forEach(free) };
}

async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `playground-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}
