import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import sharp, { type Metadata } from 'sharp';
import type { Gate } from '../gate.ts';
import { kindOf, SNIFFED_BYTES, type FileKind } from './kind.ts';
import { inTurn } from './sharp-gate.ts';
import { formatBytes } from './sizes.ts';

/** A file that is ready to be sent: the one that was given, or a smaller likeness of it. */
export interface FittedFile {
  readonly path: string;
  /** with the dot; empty where the kind is unknown and the path has none */
  readonly extension: string;
  readonly mediaType: string;
  readonly size: number;
  /** what was done, where something was: `shown as WebP, quality 90; the original is 31.2 MiB PNG` */
  readonly note?: string;
}

/*
 * WebP is the format of the ladder: at 95 the light and dark of photos is 1 to 3 dB nearer to the original than that of
 * JPEG 4:4:4, and that of drawings as near, in 0.4 to 0.8 of the bytes and three times the time. Its colour has half the
 * resolution: 2 to 5 dB farther, at about 50 dB, which nobody sees. Only where saturated colours meet in lines of a few
 * pixels is JPEG 95 the nearer one (39 to 24 dB on a worst case); a ladder that looked at every picture for that would
 * have to decode it once more. So JPEG 4:4:4 is for what WebP cannot hold: a strip of 20 000 × 1 500 stays as large as it
 * is, in half the time. Lossless WebP (16 s and 500 MB a picture) and AVIF (570 MB) cost too much for a picture nobody
 * asked to be converted.
 */
const FORMATS = {
  // A side has 14 bits: https://developers.google.com/speed/webp/faq
  webp: { name: 'WebP', extension: '.webp', mediaType: 'image/webp', longestSide: 16_383 },
  // JPEG_MAX_DIMENSION of libjpeg; the format itself has 35 more.
  jpeg: { name: 'JPEG', extension: '.jpg', mediaType: 'image/jpeg', longestSide: 65_500 },
} as const;

const LADDER: readonly { readonly quality: number; readonly scale: number }[] = [
  { quality: 95, scale: 1 },
  { quality: 90, scale: 1 },
  { quality: 80, scale: 1 },
  { quality: 80, scale: 3 / 4 },
  { quality: 80, scale: 1 / 2 },
  { quality: 80, scale: 1 / 3 },
  { quality: 80, scale: 1 / 4 },
  { quality: 80, scale: 1 / 8 },
];

/** The ladder for one picture. */
interface Step {
  readonly format: keyof typeof FORMATS;
  readonly quality: number;
  /** pixels of the longer side */
  readonly side: number;
  /** where it is when it has been made */
  readonly target: string;
}

interface Made {
  readonly width: number;
  readonly height: number;
  readonly size: number;
}

/**
 * Makes a picture fit into `limitBytes` with as little loss as it can; what it makes is written into `folder`, and what
 * an earlier call has made there for the same limit is used again. A file that fits is given back as it is, and waits
 * for nothing. `too-large`: it is no still picture, or nothing that could be shown would fit.
 * @param turn lets an encode begin
 */
export async function fitPicture(
  path: string,
  limitBytes: number,
  folder: string,
  turn: Gate = inTurn,
): Promise<FittedFile | 'too-large'> {
  const { kind, size } = await look(path);
  const extension = kind.extension || extname(path);
  if (size <= limitBytes) return { path, extension, mediaType: kind.mediaType, size };
  if (kind.format === undefined) return 'too-large';
  return turn(() => descend(path, limitBytes, folder, `the original is ${formatBytes(size)} ${nameOf(kind)}`));
}

async function descend(
  path: string,
  limitBytes: number,
  folder: string,
  original: string,
): Promise<FittedFile | 'too-large'> {
  const header = await sharp(path)
    .metadata()
    .catch(() => undefined);
  // One frame of an animation is not a smaller likeness of it.
  if (!header || (header.pages ?? 1) > 1 || (await moves(path))) return 'too-large';
  // The limit is in the name: which step is the highest that fits depends on it, so a file of another limit says nothing.
  const steps = stepsFor(header, join(folder, `${basename(path)}.fit-${limitBytes}`));
  for (const step of steps) {
    const made = await madeBefore(path, step);
    if (made) return fitted(step, made);
  }
  for (const step of steps) {
    const made = await make(path, step, limitBytes);
    if (made === 'broken') return 'too-large';
    if (made) return fitted(step, made);
  }
  return 'too-large';

  function fitted({ format, quality, target }: Step, { width, height, size }: Made): FittedFile {
    const { name, extension, mediaType } = FORMATS[format];
    const smaller = width === header?.autoOrient.width ? '' : `, made smaller to ${width} × ${height}`;
    const note = `shown as ${name}, quality ${quality}${smaller}; ${original}`;
    return { path: target, extension, mediaType, size, note };
  }
}

/** Chunks before the pixels; one that is broken is not read to its end. */
const MOST_CHUNKS = 1000;

/** The animations of which libvips only sees the first frame: AVIF by its brand, and PNG by its `acTL` chunk. */
async function moves(path: string): Promise<boolean> {
  await using file = await open(path);
  const { buffer: head } = await file.read(Buffer.alloc(12), 0, 12, 0);
  if (head.toString('latin1', 4) === 'ftypavis') return true;
  if (head.toString('latin1', 1, 4) !== 'PNG') return false;
  // After the signature: length, type, data and a checksum (https://www.w3.org/TR/png-3/#5Chunk-layout).
  for (let at = 8, chunks = 0; chunks < MOST_CHUNKS; chunks += 1) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, at);
    const type = buffer.toString('latin1', 4);
    if (type === 'acTL') return true;
    if (bytesRead < 8 || type === 'IDAT') return false;
    at += buffer.readUInt32BE(0) + 12;
  }
  return false;
}

function stepsFor({ autoOrient, hasAlpha }: Metadata, stem: string): Step[] {
  const steps = new Map<string, Step>();
  for (const { quality, scale } of LADDER) {
    const wanted = Math.max(1, Math.round(Math.max(autoOrient.width, autoOrient.height) * scale));
    const format = wanted > FORMATS.webp.longestSide && !hasAlpha ? 'jpeg' : 'webp';
    const side = Math.min(wanted, FORMATS[format].longestSide);
    const target = `${stem}.${format}${quality}-${side}${FORMATS[format].extension}`;
    // Where the format bounds the side, steps can be the same.
    if (!steps.has(target)) steps.set(target, { format, quality, side, target });
  }
  return [...steps.values()];
}

/** A file has its name only when it is whole and fits, so that it need not be asked anything but how large it is. */
async function madeBefore(path: string, { target }: Step): Promise<Made | undefined> {
  const [original, made] = await Promise.all([stat(path), stat(target).catch(() => undefined)]);
  if (!made || made.mtimeMs < original.mtimeMs) return undefined;
  const header = await sharp(target)
    .metadata()
    .catch(() => undefined);
  return header && { width: header.width, height: header.height, size: made.size };
}

/** `broken`: the picture cannot be decoded, and then no other step can do it either. `undefined`: it does not fit. */
async function make(path: string, step: Step, limitBytes: number): Promise<Made | 'broken' | undefined> {
  const { format, quality, side, target } = step;
  const unfinished = `${target}.${randomBytes(6).toString('hex')}.part`;
  const upright = sharp(path, { autoOrient: true }).resize({
    width: side,
    height: side,
    fit: 'inside',
    withoutEnlargement: true,
  });
  const encoder =
    format === 'webp' ? upright.webp({ quality, effort: 2 }) : upright.jpeg({ quality, chromaSubsampling: '4:4:4' });
  try {
    const made = await encoder.toFile(unfinished).catch(() => undefined);
    if (!made) return 'broken';
    if (made.size > limitBytes) return undefined;
    await flush(unfinished);
    await rename(unfinished, target);
    return made;
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** A name can reach the disk before the bytes do, and a file that is used again after a power cut must be whole. */
async function flush(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.sync();
}

async function look(path: string): Promise<{ kind: FileKind; size: number }> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
  const { size } = await file.stat();
  return { kind: kindOf(buffer.subarray(0, bytesRead)), size };
}

/** `a PNG picture` in a note is `PNG` */
function nameOf({ what }: FileKind): string {
  return what.replace(/^an? /, '').replace(/ picture$/, '');
}
