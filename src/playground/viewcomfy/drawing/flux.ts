import sharp from 'sharp';

import type { Picture } from './picture.ts';

export interface FluxWish {
  readonly character: Buffer;
  readonly pose: Buffer | undefined;
  readonly prompt: string;
  readonly style: string;
  readonly scenes: readonly string[];
  readonly seed: number;
  readonly sheetSeed: number;
  readonly upscaleBy: number;
}

const SIZES: readonly (readonly [string, number, number])[] = [
  ['intermediate_image_7', 512, 512],
  ['intermediate_image_8', 512, 512],
  ['intermediate_image_9', 512, 512],
  ['intermediate_image_10', 512, 512],
  ['Image_1', 1280, 720],
  ['Image_3', 1280, 720],
  ['Image_2', 1280, 720],
  ['Image_4', 1280, 720],
  ['intermediate_image_1', 2560, 2560],
  ['base_character', 1280, 1280],
  ['intermediate_image _2', 800, 1000],
  ['intermediate_image_3', 890, 1000],
  ['intermediate_image_4', 817, 1000],
  ['intermediate_image_5', 500, 1000],
  ['intermediate_image_6', 512, 512],
];

/** @param scale 1 for the sizes of the real workflow */
export async function drawFlux(wish: FluxWish, scale: number, signal: AbortSignal): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for (const [prefix, width, height] of SIZES) {
    signal.throwIfAborted();
    const side = prefix === 'intermediate_image_1' ? [1280 * wish.upscaleBy, 1280 * wish.upscaleBy] : [width, height];
    const [w = 1, h = 1] = side.map((pixels) => Math.max(1, Math.round(pixels * scale)));
    const body = await sharp(wish.character).resize(w, h, { fit: 'cover', position: 'attention' }).png().toBuffer();
    pictures.push({ prefix, mediaType: 'image/png', body });
  }
  return pictures;
}

export async function drawPlain(files: readonly Buffer[], scale: number): Promise<Picture[]> {
  const [first] = files;
  const side = Math.max(1, Math.round(1024 * scale));
  const source = first
    ? sharp(first).rotate().resize(side, side, { fit: 'cover', position: 'attention' })
    : sharp({ create: { width: side, height: side, channels: 3, background: '#335' } });
  return [{ prefix: 'ComfyUI', mediaType: 'image/png', body: await source.png().toBuffer() }];
}
