import sharp, { type Metadata, type Sharp } from 'sharp';
import { UserError } from '../errors.ts';
import { kindOf, type FileKind, type PictureFormat } from './kind.ts';
import { inTurn } from './sharp-gate.ts';
import { formatBytes } from './sizes.ts';

export interface PictureLimits {
  readonly maxBytes: number;
  /** width times height of what was sent */
  readonly maxPixels: number;
}

/** A picture as the workflow gets it: upright, sRGB, without metadata, encoded by us from its pixels alone. */
export interface Picture {
  readonly mediaType: 'image/png' | 'image/jpeg';
  /** with the dot */
  readonly extension: '.png' | '.jpg';
  readonly width: number;
  readonly height: number;
  readonly bytes: Buffer;
  /** what was sent; width and height as it is seen, that is after turning it upright */
  readonly original: {
    readonly mediaType: string;
    readonly width: number;
    readonly height: number;
    /** how many */
    readonly bytes: number;
  };
  /** what is different from what was sent, a few words each: `turned upright` */
  readonly changes: readonly string[];
}

const ADVICE = 'Send a PNG, JPEG, WebP, GIF or AVIF picture.';
/** Longer than any honest picture within the limits takes on a small machine. */
const LONGEST_SECONDS = 30;

/**
 * Makes a picture that somebody sent safe and fit for a workflow. Throws a `UserError` that says what is wrong and what to
 * do; it speaks of "this file", so that the caller can put the option's name in front.
 * @param limits with the pixels of the longest side that the workflow can use
 */
export async function preparePicture(
  bytes: Uint8Array,
  limits: PictureLimits & { readonly maxSide: number },
): Promise<Picture> {
  return await examine(bytes, limits, (examined) => encode(examined, limits));
}

/** A picture whose type, bytes and pixels were checked; nothing of it was decoded yet. */
export interface ExaminedPicture {
  readonly bytes: Uint8Array;
  readonly kind: FileKind;
  readonly header: Metadata;
  /** its pixels, upright */
  open(): Sharp;
  /** Does what reads its pixels. @throws UserError where they cannot be read */
  unlessBroken<T>(work: () => Promise<T>): Promise<T>;
}

/** Checks a picture, and does something with it while it has its turn at sharp. @throws UserError as `preparePicture` */
export async function examine<T>(
  bytes: Uint8Array,
  limits: PictureLimits,
  work: (examined: ExaminedPicture) => Promise<T>,
): Promise<T> {
  if (bytes.length === 0) throw new UserError('This file is empty. Send it again, or another picture.');
  if (bytes.length > limits.maxBytes) throw tooLarge(formatBytes(bytes.length), limits.maxBytes, 'picture');
  const kind = kindOf(bytes);
  if (kind.format === undefined) throw new UserError(`This file is ${kind.what}, which cannot be used. ${ADVICE}`);
  const { format } = kind;
  return inTurn(async () => {
    const header = await readHeader(bytes, kind, format);
    checkPixels(header, limits);
    return await work({
      bytes,
      kind,
      header,
      open: () =>
        // `error` and not `warning`: phones write JPEGs that libjpeg warns about and that are whole all the same.
        sharp(bytes, { limitInputPixels: limits.maxPixels, failOn: 'error', autoOrient: true }).timeout({
          seconds: LONGEST_SECONDS,
        }),
      unlessBroken: (work) => unlessBroken(kind, work),
    });
  });
}

/** @param size in words */
export function tooLarge(size: string, maxBytes: number, what: 'picture' | 'file'): UserError {
  return new UserError(`This file has ${size}; at most ${formatBytes(maxBytes)} are taken. Send a smaller ${what}.`);
}

/** The header alone: sharp decodes no pixels for it, so that any claimed size is safe to look at. */
async function readHeader(bytes: Uint8Array, kind: FileKind, format: PictureFormat): Promise<Metadata> {
  const header = await unlessBroken(kind, () => sharp(bytes, { limitInputPixels: false }).metadata());
  if (header.format !== (format === 'avif' ? 'heif' : format)) throw broken(kind);
  return header;
}

function checkPixels({ width, height }: Metadata, { maxPixels }: PictureLimits): void {
  if (width * height <= maxPixels) return;
  throw new UserError(
    `This picture has ${width} × ${height} pixels, ${inMegapixels(width * height)} in all; at most ${inMegapixels(maxPixels)} are taken. Make it smaller and send it again.`,
  );
}

async function encode(
  { bytes, kind, header, open, unlessBroken }: ExaminedPicture,
  { maxSide }: { readonly maxSide: number },
): Promise<Picture> {
  const { format } = kind;
  const upright = open()
    .resize({ width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb');
  const lossless = format === 'png' || format === 'gif' || (format === 'webp' && isLosslessWebp(bytes));
  const asPng = lossless || header.hasAlpha;
  const encoded = asPng ? upright.png() : upright.jpeg({ quality: 95, chromaSubsampling: '4:4:4' });
  const { data, info } = await unlessBroken(() => encoded.toBuffer({ resolveWithObject: true }));
  const original = {
    mediaType: kind.mediaType,
    width: header.autoOrient.width,
    height: header.autoOrient.height,
    bytes: bytes.length,
  };
  return {
    ...(asPng
      ? ({ mediaType: 'image/png', extension: '.png' } as const)
      : ({ mediaType: 'image/jpeg', extension: '.jpg' } as const)),
    width: info.width,
    height: info.height,
    bytes: data,
    original,
    changes: changesOf(header, original, info),
  };
}

function changesOf(header: Metadata, original: Picture['original'], made: { width: number; height: number }): string[] {
  const changes: string[] = [];
  if ((header.pages ?? 1) > 1) changes.push('only the first frame is used');
  if ((header.orientation ?? 1) > 1) changes.push('turned upright');
  if (made.width !== original.width || made.height !== original.height) {
    changes.push(`made smaller, from ${original.width} × ${original.height} to ${made.width} × ${made.height}`);
  }
  const noted = header.exif ?? header.xmp ?? header.iptc ?? header.comments;
  if (noted) changes.push('place, camera and other notes removed');
  return changes;
}

/** A lossless WebP keeps its pixels in a `VP8L` chunk, a lossy one in `VP8 `; chunks are padded to even lengths. */
function isLosslessWebp(bytes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let offset = 12;
  while (offset + 8 <= file.length) {
    const type = file.toString('latin1', offset, offset + 4);
    if (type === 'VP8L') return true;
    if (type === 'VP8 ') return false;
    // A frame of an animation has 16 bytes of its own before the chunks of its picture.
    const inside = type === 'ANMF' ? 16 : file.readUInt32LE(offset + 4);
    offset += 8 + inside + (inside % 2);
  }
  return false;
}

/** What sharp says of a bad file is for programmers; it stays behind as the cause. */
async function unlessBroken<T>(kind: FileKind, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw broken(kind, { cause });
  }
}

function broken(kind: FileKind, options?: ErrorOptions): UserError {
  return new UserError(
    `This file begins like ${kind.what}, but it is broken or cut off. Save it anew and send it again, or send another.`,
    options,
  );
}

function inMegapixels(pixels: number): string {
  return `${(pixels / 1e6).toFixed(1)} megapixels`;
}
