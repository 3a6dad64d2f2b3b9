import sharp, { type Sharp } from 'sharp';

import type { Style } from './words.ts';

interface Raw {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
}

/** Treats raw pixels as the style's words ask for; same size out. */
export async function applyStyle(pixels: Buffer, raw: Raw, style: Style): Promise<Buffer> {
  const picture = sharp(pixels, { raw });
  return treat(picture, style).toColourspace('srgb').removeAlpha().raw().toBuffer();
}

function treat(picture: Sharp, style: Style): Sharp {
  switch (style) {
    case 'photo':
      return picture.linear(1.05, -6);
    case 'phone':
      return picture.modulate({ saturation: 1.12, brightness: 1.03 }).sharpen({ sigma: 0.8 });
    case 'film':
      // Faded blacks, warm lights.
      return picture.modulate({ saturation: 0.72 }).linear([0.92, 0.86, 0.74], [24, 20, 22]);
    case 'noir':
      return picture.modulate({ saturation: 0 }).linear(1.35, -42);
    case 'watercolor':
      return picture.median(7).modulate({ saturation: 1.25, brightness: 1.1 }).linear(0.84, 38);
    case 'oil':
      return picture.median(9).modulate({ saturation: 1.3 }).sharpen({ sigma: 2 });
    case 'comic':
      return picture.median(5).modulate({ saturation: 1.5 }).sharpen({ sigma: 2.4, m2: 6 }).linear(1.15, -12);
    case 'pencil':
      return picture
        .modulate({ saturation: 0 })
        .convolve({ width: 3, height: 3, kernel: [-1, -1, -1, -1, 8, -1, -1, -1, -1], scale: 1 })
        .negate()
        .linear(1.1, -14);
  }
}
