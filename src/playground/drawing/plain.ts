import sharp from 'sharp';

import { captionSvg } from './caption.ts';
import type { Picture } from './picture.ts';
import { createRandom, n, repeat } from './random.ts';
import { MAX_PIXELS } from './subject.ts';

const SIDE = 1024;

/**
 * One picture for a workflow this server knows nothing of: the files that were sent, side by side, or a pattern where
 * there are none. The words and numbers decide its colours.
 * @param pictures files that are pictures
 */
export async function drawPlain(pictures: readonly Buffer[], params: string, scale: number): Promise<Picture[]> {
  const side = sideOf(scale);
  const shown = pictures.slice(0, 4);
  const width = Math.floor((side * 0.92) / Math.max(1, shown.length));
  const layers = await Promise.all(
    shown.map(async (picture, index) => ({
      input: await sharp(picture, { limitInputPixels: MAX_PIXELS })
        .rotate()
        .resize(Math.max(1, width - 4), Math.round(side * 0.84), { fit: 'cover', position: 'attention' })
        .png({ compressionLevel: 1 })
        .toBuffer(),
      left: Math.round(side * 0.04) + index * width + 2,
      top: Math.round(side * 0.05),
    })),
  );
  const body = await sharp(patternSvg(params, side))
    .composite([...layers, { input: captionSvg(side, side) }])
    .removeAlpha()
    .png({ compressionLevel: 2 })
    .toBuffer();
  return [{ prefix: 'ComfyUI', mediaType: 'image/png', body }];
}

/** A pattern in place of a picture, with nothing written on it. */
export async function drawPattern(params: string, scale: number): Promise<Buffer> {
  return await sharp(patternSvg(params, sideOf(scale)))
    .removeAlpha()
    .png({ compressionLevel: 1 })
    .toBuffer();
}

function sideOf(scale: number): number {
  return Math.max(16, Math.round(SIDE * scale));
}

function patternSvg(params: string, side: number): Buffer {
  const random = createRandom(params);
  const hue = random.between(0, 360);
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 100 100"><rect width="100" height="100" fill="hsl(${n(hue)} 40% 30%)"/>${repeat(
      24,
      () =>
        `<circle cx="${n(random() * 100)}" cy="${n(random() * 100)}" r="${n(random.between(4, 26))}" fill="hsl(${n(hue + random.between(-50, 50))} 60% 60%)" opacity="0.3"/>`,
    )}</svg>`,
  );
}
