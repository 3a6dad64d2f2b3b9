import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fitPicture, type FittedFile } from '../../src/pictures/fit.ts';
import { noise, quarters } from './_samples.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-fit-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function store(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** The size that a step of the ladder gives, found without the ladder. */
async function sizeAt(bytes: Buffer, quality: number, side?: number): Promise<number> {
  return (await sharp(bytes).resize(side).webp({ quality, effort: 2 }).toBuffer()).length;
}

function fitted(result: FittedFile | 'too-large'): FittedFile {
  if (result === 'too-large') throw new Error('nothing fitted');
  return result;
}

describe('a picture on its way out', () => {
  test('is given back as it is when it fits, to the byte', async () => {
    const bytes = await quarters(300, 200).png().toBuffer();
    const path = await store('Image_1_00001_.png', bytes);
    expect(await fitPicture(path, bytes.length, folder)).toEqual({
      path,
      extension: '.png',
      mediaType: 'image/png',
      size: bytes.length,
    });
    expect(await readdir(folder)).toEqual(['Image_1_00001_.png']);
  });

  test.for([95, 90, 80])('takes the step of quality %i when it is the highest that fits', async (quality) => {
    const bytes = await noise(400, 300).png().toBuffer();
    const limit = await sizeAt(bytes, quality);
    const result = fitted(await fitPicture(await store('a.png', bytes), limit, folder));
    expect(result).toMatchObject({ extension: '.webp', mediaType: 'image/webp', size: limit });
    expect(result.note).toBe(`shown as WebP, quality ${quality}; the original is 353 KiB PNG`);
    expect((await stat(result.path)).size).toBe(limit);
    expect((await sharp(await readFile(result.path)).metadata()).width).toBe(400);
  });

  test('becomes smaller when no quality is low enough', async () => {
    const bytes = await noise(400, 300).png().toBuffer();
    const limit = await sizeAt(bytes, 80, 200);
    const result = fitted(await fitPicture(await store('a.png', bytes), limit, folder));
    expect(result.note).toBe('shown as WebP, quality 80, made smaller to 200 × 150; the original is 353 KiB PNG');
    expect(result.size).toBeLessThanOrEqual(limit);
  });

  test('leaves nothing behind when nothing fits', async () => {
    const path = await store('a.png', await noise(400, 300).png().toBuffer());
    expect(await fitPicture(path, 200, folder)).toBe('too-large');
    expect(await readdir(folder)).toEqual(['a.png']);
  });

  test('keeps its transparency and its way up', async () => {
    const bytes = await noise(200, 100).ensureAlpha(0.5).withMetadata({ orientation: 6 }).png().toBuffer();
    const result = fitted(await fitPicture(await store('a.png', bytes), bytes.length - 1, folder));
    const { width, height, hasAlpha } = await sharp(await readFile(result.path)).metadata();
    expect({ width, height, hasAlpha }).toEqual({ width: 100, height: 200, hasAlpha: true });
  });

  test('takes its turn: many at once all end', async () => {
    const bytes = await noise(200, 150).png().toBuffer();
    const paths = await Promise.all(Array.from({ length: 9 }, (_, index) => store(`${index}.png`, bytes)));
    const results = await Promise.all(paths.map((path) => fitPicture(path, bytes.length / 2, folder)));
    expect(new Set(results.map((result) => fitted(result).path)).size).toBe(9);
  });
});

describe('what is no still picture', () => {
  test('is given back when it fits', async () => {
    const path = await store('layers.psd', Buffer.from('8BPS\0\x01 and so on', 'latin1'));
    expect(await fitPicture(path, 100, folder)).toMatchObject({ path, extension: '.psd', size: 16 });
    const other = await store('notes.xyz', Buffer.from([0, 1, 2]));
    expect(await fitPicture(other, 100, folder)).toMatchObject({
      extension: '.xyz',
      mediaType: 'application/octet-stream',
    });
  });

  test('is too large when it does not: a video, an animation, a broken picture', async () => {
    const video = Buffer.concat([Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isommp42', 'latin1'), Buffer.alloc(5000)]);
    const frames = await Promise.all([quarters(200, 200).png().toBuffer(), noise(200, 200).png().toBuffer()]);
    const moving = await sharp(frames, { join: { animated: true } })
      .webp()
      .toBuffer();
    const broken = (await noise(200, 200).png().toBuffer()).subarray(0, 50_000);
    const files = { 'a.mp4': video, 'a.webp': moving, 'a.png': broken };
    const fits = Object.entries(files).map(async ([name, bytes]) => fitPicture(await store(name, bytes), 4000, folder));
    expect(await Promise.all(fits)).toEqual(['too-large', 'too-large', 'too-large']);
    expect((await readdir(folder)).sort()).toEqual(['a.mp4', 'a.png', 'a.webp']);
  });
});
