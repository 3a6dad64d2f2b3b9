import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stripPngText } from '../../src/pictures/png-text.ts';
import { callAndKill } from './_killed.ts';
import { noise, pngChunk, quarters, withPngChunks } from './_samples.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-png-'));
  path = join(folder, 'Image_1_00001_.png');
});
afterEach(() => rm(folder, { recursive: true }));

/** Larger than one block of a file stream, so that chunks lie across the blocks. */
const WORKFLOW = Buffer.from(`workflow\0${'{"secret-node":1}'.repeat(10_000)}`);

describe('the texts of a PNG', () => {
  test.for(['tEXt', 'zTXt', 'iTXt', 'comf', 'eXIf'])(
    'a %s chunk is taken out, and the rest stays to the byte',
    async (type) => {
      const clean = await noise(500, 400).png().toBuffer();
      await writeFile(path, withPngChunks(clean, pngChunk(type, WORKFLOW), pngChunk(type, Buffer.from('a\0b'))));
      expect(await stripPngText(path)).toBe(clean.length);
      expect((await readFile(path)).equals(clean)).toBe(true);
      expect(await readdir(folder)).toEqual(['Image_1_00001_.png']);
    },
  );

  test('other chunks and the pixels stay', async () => {
    const density = pngChunk('gAMA', Buffer.from([0, 0, 0xb1, 0x8f]));
    const picture = withPngChunks(await quarters(300, 200).png().toBuffer(), density);
    const before = await sharp(picture).raw().toBuffer();
    await writeFile(path, withPngChunks(picture, pngChunk('tEXt', WORKFLOW)));
    await stripPngText(path);
    const after = await readFile(path);
    expect(after.includes('gAMA')).toBe(true);
    expect((await sharp(after).raw().toBuffer()).equals(before)).toBe(true);
  });

  test('what follows the end of the picture goes too', async () => {
    const clean = await quarters(300, 200).png().toBuffer();
    await writeFile(path, Buffer.concat([clean, Buffer.alloc(200_000, 'hidden')]));
    expect(await stripPngText(path)).toBe(clean.length);
    expect((await readFile(path)).equals(clean)).toBe(true);
  });

  test('a file that has none is not written again', async () => {
    const clean = await noise(500, 400).png().toBuffer();
    await writeFile(path, withPngChunks(clean, pngChunk('tEXt', WORKFLOW)));
    expect(await stripPngText(path)).toBe(clean.length);
    const { ino, mtimeMs } = await stat(path);
    expect(await stripPngText(path)).toBe(clean.length);
    expect(await stat(path)).toMatchObject({ ino, mtimeMs });
    expect(await readdir(folder)).toEqual(['Image_1_00001_.png']);
  });

  test('are taken out once when it is asked for many times at once', async () => {
    const clean = await noise(500, 400).png().toBuffer();
    await writeFile(path, withPngChunks(clean, pngChunk('tEXt', WORKFLOW)));
    const sizes = await Promise.all(Array.from({ length: 8 }, () => stripPngText(path)));
    expect(new Set(sizes)).toEqual(new Set([clean.length]));
    expect((await readFile(path)).equals(clean)).toBe(true);
    expect(await readdir(folder)).toEqual(['Image_1_00001_.png']);
  });

  test("what another process has left half done is in nobody's way", async () => {
    const clean = await noise(500, 400).png().toBuffer();
    const dirty = withPngChunks(clean, pngChunk('tEXt', WORKFLOW));
    await writeFile(path, dirty);
    await writeFile(`${path}.0123456789ab.part`, dirty.subarray(0, 1000));
    expect(await stripPngText(path)).toBe(clean.length);
    expect((await readFile(path)).equals(clean)).toBe(true);
  });

  test('a process that is killed in the middle leaves the file as it was', async () => {
    const picture = await noise(1000, 800).png().toBuffer();
    const dirty = withPngChunks(picture, pngChunk('tEXt', WORKFLOW));
    await writeFile(path, dirty);
    const module = new URL('../../src/pictures/png-text.ts', import.meta.url);
    expect(await callAndKill({ module, name: 'stripPngText', folder }, path)).toBe('SIGKILL');
    expect((await readFile(path)).equals(dirty)).toBe(true);
    expect(await stripPngText(path)).toBe(picture.length);
  });

  test.for([
    ['cut off', async () => (await noise(300, 200).png().toBuffer()).subarray(0, -20)],
    ['a JPEG', async () => await quarters(300, 200).jpeg().toBuffer()],
    ['shorter than a signature', async () => Buffer.from('\x89PNG', 'latin1')],
    ['empty', async () => Buffer.alloc(0)],
    [
      'lying about a length',
      async () =>
        Buffer.concat([
          (await quarters(99, 99).png().toBuffer()).subarray(0, 33),
          Buffer.from('\xff\xff\xff\xfftEXt', 'latin1'),
        ]),
    ],
  ] as const)('a file that is %s stays as it is', async ([, make]) => {
    const bytes = await make();
    await writeFile(path, bytes);
    expect(await stripPngText(path)).toBe(bytes.length);
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect(await readdir(folder)).toEqual(['Image_1_00001_.png']);
  });

  test('a file that is not there is an error', async () => {
    await expect(stripPngText(join(folder, 'none.png'))).rejects.toThrow(/ENOENT/);
  });
});
