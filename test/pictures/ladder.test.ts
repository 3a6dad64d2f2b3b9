import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fitPicture } from '../../src/pictures/fit.ts';
import { writePhoto } from './_photo.ts';
import { lumaOf, ssim, type Luma } from './_ssim.ts';

const MIB = 1024 * 1024;
const LIMITS = [8, 10, 20];

/** Each with the grain that has it use another part of the ladder. */
const PICTURES = [
  { mb: 1, width: 660, height: 505, grain: 25 },
  { mb: 9, width: 2000, height: 1500, grain: 25 },
  { mb: 12, width: 2300, height: 1740, grain: 160 },
  { mb: 30, width: 4000, height: 2500, grain: 100 },
  { mb: 90, width: 6708, height: 4472, grain: 28 },
] as const;

/**
 * What the ladder is, written down again, with how alike a picture has to be at each step. The pictures have more grain
 * than any that is worth looking at, and grain is what the lower steps drop.
 */
const STEPS = [
  { quality: 95, scale: 1, leastSsim: 0.98 },
  { quality: 90, scale: 1, leastSsim: 0.97 },
  { quality: 80, scale: 1, leastSsim: 0.9 },
  { quality: 80, scale: 3 / 4, leastSsim: 0.45 },
  { quality: 80, scale: 1 / 2, leastSsim: 0.3 },
] as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-ladder-'));
});
afterAll(() => rm(folder, { recursive: true }));

const rows = [rowOf('on disk', 'limit', 'sent as', 'SSIM', 'the step above')];
afterAll(() => {
  process.stdout.write(`\n${rows.join('\n')}\n\n`);
});

function rowOf(...cells: readonly string[]): string {
  return cells
    .map((cell) => cell.padEnd(18))
    .join('')
    .trimEnd();
}

describe('the highest step that fits', () => {
  test.for(PICTURES)(
    'is what a picture of $mb MB is sent as',
    { timeout: 180_000 },
    async ({ mb, width, height, grain }) => {
      const path = join(folder, `${mb}.png`);
      await writePhoto(path, width, height, grain);
      const bytes = (await stat(path)).size;
      expect(bytes / 1e6).toBeCloseTo(mb, 0);
      const original: Luma = await lumaOf(path);
      const sizes = new Map<number, Promise<number>>();
      rows.push(...(await Promise.all(LIMITS.map((limit) => check(limit)))));
      await rm(path);

      async function check(limit: number): Promise<string> {
        const result = await fitPicture(path, limit * MIB, folder);
        if (result === 'too-large') throw new Error('nothing fitted');
        expect((await stat(result.path)).size).toBe(result.size);
        expect(result.size).toBeLessThanOrEqual(limit * MIB);
        const onDisk = `${(bytes / MIB).toFixed(1)} MiB`;
        const fits = bytes <= limit * MIB;
        expect([result.path === path, result.note === undefined]).toEqual([fits, fits]);
        if (fits) return rowOf(onDisk, `${limit} MiB`, 'the original', '1');
        const made = await sharp(result.path).metadata();
        const index = STEPS.findIndex(
          ({ quality, scale }) =>
            result.note?.startsWith(`shown as WebP, quality ${quality}`) && made.width === Math.round(width * scale),
        );
        const step = STEPS[index];
        if (!step) throw new Error(`no step of the ladder: ${result.note}`);
        const above = index === 0 ? bytes : await sizeAt(index - 1);
        expect(above).toBeGreaterThan(limit * MIB);
        const likeness = ssim(original, await lumaOf(result.path, original));
        expect(likeness).toBeGreaterThanOrEqual(step.leastSsim);
        const name = `WebP ${step.quality}, ${made.width} px`;
        await rm(result.path);
        return rowOf(onDisk, `${limit} MiB`, name, likeness.toFixed(4), `${(above / MIB).toFixed(1)} MiB`);
      }

      /** Bytes that a step makes, found without the ladder, and once for all limits. */
      function sizeAt(index: number): Promise<number> {
        const { quality, scale } = STEPS[index] ?? STEPS[0];
        const known = sizes.get(index);
        if (known) return known;
        const found = sharp(path)
          .resize(Math.round(width * scale))
          .webp({ quality, effort: 2 })
          .toBuffer()
          .then(({ length }) => length);
        sizes.set(index, found);
        return found;
      }
    },
  );
});

describe('the measure of likeness', () => {
  const flat = (value: number): Luma => ({ width: 64, height: 64, values: new Uint8Array(64 * 64).fill(value) });

  test('is 1 for a picture and itself, and the same both ways', async () => {
    const path = join(folder, 'itself.png');
    await writePhoto(path, 256, 200, 20);
    const one = await lumaOf(path);
    const other = await lumaOf(await sharp(path).blur(1).png().toBuffer());
    expect(ssim(one, one)).toBe(1);
    expect(ssim(one, other)).toBeLessThan(1);
    expect(ssim(one, other)).toBeCloseTo(ssim(other, one), 12);
  });

  test('of two flat pictures is what their lightness alone makes it', () => {
    // Without variance only (2ab + C1) / (a² + b² + C1) remains.
    expect(ssim(flat(100), flat(150))).toBeCloseTo((2 * 100 * 150 + 6.5025) / (100 ** 2 + 150 ** 2 + 6.5025), 12);
    expect(ssim(flat(0), flat(255))).toBeCloseTo(6.5025 / (255 ** 2 + 6.5025), 12);
  });

  test('falls with every bit of noise, and is negative for a negative', () => {
    const values = Uint8Array.from({ length: 64 * 64 }, (_, index) => 128 + 60 * Math.sin(index / 3));
    const wave: Luma = { width: 64, height: 64, values };
    const noisy = (amount: number) => {
      let state = 7;
      return {
        ...wave,
        values: values.map((value) => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          return value + ((state >>> 16) / 65_535 - 0.5) * amount;
        }),
      };
    };
    const likenesses = [0, 10, 30, 60, 120].map((amount) => ssim(wave, noisy(amount)));
    expect(likenesses).toEqual(likenesses.toSorted((a, b) => b - a));
    expect(new Set(likenesses).size).toBe(5);
    expect(ssim(wave, { ...wave, values: values.map((value) => 255 - value) })).toBeLessThan(-0.5);
  });
});
