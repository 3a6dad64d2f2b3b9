import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

/** A picture with something in every corner, so that turning and cropping show: red, green, blue and white quarters. */
export function quarters(width: number, height: number): Sharp {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [r, g, b] = cornerColour(x < width / 2, y < height / 2);
      pixels.set([r, g, b], (y * width + x) * 3);
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

function cornerColour(left: boolean, top: boolean): [number, number, number] {
  if (top) return left ? [230, 20, 20] : [20, 200, 20];
  return left ? [20, 20, 230] : [250, 250, 250];
}

/** A picture that is one value on its left half and another on its right one. */
export function halves(width: number, height: number, left: readonly number[], right: readonly number[]): Sharp {
  const row = Array.from({ length: width }, (_, x) => (x < width / 2 ? left : right)).flat();
  const pixels = Buffer.from(Array.from({ length: height }, () => row).flat());
  const channels = left.length === 4 ? 4 : left.length === 3 ? 3 : 1;
  return sharp(pixels, { raw: { width, height, channels } });
}

/** Noise compresses badly, which is what a test of sizes needs. The same every time. */
export function noise(width: number, height: number): Sharp {
  const pixels = Buffer.alloc(width * height * 3);
  let state = 1;
  for (let index = 0; index < pixels.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    pixels[index] = state >>> 24;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** The colour of one pixel, at fractions of width and height. */
export async function pixelAt(file: Buffer, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const offset = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * info.channels;
  return [...data.subarray(offset, offset + 3)];
}

export function isNear(colour: readonly number[], wanted: readonly number[]): boolean {
  return colour.every((value, index) => Math.abs(value - (wanted[index] ?? Number.NaN)) < 30);
}

/** One PNG chunk, whatever is in it. */
export function pngChunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, sum]);
}

const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** Puts chunks behind the header of a PNG file. */
export function withPngChunks(file: Buffer, ...chunks: Buffer[]): Buffer {
  const afterHeader = PNG_SIGNATURE.length + 4 + 4 + 13 + 4;
  return Buffer.concat([file.subarray(0, afterHeader), ...chunks, file.subarray(afterHeader)]);
}

export function pngHeader(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([PNG_SIGNATURE, pngChunk('IHDR', header)]);
}
