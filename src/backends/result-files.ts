import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BackendError } from '../errors.ts';
import { SNIFFED_BYTES } from '../pictures/kind.ts';
import type { BackendEvent } from './backend.ts';
import { createBase64Decoder } from './base64.ts';
import { createResultDecoder, type Part, type ResultDecoder } from './result-decoder.ts';
import { lookedAt, mediaTypeOf, safeName, uniqueName } from './result-names.ts';
import { createSlabFile } from './slab-file.ts';
import type { Slabs } from './slabs.ts';

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
    /** base64, or the token of the file that it has been decoded into */
    data: data ?? undefined,
    url: filepath ?? undefined,
  }));
export type ResultOutput = z.infer<typeof ResultOutput> & {
  /** the node that made it, where that is known */
  readonly node?: string;
};

/** The files of one run's result, from their first byte on. */
export interface ResultFiles {
  /** Reads a result; the bytes inside go to files at once. What an earlier one has read is dropped. */
  newDecoder(): ResultDecoder;
  /** Something to wait for between pieces, while the disk is behind. Throws when the run is over. */
  room(): Promise<void> | undefined;
  /** Reads a result that comes as plain JSON. */
  read(json: AsyncIterable<Buffer>): Promise<unknown>;
  /** Fetches what is elsewhere, checks everything, and gives every file its name. To be called once. */
  place(outputs: readonly ResultOutput[]): Promise<FileReady[]>;
  /** Leaves nothing in the folder but what was placed, and touches it no more. To be called in any case. */
  close(): Promise<void>;
}

export interface ResultFilesOptions {
  /** of this run alone */
  readonly folder: string;
  /** of all files together */
  readonly maxBytes: number;
  /** of one file, where that is less */
  readonly maxFileBytes?: number;
  /** what a result may have besides its files: the prompt, which is the whole workflow */
  readonly maxSkeletonBytes: number;
  readonly slabs: Slabs;
  readonly download: (url: string) => Promise<AsyncIterable<Buffer>>;
  /** ends the writing with its reason */
  readonly signal: AbortSignal;
}

type FileReady = Extract<BackendEvent, { type: 'file-ready' }>;

interface PartInFolder extends Part {
  readonly path: string;
}

/** The largest workflows known give 15; a megabyte of empty ones should not be 50,000 open files. */
const MOST_PARTS = 1000;
/** Decoded at once before looking whether there is room. */
const PIECE = 256 * 1024;

export function createResultFiles(options: ResultFilesOptions): ResultFiles {
  const { folder, maxBytes, maxFileBytes = maxBytes, maxSkeletonBytes, slabs, download, signal } = options;
  /** by token: what the present decoder has read and nobody has placed */
  const decoded = new Map<string, PartInFolder>();
  const parts = new Set<PartInFolder>();
  /** what may not stay in the folder */
  const doomed = new Set<string>();
  let count = 0;
  let left = maxBytes;

  return { newDecoder, room, read, place, close };

  function newDecoder(): ResultDecoder {
    for (const part of parts) void drop(part);
    decoded.clear();
    left = maxBytes;
    return createResultDecoder({
      maxSkeletonBytes,
      newPart() {
        const part = newPart();
        decoded.set(part.token, part);
        return part;
      },
    });
  }

  async function read(json: AsyncIterable<Buffer>): Promise<unknown> {
    const decoder = newDecoder();
    for await (const chunk of json) {
      for (let end = PIECE; end < chunk.length + PIECE; end += PIECE) {
        const piece = chunk.subarray(end - PIECE, end);
        for (let at = 0; at < piece.length;) at = decoder.write(piece, at);
        await room();
      }
    }
    return decoder.end();
  }

  function room(): Promise<void> | undefined {
    signal.throwIfAborted();
    return slabs.room();
  }

  function newPart(): PartInFolder {
    if (parts.size === MOST_PARTS) {
      throw new BackendError(`more than ${MOST_PARTS} result files`, { type: 'too-large' });
    }
    // No result file has such a name: theirs do not begin with a dot.
    const path = join(folder, `.part-${count}`);
    const part = { token: `:${count}`, path, file: createSlabFile({ path, slabs, admit: createLimit() }) };
    count += 1;
    parts.add(part);
    doomed.add(path);
    return part;
  }

  function createLimit(): (bytes: number) => void {
    let leftOfFile = maxFileBytes;
    return (bytes) => {
      left -= bytes;
      leftOfFile -= bytes;
      if (left < 0) throw new BackendError(`results of more than ${maxBytes} bytes`, { type: 'too-large' });
      if (leftOfFile < 0) throw new BackendError(`a file of more than ${maxFileBytes} bytes`, { type: 'too-large' });
    };
  }

  async function place(outputs: readonly ResultOutput[]): Promise<FileReady[]> {
    const taken = new Set<string>();
    const moves: { readonly from: string; readonly file: FileReady }[] = [];
    for (const output of outputs) {
      const part = await partOf(output);
      const size = await part.file.finish();
      signal.throwIfAborted();
      if (output.size !== undefined && output.size !== size) {
        throw broken(output, `has ${size} bytes where ${output.size} were announced`);
      }
      if (size === 0) throw broken(output, 'is empty');
      const name = uniqueName(safeName(output.name), taken);
      const path = join(folder, name);
      const mediaType = lookedAt(await headOf(part.path), output.mediaType);
      const { node } = output;
      moves.push({
        from: part.path,
        file: { type: 'file-ready', name, mediaType, path, size, ...(node !== undefined && { node }) },
      });
    }
    // All or none: one that cannot be moved takes the others with it.
    for (const { file } of moves) doomed.add(file.path);
    for (const { from, file } of moves) await rename(from, file.path);
    for (const { file } of moves) doomed.delete(file.path);
    return moves.map(({ file }) => file);
  }

  async function partOf(output: ResultOutput): Promise<PartInFolder> {
    const { url, data } = output;
    if (url !== undefined) return await fetch(url);
    if (data === undefined) throw broken(output, 'has neither bytes nor an address');
    const known = decoded.get(data);
    if (known) return known;
    const part = newPart();
    const base64 = createBase64Decoder(part.file);
    for (let at = 0; at < data.length; at += PIECE) {
      // The decoder wants the inside of a string as JSON has it.
      const piece = Buffer.from(JSON.stringify(data.slice(at, at + PIECE)).slice(1, -1));
      base64.write(piece, 0, piece.length);
      await room();
    }
    base64.end();
    return part;
  }

  async function fetch(url: string): Promise<PartInFolder> {
    const part = newPart();
    for await (const chunk of await download(url)) {
      for (let at = 0; at < chunk.length;) {
        const copied = chunk.copy(part.file.room(), 0, at);
        part.file.advance(copied);
        at += copied;
      }
      await room();
    }
    return part;
  }

  async function drop(part: PartInFolder): Promise<void> {
    await part.file.abandon();
    await rm(part.path, { force: true });
    parts.delete(part);
    doomed.delete(part.path);
  }

  async function close(): Promise<void> {
    await Promise.all([...parts].map(({ file }) => file.abandon()));
    await Promise.all([...doomed].map((path) => rm(path, { force: true })));
  }
}

async function headOf(path: string): Promise<Buffer> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

function broken({ name }: ResultOutput, problem: string): BackendError {
  return new BackendError(`the result file ${safeName(name)} ${problem}`, { type: 'unintelligible' });
}
