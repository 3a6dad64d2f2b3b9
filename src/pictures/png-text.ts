import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
/**
 * ComfyUI writes the prompt and the whole workflow into text chunks, and in a PNG that moves into `comf`, a chunk of its
 * own; other programs write the place into `eXIf`.
 */
const DROPPED = new Set(['tEXt', 'zTXt', 'iTXt', 'comf', 'eXIf']);
/** length and type before the data, a checksum after it: https://www.w3.org/TR/png-3/#5Chunk-layout */
const CHUNK_HEAD = 8;
const CHUNK_TAIL = 4;

/**
 * Takes the texts out of a PNG file, in place and without touching its pixels; bytes after the end of the picture go as
 * well. Gives back the new size. A file that is not a PNG, or not a whole one, stays as it is, and so does one that has
 * nothing to take out: somebody may be reading it.
 *
 * It can be ended at any time: until everything is on the disk under another name, the file is as it was.
 */
export async function stripPngText(path: string): Promise<number> {
  const before = (await stat(path)).size;
  // A name of its own, as two messages may want the same file at the same time.
  const stripped = `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    await pipeline(createReadStream(path), withoutText, createWriteStream(stripped, { flush: true }));
    const { size } = await stat(stripped);
    if (size < before) await rename(stripped, path);
    return size;
  } catch (cause) {
    if (cause instanceof NotWholePng) return before;
    throw cause;
  } finally {
    await rm(stripped, { force: true });
  }
}

class NotWholePng extends Error {
  override name = 'NotWholePng';
}

/** Linear, and holds no more than one block of the file: a chunk is passed on or dropped as its bytes arrive. */
async function* withoutText(file: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // The signature happens to be as long as a chunk's head, and is read as one.
  let head = Buffer.alloc(0);
  let type: string | undefined;
  let remaining = 0;
  let ended = false;
  for await (const block of file) {
    let rest = block;
    // What follows the end is read, so that the file closes in the ordinary way, and not passed on.
    while (rest.length > 0 && !ended) {
      const part = rest.subarray(0, remaining || CHUNK_HEAD - head.length);
      rest = rest.subarray(part.length);
      if (remaining > 0) {
        remaining -= part.length;
        ended = type === 'IEND' && remaining === 0;
        if (!isDropped(type)) yield part;
        continue;
      }
      head = Buffer.concat([head, part]);
      if (head.length < CHUNK_HEAD) continue;
      if (type === undefined) {
        if (!head.equals(SIGNATURE)) throw new NotWholePng('no PNG signature');
        type = 'signature';
      } else {
        type = head.toString('latin1', 4);
        remaining = head.readUInt32BE(0) + CHUNK_TAIL;
      }
      if (!isDropped(type)) yield head;
      head = Buffer.alloc(0);
    }
  }
  if (!ended) throw new NotWholePng('ends before its end chunk');
}

function isDropped(type: string | undefined): boolean {
  return type !== undefined && DROPPED.has(type);
}
