import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Job } from '../jobs/job.ts';
import type { Logger } from '../log.ts';
import { fitPicture, type FittedFile } from '../pictures/fit.ts';
import { removeNotes } from '../pictures/notes.ts';
import { formatBytes } from '../pictures/sizes.ts';
import { sortOutputs, type StoredFile } from '../recipes/recipe.ts';
import { splitFile } from '../storage/split.ts';
import type { Spool } from '../storage/spool.ts';
import { excerptOf } from './excerpt.ts';
import { attachmentName, isDataFile, pieceName, shownName } from './file-names.ts';
import type { OutgoingFile } from './port.ts';
import { text } from './text.ts';

/** Files of a job, put into as many messages as it takes and made to fit. */
export interface Pages {
  /**
   * As many of the files as one message holds, from the given one on: one at least.
   * @param words characters that texts and notes may have
   */
  page(job: Job, files: readonly StoredFile[], from: number, limits: PageLimits, words: number): Promise<Page>;
  /** The files that are larger than what was shown, as they are. @param shownLimit bytes */
  originals(job: Job, shownLimit: number): Promise<readonly StoredFile[]>;
  /** The same, each in pieces where it is larger than one file may be here. */
  pieces(job: Job, shownLimit: number, fileLimit: number): Promise<readonly (readonly StoredFile[])[]>;
}

export interface PageLimits {
  /** of one file, bytes */
  readonly file: number;
  /** how many files; 0 where Discord takes none of them */
  readonly files: number;
  /** of all files together, bytes */
  readonly request: number;
}

export interface Page {
  readonly files: readonly OutgoingFile[];
  /** texts, or how they begin, ready to be shown */
  readonly texts: readonly string[];
  /** what was done to the files, or could not be: whole lines */
  readonly notes: readonly string[];
  /** the first file that is not in this page nor in those before */
  readonly to: number;
  /** whether there is a better file than what is shown */
  readonly hasOriginals: boolean;
}

const MIB = 1024 * 1024;
/** resources/message.mdx: ten files a message, and 25 MiB a request; the rest of the request is far below 64 KiB. */
const FILES_A_MESSAGE = 10;
const BYTES_A_REQUEST = 25 * MIB - 64 * 1024;

/** What to try when Discord finds it too much after all: its limits have changed three times in three years. */
const SQUEEZES: readonly PageLimits[] = [
  { file: 20 * MIB, files: FILES_A_MESSAGE, request: 20 * MIB },
  { file: 10 * MIB, files: 5, request: 10 * MIB },
  { file: 8 * MIB, files: 3, request: 8 * MIB },
  { file: 0, files: 0, request: 0 },
];

/** @param squeezed how often Discord has refused more */
export function pageLimits(fileLimit: number, squeezed = 0): PageLimits {
  const full = { file: Math.min(fileLimit, BYTES_A_REQUEST), files: FILES_A_MESSAGE, request: BYTES_A_REQUEST };
  const less = squeezed === 0 ? full : SQUEEZES[Math.min(squeezed, SQUEEZES.length) - 1];
  const file = Math.floor(Math.min(full.file, less?.file ?? full.file));
  return { ...(less ?? full), file };
}

/** Whether there is less to try. */
export function canSqueeze(squeezed: number): boolean {
  return squeezed < SQUEEZES.length;
}

interface PagesDependencies {
  spool: Spool;
  /** whether files keep the workflow that ComfyUI writes into them */
  keepWorkflow: boolean;
  log: Logger;
}

export function createPages({ spool, keepWorkflow, log }: PagesDependencies): Pages {
  const underway = new Map<string, Promise<void>>();

  async function bare(files: readonly StoredFile[]): Promise<void> {
    if (keepWorkflow) return;
    for (const { path } of files) await bareOnce(path);
  }

  /** Two messages may want the same file: while one of them sends it already, the other must not write into it. */
  function bareOnce(path: string): Promise<void> {
    const work = underway.get(path) ?? removeNotes(path).finally(() => underway.delete(path));
    underway.set(path, work);
    return work;
  }

  async function originals(job: Job, shownLimit: number): Promise<readonly StoredFile[]> {
    // What is hidden is not given away here either.
    const { main, extra } = sortOutputs(job.recipe, job.files);
    const files = [...main, ...extra];
    await bare(files);
    const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
    return files.filter((_, index) => (sizes[index] ?? 0) > shownLimit);
  }

  return {
    originals,
    async page(job, files, from, limits, words) {
      const folder = await spool.folder(job.id, 'results');
      const shown: (OutgoingFile & { readonly size: number })[] = [];
      const texts: ShownText[] = [];
      const notes: string[] = [];
      let room = limits.request;
      let left = words;
      let hasOriginals = false;
      let to = from;
      for (const file of files.slice(from)) {
        // What one message does not hold comes in the next; but each holds something.
        const mayWait = to > from;
        if ((limits.files > 0 && shown.length >= limits.files) || texts.length >= MOST_TEXTS) break;
        await bare([file]);
        const excerpt = await excerptOf(file.path);
        const shownText = excerpt && textOf(file.name, excerpt.block);
        if (shownText && excerpt.isWhole && !isDataFile(file.name)) {
          if (shownText.length > left && mayWait) break;
          if (shownText.length <= left) {
            left -= shownText.length;
            texts.push(shownText);
            to += 1;
            continue;
          }
        }
        const fitted = limits.files > 0 ? await fitPicture(file.path, limits.file, folder) : 'too-large';
        const note = noteOf(file, fitted);
        if (note.length > left && mayWait) break;
        if (fitted === 'too-large') {
          log.warn({ job: job.id, file: file.name, size: file.size, limit: limits.file }, 'File too large for Discord');
          hasOriginals = true;
        } else {
          const { path, mediaType, size, extension } = fitted;
          if (size > room && shown.length > 0) break;
          room -= size;
          const name = attachmentName(file.name, extension, shown);
          shown.push({ name, path, mediaType, size, description: shownName(file.name) });
          hasOriginals ||= path !== file.path;
        }
        // Each is a line of its own.
        left -= note === '' ? 0 : note.length + 1;
        if (note !== '') notes.push(note);
        if (shownText && shownText.length <= left && fitted !== 'too-large') {
          left -= shownText.length;
          texts.push(shownText);
        }
        to += 1;
      }
      return { files: shown, texts: labelled(texts), notes, to, hasOriginals };
    },
    async pieces(job, shownLimit, fileLimit) {
      const folder = await spool.folder(job.id, 'results');
      const { file: limit } = pageLimits(fileLimit);
      const files: (readonly StoredFile[])[] = [];
      for (const { path } of await originals(job, shownLimit)) files.push(await splitFile(path, limit, folder));
      return files;
    },
  };
}

/** A message has 40 components, and there can be a file for each. */
const MOST_TEXTS = 10;

interface ShownText {
  readonly label: string;
  readonly block: string;
  /** whether its name was given by somebody who wanted it to be read */
  readonly isNamed: boolean;
  /** characters, with what separates it from others */
  readonly length: number;
}

function textOf(name: string, block: string): ShownText {
  const label = text.label(shownName(name));
  return { label, block, isNamed: shownName(name) !== name, length: label.length + block.length + 2 };
}

/** What one text is called does not matter. */
function labelled(texts: readonly ShownText[]): string[] {
  return texts.map(({ label, block, isNamed }) => (texts.length > 1 || isNamed ? `${label}\n${block}` : block));
}

function noteOf({ name, size }: StoredFile, fitted: FittedFile | 'too-large'): string {
  if (fitted === 'too-large') return `-# ${text.tooLarge(shownName(name), formatBytes(size))}`;
  return fitted.note === undefined ? '' : text.note(shownName(name), fitted.note);
}

/** The pieces that one message holds, from the given one on; their names stay as they are, or they could not be joined. */
export function pieceFiles(pieces: readonly StoredFile[], from: number): { files: OutgoingFile[]; to: number } {
  const files: OutgoingFile[] = [];
  let room = BYTES_A_REQUEST;
  for (const { path, mediaType, size } of pieces.slice(from)) {
    if (files.length >= FILES_A_MESSAGE || (files.length > 0 && size > room)) break;
    room -= size;
    const name = pieceName(basename(path));
    files.push({ name, path, mediaType, description: name });
  }
  return { files, to: from + files.length };
}
