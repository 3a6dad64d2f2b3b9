import { writeFile } from 'node:fs/promises';
import sharp from 'sharp';

/** Pixels of one side of the part that is repeated: large enough that a lossy encoder finds nothing to save in that. */
const TILE = 512;

/**
 * Something like a photo, the same every time: soft shading in every colour, hard edges and grain. It is drawn once and
 * laid side by side, because the largest picture here has 30 megapixels.
 * @param grain how far a value strays from its shading, of 255: more of it makes more bytes
 */
function photo(width: number, height: number, grain: number): Buffer {
  const tile = drawTile(grain);
  const row = Buffer.alloc(width * 3);
  const pixels = Buffer.allocUnsafe(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    const from = (y % TILE) * TILE * 3;
    const part = tile.subarray(from, from + TILE * 3);
    for (let at = 0; at < row.length; at += part.length) part.copy(row, at);
    row.copy(pixels, y * row.length);
  }
  return pixels;
}

/** Writes an opaque PNG that is not compressed, so that it takes three bytes a pixel on the disk and little time. */
export async function writePhoto(path: string, width: number, height: number, grain: number): Promise<void> {
  const pixels = photo(width, height, grain);
  await writeFile(
    path,
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 0 })
      .toBuffer(),
  );
}

function drawTile(grain: number): Buffer {
  const tile = Buffer.alloc(TILE * TILE * 3);
  let state = 1;
  for (let y = 0; y < TILE; y += 1) {
    for (let x = 0; x < TILE; x += 1) {
      const u = (x / TILE) * 2 * Math.PI;
      const v = (y / TILE) * 2 * Math.PI;
      const inside = (x - 180) ** 2 + (y - 200) ** 2 < 90 ** 2 || Math.abs(x - y) < 12;
      for (let channel = 0; channel < 3; channel += 1) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        const shading = 30 * Math.sin(u + channel) + 20 * Math.sin(3 * v + u) + 12 * Math.sin(7 * u - 5 * v + channel);
        const noise = ((state >>> 16) / 65_535 - 0.5) * 2 * grain;
        tile[(y * TILE + x) * 3 + channel] = Math.round(128 + shading + (inside ? 45 - 30 * channel : 0) + noise);
      }
    }
  }
  return tile;
}
