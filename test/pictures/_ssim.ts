import sharp from 'sharp';

/** How light each pixel is, 0 to 255. */
export interface Luma {
  readonly width: number;
  readonly height: number;
  readonly values: Uint8Array;
}

/** (K1 L)² and (K2 L)² for values of 8 bits: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", 2004, 3.B. */
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;
const WINDOW = 8;
const STEP = 4;

/** Luma of BT.601. A picture of another size is brought to the one that is asked for, as a person who looks closer does. */
export async function lumaOf(file: string | Buffer, size?: { width: number; height: number }): Promise<Luma> {
  const picture = sharp(file, { autoOrient: true }).removeAlpha().toColourspace('srgb');
  const sized = size ? picture.resize(size.width, size.height, { fit: 'fill', kernel: 'lanczos3' }) : picture;
  const { data, info } = await sized.raw().toBuffer({ resolveWithObject: true });
  const values = new Uint8Array(info.width * info.height);
  for (let index = 0, from = 0; index < values.length; index += 1, from += info.channels) {
    const [r = 0, g = 0, b = 0] = [data[from], data[from + 1], data[from + 2]];
    values[index] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
  }
  return { width: info.width, height: info.height, values };
}

/** Structural similarity, the mean of windows of 8 × 8 pixels every 4 pixels: 1 for the same picture, less for others. */
export function ssim(a: Luma, b: Luma): number {
  if (a.width !== b.width || a.height !== b.height) throw new Error('pictures of two sizes');
  let sum = 0;
  let windows = 0;
  for (let top = 0; top + WINDOW <= a.height; top += STEP) {
    for (let left = 0; left + WINDOW <= a.width; left += STEP) {
      sum += ssimOfWindow(a, b, left, top);
      windows += 1;
    }
  }
  return sum / windows;
}

function ssimOfWindow({ width, values: xs }: Luma, { values: ys }: Luma, left: number, top: number): number {
  let [sumX, sumY, sumXX, sumYY, sumXY] = [0, 0, 0, 0, 0];
  for (let row = top; row < top + WINDOW; row += 1) {
    for (let at = row * width + left, end = at + WINDOW; at < end; at += 1) {
      const x = xs[at] ?? 0;
      const y = ys[at] ?? 0;
      sumX += x;
      sumY += y;
      sumXX += x * x;
      sumYY += y * y;
      sumXY += x * y;
    }
  }
  const count = WINDOW * WINDOW;
  const [meanX, meanY] = [sumX / count, sumY / count];
  const varianceX = (sumXX - sumX * meanX) / (count - 1);
  const varianceY = (sumYY - sumY * meanY) / (count - 1);
  const covariance = (sumXY - sumX * meanY) / (count - 1);
  return (
    ((2 * meanX * meanY + C1) * (2 * covariance + C2)) / ((meanX ** 2 + meanY ** 2 + C1) * (varianceX + varianceY + C2))
  );
}
