import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BackendError } from '../../errors.ts';
import { kindOf, SNIFFED_BYTES } from '../../pictures/kind.ts';
import type { BackendEvent } from '../backend.ts';
import { createSlabFile, type SlabFile } from '../slab-file.ts';
import type { Slabs } from '../slabs.ts';

type FileReady = Extract<BackendEvent, { type: 'file-ready' }>;

/** The pictures of one run, from their first byte on. What they are, their own first bytes say. */
export interface PictureFiles {
  /** for the bytes of the next picture */
  open(): SlabFile;
  /**
   * What was opened since the last time is whole. Gives how many there were.
   * @throws BackendError `unintelligible` for what is no picture; then none of them is kept
   */
  keep(name: string): Promise<number>;
  /** Gives every picture that was kept its name. To be called once. */
  place(): Promise<FileReady[]>;
  /** Leaves nothing in the folder but what was placed, and touches it no more. To be called in any case. */
  close(): Promise<void>;
}

export interface PictureFilesOptions {
  /** of this run alone */
  readonly folder: string;
  /** of all pictures together */
  readonly maxBytes: number;
  readonly slabs: Slabs;
  readonly signal: AbortSignal;
}

interface Opened {
  readonly path: string;
  readonly file: SlabFile;
}

/** Nobody can ask for more than four; a megabyte of empty ones should not be 100,000 open files. */
const MOST_PICTURES = 100;

export function createPictureFiles({ folder, maxBytes, slabs, signal }: PictureFilesOptions): PictureFiles {
  /** all there have ever been, placed or not */
  const all: Opened[] = [];
  let opened: Opened[] = [];
  const kept: { readonly from: string; readonly file: FileReady }[] = [];
  const placed = new Set<string>();
  let left = maxBytes;
  return { open: openNext, keep, place, close };

  function openNext(): SlabFile {
    if (all.length === MOST_PICTURES) throw new BackendError('too many pictures', { type: 'too-large' });
    // No result file has such a name: theirs do not begin with a dot.
    const path = join(folder, `.picture-${all.length}`);
    const one = { path, file: createSlabFile({ path, slabs, admit }) };
    all.push(one);
    opened.push(one);
    return one.file;
  }

  function admit(bytes: number): void {
    left -= bytes;
    if (left < 0) throw new BackendError(`results of more than ${maxBytes} bytes`, { type: 'too-large' });
  }

  async function keep(name: string): Promise<number> {
    const pictures = opened;
    opened = [];
    const files: { readonly from: string; readonly file: FileReady }[] = [];
    for (const [index, { path: from, file }] of pictures.entries()) {
      const size = await file.finish();
      signal.throwIfAborted();
      const { format, mediaType, extension } = kindOf(size > 0 ? await firstBytes(from) : new Uint8Array());
      if (!format) throw new BackendError('a picture that is none', { type: 'unintelligible' });
      const fileName = `${name}${pictures.length > 1 ? `_${index + 1}` : ''}${extension}`;
      const ready = { type: 'file-ready', name: fileName, mediaType, path: join(folder, fileName), size } as const;
      files.push({ from, file: ready });
    }
    kept.push(...files);
    return files.length;
  }

  async function place(): Promise<FileReady[]> {
    for (const { from, file } of kept) {
      placed.add(file.path);
      await rename(from, file.path);
    }
    // From here on they are the caller's.
    placed.clear();
    return kept.map(({ file }) => file);
  }

  async function close(): Promise<void> {
    await Promise.all(all.map(({ file }) => file.abandon()));
    await Promise.all([...all.map(({ path }) => path), ...placed].map((path) => rm(path, { force: true })));
  }
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
