import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../errors.ts';
import { kindOf, SNIFFED_BYTES } from '../pictures/kind.ts';
import { formatBytes } from '../pictures/sizes.ts';
import type { StoredFile } from '../recipes/recipe.ts';

/** For the person who gets pieces; Discord shows what stands between backticks as it is typed. */
export const HOW_TO_JOIN =
  'Save all pieces in one folder. Then open the one that ends in `.001` with 7-Zip, or join them in a terminal, with the ' +
  'name before `.001` in place of `name`: `cat name.??? > name` on Linux and macOS, `copy /b name.??? name` on Windows.';

/** 7-Zip counts in three digits, and with a fourth one `cat` would no longer find the pieces in order. */
const MOST_PIECES = 999;

/**
 * Splits a file into `<name>.001`, `<name>.002` and so on, which are the file itself when they are put together in that
 * order. A file of at most `pieceBytes` is given back as it is. No more of the file than a block is in memory.
 *
 * It can be ended at any time: a piece has its name only when it is whole, and whole pieces of an earlier call with the
 * same size of pieces are used again.
 * @param folder is for the pieces of files of different names; made where it is missing
 * @throws UserError where it would be more pieces than can be joined
 */
export async function splitFile(path: string, pieceBytes: number, folder: string): Promise<readonly StoredFile[]> {
  if (!Number.isSafeInteger(pieceBytes) || pieceBytes < 1) throw new RangeError(`${pieceBytes} bytes are no piece`);
  const name = basename(path);
  await using file = await open(path);
  const { size, mtimeMs } = await file.stat();
  if (size <= pieceBytes) return [{ name, mediaType: await mediaTypeOf(file), path, size }];
  const count = Math.ceil(size / pieceBytes);
  if (count > MOST_PIECES) {
    throw new UserError(
      `This file has ${formatBytes(size)}: more than ${MOST_PIECES} pieces of ${formatBytes(pieceBytes)}. Make it smaller, or use a place that takes larger files.`,
    );
  }
  // The last piece of one size of pieces can be as long as one from the middle of another: they must not meet.
  const own = join(folder, `pieces-${pieceBytes}`);
  await mkdir(own, { recursive: true });
  const pieces: StoredFile[] = [];
  for (let index = 0; index < count; index += 1) {
    const start = index * pieceBytes;
    const piece = `${name}.${String(index + 1).padStart(3, '0')}`;
    const stored = {
      name: piece,
      mediaType: 'application/octet-stream',
      path: join(own, piece),
      size: Math.min(pieceBytes, size - start),
    } satisfies StoredFile;
    if (!(await isThere(stored, mtimeMs))) await cut(path, start, stored);
    pieces.push(stored);
  }
  return pieces;
}

async function isThere({ path, size }: StoredFile, notBeforeMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.size === size && found.mtimeMs >= notBeforeMs;
}

async function cut(path: string, start: number, piece: StoredFile): Promise<void> {
  const unfinished = `${piece.path}.${randomBytes(6).toString('hex')}.part`;
  const target = createWriteStream(unfinished, { flush: true });
  try {
    await pipeline(createReadStream(path, { start, end: start + piece.size - 1 }), target);
    if (target.bytesWritten !== piece.size) throw new Error('The file became shorter while it was split');
    await rename(unfinished, piece.path);
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function mediaTypeOf(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
  return kindOf(buffer.subarray(0, bytesRead)).mediaType;
}
