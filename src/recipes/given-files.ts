import { open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import { createGate } from '../gate.ts';
import { kindByTracks, kindOf, mayBeSound, SNIFFED_BYTES, type FileKind } from '../pictures/kind.ts';
import { encodeMask, readMask, sizeOfPicture, withMask } from '../pictures/mask.ts';
import { preparePicture, tooLarge } from '../pictures/prepare.ts';
import { formatBytes } from '../pictures/sizes.ts';
import { onDisk } from '../storage/disk.ts';
import { inItsWords } from './answers.ts';
import type { FileOption, MaskOption, MediaOption, PictureOption, StoredFile } from './recipe.ts';

/** A file that a person gave, wherever it is. */
export interface GivenFile {
  /** as the person calls it */
  readonly name: string;
  /** bytes, as far as it is told beforehand */
  readonly size?: number | undefined;
  /** Its bytes; to leave them ends what brings them. @throws UserError when they do not come, and why */
  open(): AsyncIterable<Uint8Array>;
}

export interface FileLimits {
  readonly pictures: { readonly maxBytes: number; readonly maxPixels: number };
  /** of films and sounds */
  readonly media: { readonly maxBytes: number };
}

/** Where a file goes: under the option's name, which is safe as a file's. */
interface Place {
  readonly option: string;
  readonly folder: () => Promise<string>;
}

/** Takes what people give: checked by its bytes, and made what a workflow can use. All of it @throws UserError */
export interface FileKeeper {
  /** By what is told of its size, before anybody fetches it. */
  checkSize(size: number, option: FileOption): void;
  keepPicture(file: GivenFile, option: PictureOption, place: Place): Promise<StoredFile>;
  /** A film or a sound, as it is. */
  keepMedia(file: GivenFile, option: MediaOption, place: Place): Promise<StoredFile>;
  /** @param of the picture that it is about, as the workflow gets it, and where that goes when it gets the mask as well */
  keepMask(file: GivenFile, option: MaskOption, place: Place, of?: MaskedPicture): Promise<KeptMask>;
}

interface MaskedPicture {
  readonly picture: StoredFile;
  readonly place: Place;
}

interface KeptMask {
  readonly mask: StoredFile;
  /** the picture with the mask as its transparency, where that is how it is sent */
  readonly masked?: StoredFile;
}

/** A picture is in memory from its first byte until it is checked, so only so many are on their way at once. */
const PICTURES_AT_ONCE = 4;
/** Apart, so that nobody's picture waits for somebody's film. */
const MEDIA_AT_ONCE = 4;

const MEDIA = {
  video: { name: 'video', advice: 'Send an MP4, QuickTime, WebM, Matroska, AVI or GIF file.' },
  audio: { name: 'sound', advice: 'Send an MP3, WAV, FLAC, Ogg, M4A or AAC file.' },
} as const;

export function createFileKeeper(limits: FileLimits): FileKeeper {
  const pictureInTurn = createGate(PICTURES_AT_ONCE);
  const mediaInTurn = createGate(MEDIA_AT_ONCE);

  /** The recipe's words are for what the file is; what does not come says so in ours. */
  async function readWhole(file: GivenFile, option: FileOption): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bounded(file, option)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  function limitOf({ kind }: FileOption): readonly [maxBytes: number, what: 'file' | 'picture'] {
    return kind === 'video' || kind === 'audio'
      ? [limits.media.maxBytes, 'file']
      : [limits.pictures.maxBytes, 'picture'];
  }

  function checkSize(size: number, option: FileOption): void {
    const [maxBytes, what] = limitOf(option);
    if (size > maxBytes) throw inItsWords(option, tooLarge(formatBytes(size), maxBytes, what));
  }

  /** Its bytes, no further than it may be long. */
  async function* bounded(file: GivenFile, option: FileOption): AsyncGenerator<Uint8Array> {
    checkSize(file.size ?? 0, option);
    const [maxBytes, what] = limitOf(option);
    let size = 0;
    for await (const chunk of file.open()) {
      size += chunk.length;
      if (size > maxBytes) throw inItsWords(option, tooLarge(`more than ${formatBytes(maxBytes)}`, maxBytes, what));
      yield chunk;
    }
  }

  return {
    checkSize,
    keepPicture: (file, option, { option: name, folder }) =>
      pictureInTurn(async () => {
        const bytes = await readWhole(file, option);
        const made = await preparePicture(bytes, { ...limits.pictures, maxSide: option.maxSide }).catch(
          (error: unknown) => {
            throw inItsWords(option, error);
          },
        );
        const path = join(await folder(), `${name}${made.extension}`);
        await onDisk(() => writeFile(path, made.bytes));
        return stored(file.name, name, path, made.mediaType, made.extension, made.bytes.length);
      }),

    keepMedia: (file, option, { option: name, folder }) =>
      mediaInTurn(async () => {
        // Leaving it, whyever, ends what brings it.
        await using chunks = bounded(file, option);
        const head = await readHead(chunks);
        const begins = kindOf(head);
        if (head.length === 0) throw inItsWords(option, emptyMedia(option));
        if (!(option.kind === 'audio' && mayBeSound(begins))) checkMedia(begins, option);
        const unfinished = join(await folder(), `${name}.part`);
        try {
          const size = await onDisk(() => write(unfinished, head, chunks));
          const kind = await kindByTracks(unfinished, begins);
          checkMedia(kind, option);
          const { mediaType, extension } = kind;
          const path = join(await folder(), `${name}${extension}`);
          await onDisk(() => rename(unfinished, path));
          return stored(file.name, name, path, mediaType, extension, size);
        } finally {
          await rm(unfinished, { force: true });
        }
      }),

    keepMask: (file, option, { option: name, folder }, of) =>
      pictureInTurn(async () => {
        const size = of && (await sizeOfPicture(of.picture.path));
        const bytes = await readWhole(file, option);
        const mask = await readMask(bytes, limits.pictures, size).catch((error: unknown) => {
          throw inItsWords(option, error);
        });
        const path = join(await folder(), `${name}.png`);
        const made = await encodeMask(mask);
        await onDisk(() => writeFile(path, made));
        const kept = stored(file.name, name, path, 'image/png', '.png', made.length);
        if (!of || option.parameters.length > 0) return { mask: kept };
        const together = await withMask(of.picture.path, mask);
        // No option has a dot in its name, so this one is free.
        const target = join(await of.place.folder(), `${of.place.option}.masked.png`);
        await onDisk(() => writeFile(target, together));
        const { name: called, path: before } = of.picture;
        // What lies elsewhere is the recipe's own.
        if (dirname(before) === dirname(target) && before !== target) await rm(before, { force: true });
        return {
          mask: kept,
          masked: stored(called, of.place.option, target, 'image/png', '.png', together.length),
        };
      }),
  };
}

/** As much as tells what it is; less only where there is no more. */
async function readHead(chunks: AsyncGenerator<Uint8Array>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < SNIFFED_BYTES) {
    const { value, done } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  return head;
}

/** @returns how many bytes were written */
async function write(path: string, head: Uint8Array, rest: AsyncIterable<Uint8Array>): Promise<number> {
  await using target = await open(path, 'w');
  await target.appendFile(head);
  let size = head.length;
  for await (const chunk of rest) {
    size += chunk.length;
    await target.appendFile(chunk);
  }
  return size;
}

function emptyMedia({ kind }: MediaOption): UserError {
  return new UserError(`This file is empty. Send it again, or another ${MEDIA[kind].name}.`);
}

function checkMedia(kind: FileKind, option: MediaOption): void {
  // What moves in a GIF is a film as well.
  if (kind.medium === option.kind || (option.kind === 'video' && kind.format === 'gif')) return;
  const { name, advice } = MEDIA[option.kind];
  throw inItsWords(option, new UserError(`This file is ${kind.what}, which is no ${name}. ${advice}`));
}

/** Characters of a name that are kept. */
const LONGEST_STEM = 60;

function stored(
  called: string,
  option: string,
  path: string,
  mediaType: string,
  extension: string,
  size: number,
): StoredFile {
  const stem = basename(called.toLowerCase())
    .replace(/\.[^.]*$/, '')
    .replaceAll(/[^a-z0-9_-]+/g, '_');
  return { name: `${stem.slice(0, LONGEST_STEM) || option}${extension}`, mediaType, path, size };
}
