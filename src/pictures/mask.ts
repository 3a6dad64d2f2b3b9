import sharp from 'sharp';
import { UserError } from '../errors.ts';
import { examine, type ExaminedPicture, type PictureLimits } from './prepare.ts';
import { inTurn } from './sharp-gate.ts';

/** Where a picture is to be changed: 255 where it may be, 0 where it stays as it is; a byte a pixel. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly pixels: Buffer;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A lossy encoder leaves black and white not quite so. */
const NEARLY = 16;

const ADVICE = 'Paint the part that may change white and the rest black, or erase that part, and send it again.';

/**
 * Reads a mask that somebody sent: white where the picture may change, or, where something in it is transparent,
 * transparent there. Throws `UserError`s as `preparePicture` does.
 * @param size what it is made as large as; as it is without one
 */
export async function readMask(bytes: Uint8Array, limits: PictureLimits, size?: Size): Promise<Mask> {
  return await examine(bytes, limits, async (picture) => {
    const mask = (await readErased(picture)) ?? (await readLight(picture));
    const { min, max } = await span(mask);
    if (max < NEARLY) throw new UserError(`Nothing in it is marked as what may change. ${ADVICE}`);
    if (min > 255 - NEARLY) throw new UserError(`All of it is marked as what may change. ${ADVICE}`);
    return size ? await resized(mask, size) : mask;
  });
}

/** undefined where nothing in it is transparent */
async function readErased({ header, open, unlessBroken }: ExaminedPicture): Promise<Mask | undefined> {
  if (!header.hasAlpha) return undefined;
  const { data, info } = await unlessBroken(() =>
    open().extractChannel('alpha').toColourspace('b-w').raw().toBuffer({ resolveWithObject: true }),
  );
  const alpha = { width: info.width, height: info.height, pixels: data };
  const { min } = await span(alpha);
  return min > 255 - NEARLY ? undefined : { ...alpha, pixels: await negative(alpha) };
}

async function readLight({ open, unlessBroken }: ExaminedPicture): Promise<Mask> {
  const { data, info } = await unlessBroken(() =>
    open().removeAlpha().toColourspace('b-w').raw().toBuffer({ resolveWithObject: true }),
  );
  return { width: info.width, height: info.height, pixels: data };
}

async function span(mask: Mask): Promise<{ min: number; max: number }> {
  const { channels } = await sharp(...raw(mask)).stats();
  const [{ min, max } = { min: 0, max: 0 }] = channels;
  return { min, max };
}

async function resized(mask: Mask, { width, height }: Size): Promise<Mask> {
  if (mask.width === width && mask.height === height) return mask;
  // The kernels that are sharper leave rings of what was not marked.
  const pixels = await sharp(...raw(mask))
    .resize({ width, height, fit: 'fill', kernel: 'linear' })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  return { width, height, pixels };
}

async function negative(mask: Mask): Promise<Buffer> {
  return await sharp(...raw(mask))
    .negate()
    .toColourspace('b-w')
    .raw()
    .toBuffer();
}

/** A mask as a PNG that `LoadImageMask` of ComfyUI takes: red, green and blue are the mask, its alpha is the opposite. */
export async function encodeMask(mask: Mask): Promise<Buffer> {
  return await inTurn(async () => {
    const [pixels, options] = raw(mask);
    return await sharp(pixels, options)
      .joinChannel([pixels, pixels, await negative(mask)], options)
      .png()
      .toBuffer();
  });
}

/**
 * A picture of our own, as a PNG with a mask of its size for its transparency, which `LoadImage` of ComfyUI takes for the
 * mask: its colours stay, also where nothing is to be seen of them any more.
 */
export async function withMask(picture: string, mask: Mask): Promise<Buffer> {
  return await inTurn(async () => {
    // By way of the pixels: sharp removes transparency later than it joins channels.
    const { data, info } = await sharp(picture, { autoOrient: true })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const [, options] = raw(mask);
    return await sharp(data, { raw: { width, height, channels } })
      .joinChannel([await negative(mask)], options)
      .png()
      .toBuffer();
  });
}

/** Width and height as the picture is seen. */
export async function sizeOfPicture(path: string): Promise<Size> {
  return await inTurn(async () => (await sharp(path).metadata()).autoOrient);
}

function raw({ width, height, pixels }: Mask) {
  return [pixels, { raw: { width, height, channels: 1 } }] as const;
}
