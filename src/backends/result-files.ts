import { open, rm, type FileHandle } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { z } from 'zod';
import { BackendError } from '../errors.ts';
import type { BackendEvent } from './backend.ts';

/** A result file as ViewComfy tells of it: with its bytes, or with an address to get them from. */
export const ResultOutput = z
  .object({
    filename: z.string(),
    content_type: z.string().nullish(),
    size: z.number().nullish(),
    data: z.string().nullish(),
    filepath: z.string().nullish(),
  })
  .transform(({ filename, content_type, size, data, filepath }) => ({
    name: filename,
    mediaType: mediaTypeOf(content_type, filename),
    size: size ?? undefined,
    data: data ?? undefined,
    url: filepath ?? undefined,
  }));
export type ResultOutput = z.infer<typeof ResultOutput>;

export interface ResultFilesOptions {
  readonly folder: string;
  /** of all files together */
  readonly maxBytes: number;
  readonly download: (url: string) => Promise<AsyncIterable<Buffer>>;
  /** ends the writing with its reason */
  readonly signal: AbortSignal;
}

type FileReady = Extract<BackendEvent, { type: 'file-ready' }>;

/** Base64 characters decoded at once: a multiple of four, small enough not to hold the event loop for a millisecond. */
const SLICE = 256 * 1024;

/** Writes every output into the folder, or none: a run that fails halfway leaves no file behind. */
export async function writeResultFiles(
  outputs: readonly ResultOutput[],
  { folder, maxBytes, download, signal }: ResultFilesOptions,
): Promise<FileReady[]> {
  const files: FileReady[] = [];
  const taken = new Set<string>();
  let left = maxBytes;
  try {
    for (const output of outputs) {
      const name = uniqueName(safeName(output.name), taken);
      const path = join(folder, name);
      const file = { type: 'file-ready', name, mediaType: output.mediaType, path, size: 0 } as const;
      files.push(file);
      const size = await writeOutput(path, output);
      files[files.length - 1] = { ...file, size };
    }
    return files;
  } catch (error) {
    await Promise.all(files.map(({ path }) => rm(path, { force: true })));
    throw error;
  }

  async function writeOutput(path: string, output: ResultOutput): Promise<number> {
    await using file = await open(path, 'wx');
    const size = await writeAll(file, output.url === undefined ? decode(output) : await download(output.url));
    if (output.size !== undefined && output.size !== size) {
      throw broken(output, `has ${size} bytes where ${output.size} were announced`);
    }
    if (size === 0) throw broken(output, 'is empty');
    return size;
  }

  async function writeAll(file: FileHandle, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<number> {
    let size = 0;
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      size += chunk.length;
      left -= chunk.length;
      if (left < 0) throw new BackendError(`results of more than ${maxBytes} bytes`, { type: 'too-large' });
      await file.writeFile(chunk);
    }
    return size;
  }
}

/** Strict, both alphabets: Node skips what is not base64, so a slice that decodes to fewer bytes held something else. */
function* decode(output: ResultOutput): Generator<Buffer> {
  const { data } = output;
  if (data === undefined) throw broken(output, 'has neither bytes nor an address');
  const text = data.replace(/={1,2}$/, '');
  const isPadded = text.length !== data.length;
  if (isPadded ? data.length % 4 !== 0 : text.length % 4 === 1) throw broken(output, 'is not base64');
  for (let start = 0; start < text.length; start += SLICE) {
    const slice = text.slice(start, start + SLICE);
    const bytes = Buffer.from(slice, 'base64');
    if (bytes.length !== Math.floor((slice.length * 3) / 4)) throw broken(output, 'is not base64');
    yield bytes;
  }
}

function broken({ name }: ResultOutput, problem: string): BackendError {
  return new BackendError(`the result file ${safeName(name)} ${problem}`, { type: 'unintelligible' });
}

/** No path, no surprise for a file system or a Discord attachment, and still the name that the workflow gave. */
function safeName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const plain = last.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^\.+/, '');
  const extension = extname(plain).slice(0, 16);
  const stem = plain.slice(0, plain.length - extname(plain).length).slice(0, 80);
  return `${stem || 'file'}${extension}`;
}

/** Compared without case: some file systems do so too. */
function uniqueName(name: string, taken: Set<string>): string {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  let unique = name;
  for (let copy = 2; taken.has(unique.toLowerCase()); copy += 1) unique = `${stem}-${copy}${extension}`;
  taken.add(unique.toLowerCase());
  return unique;
}

const BY_EXTENSION = new Map([
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.jpeg', 'image/jpeg'],
  ['.webp', 'image/webp'],
  ['.gif', 'image/gif'],
  ['.mp4', 'video/mp4'],
  ['.webm', 'video/webm'],
]);

function mediaTypeOf(contentType: string | null | undefined, name: string): string {
  const given = contentType?.split(';', 1).join('').trim().toLowerCase() ?? '';
  if (/^[a-z0-9.+-]+\/[a-z0-9.+-]+$/.test(given)) return given;
  return BY_EXTENSION.get(extname(name).toLowerCase()) ?? 'application/octet-stream';
}
