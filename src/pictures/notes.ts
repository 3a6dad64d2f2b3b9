import { open, type FileHandle } from 'node:fs/promises';
import { BLOCK_BYTES, bytesOf, NotWhole, type Bytes } from './bytes.ts';
import { gifNotes } from './gif-notes.ts';
import { isoMediaNotes } from './iso-media-notes.ts';
import { jpegNotes } from './jpeg-notes.ts';
import { kindOf, SNIFFED_BYTES } from './kind.ts';
import { matroskaNotes } from './matroska-notes.ts';
import { oggNotes } from './ogg-notes.ts';
import { stripPngText } from './png-text.ts';
import { flacNotes, mp3Notes } from './sound-notes.ts';
import { svgNotes } from './svg-notes.ts';
import { webpNotes } from './webp-notes.ts';

/**
 * Where a file has notes: words about it, which are no part of what is seen or heard. ComfyUI writes the prompt and the
 * whole workflow there.
 *
 * Nothing is moved, so that every offset in the file stays right and a film of any size costs a few small reads. What
 * has notes in it is marked first as something that every reader passes over, and its bytes are blanked then. In this
 * order the file is whole after each single write: what is passed over may say anything, while blanks in a part that is
 * still read as notes could be an error. So it can be ended at any time, and the next call does what is left: it blanks
 * whatever is marked.
 */
export interface Notes {
  /** bytes that are put over others: at most some dozens, or a page of Ogg */
  readonly marks: readonly Mark[];
  readonly blanks: readonly Blank[];
}

interface Mark {
  readonly at: number;
  readonly bytes: Buffer;
}

interface Blank {
  readonly from: number;
  readonly to: number;
  /** what blanks it: a zero, or a space where only text may be */
  readonly by: 0 | 0x20;
}

/** They read, and never write. A file that they do not understand to its end is an error. @throws NotWhole */
const FINDERS: ReadonlyMap<string, (bytes: Bytes) => Promise<Notes>> = new Map([
  ['video/mp4', isoMediaNotes],
  ['audio/mp4', isoMediaNotes],
  ['video/3gpp', isoMediaNotes],
  ['video/quicktime', isoMediaNotes],
  ['video/webm', matroskaNotes],
  ['audio/webm', matroskaNotes],
  ['video/x-matroska', matroskaNotes],
  ['audio/x-matroska', matroskaNotes],
  ['image/webp', webpNotes],
  ['image/jpeg', jpegNotes],
  ['image/gif', gifNotes],
  ['image/svg+xml', svgNotes],
  ['audio/flac', flacNotes],
  ['audio/mpeg', mp3Notes],
  ['audio/ogg', oggNotes],
  ['video/ogg', oggNotes],
]);

type Write = (file: FileHandle, bytes: Buffer, at: number) => Promise<void>;

/**
 * Frees a file of its notes, in place; a PNG is written anew. A file of another kind stays as it is, and so does one that
 * is broken, and one that has none: somebody may be reading it. What it is, its bytes tell.
 *
 * It can be ended at any time, and called again.
 */
export async function removeNotes(path: string, write: Write = writeWhole): Promise<void> {
  if ((await removeInPlace(path, write)) === 'image/png') await stripPngText(path);
}

/** @returns the media type of the file */
async function removeInPlace(path: string, write: Write): Promise<string> {
  await using file = await open(path);
  const bytes = await bytesOf(file);
  const { mediaType } = kindOf(await bytes.read(0, Math.min(SNIFFED_BYTES, bytes.size)));
  const notes = await FINDERS.get(mediaType)?.(bytes).catch(nothingWhereBroken);
  if (!notes) return mediaType;
  await using pen = createPen(path, bytes, write);
  for (const { at, bytes } of notes.marks) await pen.put(at, bytes);
  // Without it a loss of power could leave the blanks and not the marks.
  await pen.settle();
  for (const { from, to, by } of notes.blanks) {
    for (let at = from; at < to; at += BLOCK_BYTES) await pen.put(at, Buffer.alloc(Math.min(BLOCK_BYTES, to - at), by));
  }
  await pen.settle();
  return mediaType;
}

function nothingWhereBroken(error: unknown): undefined {
  if (!(error instanceof NotWhole)) throw error;
}

/** Writes only what is not there yet, and opens the file for the first of it. */
function createPen(path: string, bytes: Bytes, write: Write) {
  let file: FileHandle | undefined;
  return {
    async put(at: number, wanted: Buffer): Promise<void> {
      if ((await bytes.read(at, wanted.length)).equals(wanted)) return;
      file ??= await open(path, 'r+');
      await write(file, wanted, at);
    },
    async settle(): Promise<void> {
      await file?.datasync();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await file?.close();
    },
  };
}

async function writeWhole(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}
