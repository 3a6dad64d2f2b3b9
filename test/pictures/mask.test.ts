import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { encodeMask, readMask, withMask } from '../../src/pictures/mask.ts';
import { halves, pngHeader, quarters } from './_samples.ts';

const LIMITS = { maxBytes: 8 * 1024 * 1024, maxPixels: 2_000_000 };

async function problemOf(bytes: Uint8Array): Promise<string> {
  const error: unknown = await readMask(bytes, LIMITS).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  return error instanceof UserError ? error.message : '';
}

/** One row of a PNG, its values as they are in the file. */
async function rowOf(file: Buffer) {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const pixel = (x: number) => [...data.subarray(x * info.channels, (x + 1) * info.channels)];
  return { pixel, width: info.width, height: info.height, channels: info.channels };
}

describe('a mask', () => {
  it.each([
    ['white on black', () => halves(8, 4, [0, 0, 0], [255, 255, 255]).png()],
    ['white on black, as JPEG', () => halves(64, 32, [0, 0, 0], [255, 255, 255]).jpeg({ quality: 60 })],
    ['white on black, in grey', () => halves(8, 4, [0], [255]).toColourspace('b-w').png()],
    ['white on black, of sixteen bits', () => halves(8, 4, [0, 0, 0], [255, 255, 255]).toColourspace('rgb16').png()],
    [
      'white on black, with transparency that nothing has',
      () => halves(8, 4, [0, 0, 0, 255], [255, 255, 255, 255]).png(),
    ],
    ['a part that was erased', () => halves(8, 4, [90, 10, 200, 255], [90, 10, 200, 0]).png()],
    ['a part that was erased, as WebP', () => halves(64, 32, [90, 10, 200, 255], [90, 10, 200, 0]).webp()],
    ['a part that was erased from white on black', () => halves(8, 4, [255, 255, 255, 255], [0, 0, 0, 0]).png()],
    ['a palette with transparency', () => halves(8, 4, [9, 9, 9, 255], [9, 9, 9, 0]).png({ palette: true })],
    ['sixteen bits with transparency', () => halves(8, 4, [9, 9, 9, 255], [9, 9, 9, 0]).toColourspace('rgb16').png()],
  ])('is read from %s', async (_what, draw) => {
    const mask = await readMask(await draw().toBuffer(), LIMITS);
    expect(mask.pixels).toHaveLength(mask.width * mask.height);
    expect(mask.pixels[1]).toBeLessThan(8);
    expect(mask.pixels[mask.width - 2]).toBeGreaterThan(247);
  });

  it('keeps what is between', async () => {
    const light = await readMask(await halves(8, 4, [0, 0, 0], [100, 100, 100]).png().toBuffer(), LIMITS);
    expect([light.pixels[0], light.pixels[7]]).toEqual([0, 100]);
    const erased = await readMask(await halves(8, 4, [1, 2, 3, 255], [1, 2, 3, 155]).png().toBuffer(), LIMITS);
    expect([erased.pixels[0], erased.pixels[7]]).toEqual([0, 100]);
  });

  it('is turned as it is seen', async () => {
    const sideways = await halves(60, 40, [0, 0, 0], [255, 255, 255])
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const { width, height, pixels } = await readMask(sideways, LIMITS);
    expect([width, height]).toEqual([40, 60]);
    expect([pixels[20], pixels.at(-20)]).toEqual([0, 255]);
  });

  it('is made as large as its picture', async () => {
    const small = await halves(8, 4, [0, 0, 0], [255, 255, 255]).png().toBuffer();
    const { width, height, pixels } = await readMask(small, LIMITS, { width: 300, height: 200 });
    expect([width, height, pixels.length]).toEqual([300, 200, 60_000]);
    expect([pixels[0], pixels[299]]).toEqual([0, 255]);
  });

  it('is pulled to the shape of its picture, so that nothing of it is cut off', async () => {
    const edge = Buffer.from(Array.from({ length: 4 }, () => [255, 0, 0, 0, 0, 0, 0, 0]).flat());
    const drawn = await sharp(edge, { raw: { width: 8, height: 4, channels: 1 } })
      .png()
      .toBuffer();
    for (const size of [
      { width: 40, height: 80 },
      { width: 400, height: 20 },
    ]) {
      const { width, pixels } = await readMask(drawn, LIMITS, size);
      expect([pixels[0], pixels[width / 2], pixels[width - 1]]).toEqual([255, 0, 0]);
    }
  });

  it('is a PNG that says the same in its colours and, upside down, in its transparency', async () => {
    const mask = await readMask(await halves(8, 4, [0, 0, 0], [100, 100, 100]).png().toBuffer(), LIMITS);
    const file = await encodeMask(mask);
    const { pixel, ...facts } = await rowOf(file);
    expect(facts).toEqual({ width: 8, height: 4, channels: 4 });
    expect([pixel(0), pixel(7)]).toEqual([
      [0, 0, 0, 255],
      [100, 100, 100, 155],
    ]);
    expect((await sharp(file).metadata()).format).toBe('png');
  });
});

describe('a mask that is none', () => {
  it.each([
    ['black', /^Nothing in it is marked/, () => halves(64, 64, [0, 0, 0], [3, 3, 3]).jpeg()],
    ['white', /^All of it is marked/, () => halves(64, 64, [255, 255, 255], [252, 252, 252]).jpeg()],
    ['all erased', /^All of it is marked/, () => halves(8, 8, [9, 9, 9, 0], [9, 9, 9, 0]).png()],
    ['a text', /^This file is a text file, which cannot be used/, undefined],
  ])('is told: %s', async (_what, sentence, draw) => {
    const bytes = draw ? await draw().toBuffer() : Buffer.from('no mask');
    const problem = await problemOf(bytes);
    expect(problem).toMatch(sentence);
    expect(problem).toMatch(/send|Send/);
  });

  it('is told when it is cut off', async () => {
    const whole = await quarters(200, 200).png().toBuffer();
    expect(await problemOf(whole.subarray(0, whole.length - 60))).toMatch(/broken or cut off/);
  });

  it('is not decoded when it claims too many pixels', async () => {
    const whole = await quarters(200, 200).png().toBuffer();
    const bomb = Buffer.concat([pngHeader(60_000, 60_000), whole.subarray(33)]);
    const began = process.memoryUsage().rss;
    expect(await problemOf(bomb)).toMatch(/60000 × 60000 pixels/);
    expect(process.memoryUsage().rss - began).toBeLessThan(100_000_000);
  });
});

describe('a picture with a mask', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-mask-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([
    ['without transparency', () => halves(8, 4, [10, 20, 30], [40, 50, 60])],
    ['with transparency of its own', () => halves(8, 4, [10, 20, 30, 128], [40, 50, 60, 255])],
  ])('%s keeps its colours, also where they are not to be seen', async (_what, draw) => {
    const path = join(folder, 'picture.png');
    await writeFile(path, await draw().png().toBuffer());
    const mask = await readMask(await halves(8, 4, [0, 0, 0], [255, 255, 255]).png().toBuffer(), LIMITS);
    const { pixel, ...facts } = await rowOf(await withMask(path, mask));
    expect(facts).toEqual({ width: 8, height: 4, channels: 4 });
    expect([pixel(0), pixel(7)]).toEqual([
      [10, 20, 30, 255],
      [40, 50, 60, 0],
    ]);
  });

  it('of grey is one of colours', async () => {
    const path = join(folder, 'grey.png');
    await writeFile(path, await halves(8, 4, [77], [99]).toColourspace('b-w').png().toBuffer());
    const mask = await readMask(await halves(8, 4, [0, 0, 0], [255, 255, 255]).png().toBuffer(), LIMITS);
    const { pixel } = await rowOf(await withMask(path, mask));
    expect([pixel(0), pixel(7)]).toEqual([
      [77, 77, 77, 255],
      [99, 99, 99, 0],
    ]);
  });
});
