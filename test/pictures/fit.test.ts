import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Gate } from '../../src/gate.ts';
import { fitPicture, type FittedFile } from '../../src/pictures/fit.ts';
import { inTurn } from '../../src/pictures/sharp-gate.ts';
import { callAndKill } from './_killed.ts';
import { noise, quarters, pngChunk, withPngChunks } from './_samples.ts';

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

describe('a picture with a side that WebP does not have', () => {
  test('stays as large as it is, as JPEG with all of its colour', async () => {
    const bytes = await noise(17_000, 12).png().toBuffer();
    const path = await store('a.png', bytes);
    const result = fitted(await fitPicture(path, bytes.length - 1, folder));
    expect(result).toMatchObject({ extension: '.jpg', mediaType: 'image/jpeg' });
    expect(result.note).toMatch(/^shown as JPEG, quality 95; the original is/);
    const { width, format, chromaSubsampling } = await sharp(await readFile(result.path)).metadata();
    expect({ width, format, chromaSubsampling }).toEqual({ width: 17_000, format: 'jpeg', chromaSubsampling: '4:4:4' });
    // Three quarters of it are no more than WebP takes.
    const smaller = fitted(await fitPicture(path, result.size / 4, folder));
    expect(smaller.note).toMatch(/^shown as WebP, quality 80, made smaller to 12750 × 9;/);
  });

  test('becomes smaller when it is transparent, which JPEG cannot be', async () => {
    const bytes = await noise(17_000, 12).ensureAlpha(0.5).png().toBuffer();
    const result = fitted(await fitPicture(await store('a.png', bytes), bytes.length - 1, folder));
    expect(result.note).toMatch(/^shown as WebP, quality 95, made smaller to 16383 × 12;/);
    expect((await sharp(await readFile(result.path)).metadata()).hasAlpha).toBe(true);
  });
});

describe('the encodes', () => {
  test('wait for their turn, and a file that fits waits for nothing', async () => {
    const bytes = await noise(200, 150).png().toBuffer();
    const path = await store('a.png', bytes);
    const never: Gate = () => new Promise(() => {});
    expect(fitted(await fitPicture(path, bytes.length, folder, never)).path).toBe(path);
    let turns = 0;
    await fitPicture(path, bytes.length - 1, folder, (work) => {
      turns += 1;
      return work();
    });
    expect(turns).toBe(1);
  });

  test('are never more at once than there are cores, and always leave a thread of the pool', async () => {
    const bytes = await noise(200, 150).png().toBuffer();
    const paths = await Promise.all(['a.png', 'b.png'].map((name) => store(name, bytes)));
    const { promise: end, resolve } = Promise.withResolvers<void>();
    let inside = 0;
    const work = Array.from({ length: 12 }, () =>
      inTurn(() => {
        inside += 1;
        return end;
      }),
    );
    expect(inside).toBe(Math.min(availableParallelism(), 3));
    let ended = false;
    const waiting = fitPicture(paths[0] ?? '', bytes.length / 2, folder).then((result) => {
      ended = true;
      return result;
    });
    // The other one begins later, does the same and does not wait.
    expect(await fitPicture(paths[1] ?? '', bytes.length / 2, folder, (work) => work())).not.toBe('too-large');
    expect(ended).toBe(false);
    resolve();
    await Promise.all(work);
    expect(await waiting).not.toBe('too-large');
  });
});

describe('what was made before', () => {
  test('is used again for the same limit, whichever step it was', async () => {
    const bytes = await noise(400, 300).png().toBuffer();
    const path = await store('a.png', bytes);
    const limits = await Promise.all([sizeAt(bytes, 95), sizeAt(bytes, 80), sizeAt(bytes, 80, 200)]);
    const fit = () => Promise.all(limits.map(async (limit) => fitted(await fitPicture(path, limit, folder))));
    const first = await fit();
    const files = () => Promise.all(first.map(async (file) => (await stat(file.path)).ino));
    const made = await files();
    expect(new Set(made).size).toBe(3);
    expect(await fit()).toEqual(first);
    expect(await files()).toEqual(made);
  });

  test('does not keep a better one from being made for a larger limit', async () => {
    const bytes = await noise(400, 300).png().toBuffer();
    const path = await store('a.png', bytes);
    expect(fitted(await fitPicture(path, await sizeAt(bytes, 80), folder)).note).toMatch(/quality 80/);
    expect(fitted(await fitPicture(path, await sizeAt(bytes, 95), folder)).note).toMatch(/quality 95/);
  });

  test('is not used for a picture that has changed since', async () => {
    const bytes = await noise(400, 300).png().toBuffer();
    const path = await store('a.png', bytes);
    const { path: old } = fitted(await fitPicture(path, bytes.length - 1, folder));
    const past = new Date(Date.now() - 60_000);
    await utimes(old, past, past);
    await store('a.png', await noise(400, 300).rotate(90).png().toBuffer());
    const { path: now } = fitted(await fitPicture(path, bytes.length - 1, folder));
    expect((await sharp(await readFile(now)).metadata()).width).toBe(300);
  });

  test('of two pictures whose names differ in their ends does not meet', async () => {
    const bytes = await noise(400, 300).png().toBuffer();
    const other = await quarters(400, 300).jpeg({ quality: 100 }).toBuffer();
    const paths = [await store('a.png', bytes), await store('a.jpg', other)];
    const limit = other.length - 1;
    const both = await Promise.all(paths.map(async (path) => fitted(await fitPicture(path, limit, folder)).path));
    expect(new Set(both).size).toBe(2);
  });

  test('is whole, even when the process was killed in the middle', async () => {
    const bytes = await noise(1000, 800).png().toBuffer();
    const path = await store('a.png', bytes);
    const limit = bytes.length - 1;
    const module = new URL('../../src/pictures/fit.ts', import.meta.url);
    expect(await callAndKill({ module, name: 'fitPicture', folder }, path, limit, folder)).toBe('SIGKILL');
    expect((await readdir(folder)).filter((name) => !name.endsWith('.part'))).toEqual(['a.png']);
    const result = fitted(await fitPicture(path, limit, folder));
    expect(
      (
        await sharp(await readFile(result.path))
          .raw()
          .toBuffer()
      ).length,
    ).toBe(1000 * 800 * 3);
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
    const still = await noise(200, 200).png().toBuffer();
    const movingPng = withPngChunks(still, pngChunk('tEXt', Buffer.from('a\0b')), pngChunk('acTL', Buffer.alloc(8, 1)));
    const files = { 'a.mp4': video, 'a.webp': moving, 'a.png': broken, 'b.png': movingPng };
    const fits = Object.entries(files).map(async ([name, bytes]) => fitPicture(await store(name, bytes), 4000, folder));
    expect(await Promise.all(fits)).toEqual(['too-large', 'too-large', 'too-large', 'too-large']);
    expect((await readdir(folder)).sort()).toEqual(['a.mp4', 'a.png', 'a.webp', 'b.png']);
  });
});
