import { open, rm } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import sharp, { type Metadata } from 'sharp';
import { kindOf, SNIFFED_BYTES, type FileKind } from './kind.ts';
import { formatBytes } from './sizes.ts';
import { inTurn } from './sharp-gate.ts';

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

/** A WebP side has 14 bits: https://developers.google.com/speed/webp/faq */
const LONGEST_WEBP_SIDE = 16_383;

/*
 * From the measurements of the formats: at 95 WebP is nearer to the original than JPEG 95 4:4:4 and a fifth smaller, at
 * twice the time. Lossless WebP (16 s and 500 MB a picture) and AVIF (570 MB) cost too much for a picture nobody asked
 * to be converted.
 */
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

/**
 * Makes a picture fit into `limitBytes` with as little loss as it can; what it makes is written into `folder`. A file
 * that fits is given back as it is. `too-large`: it is no still picture, or nothing that could be shown would fit.
 */
export async function fitPicture(path: string, limitBytes: number, folder: string): Promise<FittedFile | 'too-large'> {
  const { kind, size } = await look(path);
  const extension = kind.extension || extname(path);
  if (size <= limitBytes) return { path, extension, mediaType: kind.mediaType, size };
  if (kind.format === undefined) return 'too-large';
  return inTurn(() => descend(path, limitBytes, folder, `the original is ${formatBytes(size)} ${nameOf(kind)}`));
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
  if (!header || (header.pages ?? 1) > 1) return 'too-large';
  const target = join(folder, `${basename(path, extname(path))}.fitted.webp`);
  for (const { quality, scale } of LADDER) {
    const step = await encode(path, target, header, quality, scale);
    if (step && step.size <= limitBytes) {
      const smaller = step.width === header.autoOrient.width ? '' : `, made smaller to ${step.width} × ${step.height}`;
      const note = `shown as WebP, quality ${quality}${smaller}; ${original}`;
      return { path: target, extension: '.webp', mediaType: 'image/webp', size: step.size, note };
    }
    await rm(target, { force: true });
    if (!step) return 'too-large';
  }
  return 'too-large';
}

/** `undefined` where the picture cannot be decoded: then no other step can either. */
async function encode(path: string, target: string, { autoOrient }: Metadata, quality: number, scale: number) {
  const side = Math.min(
    LONGEST_WEBP_SIDE,
    Math.max(1, Math.round(Math.max(autoOrient.width, autoOrient.height) * scale)),
  );
  return await sharp(path, { autoOrient: true })
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .webp({ quality, effort: 2 })
    .toFile(target)
    .catch(() => undefined);
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
