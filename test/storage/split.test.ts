import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StoredFile } from '../../src/recipes/recipe.ts';
import { HOW_TO_JOIN, splitFile } from '../../src/storage/split.ts';
import { callAndKill } from '../pictures/_killed.ts';

const run = promisify(execFile);

let folder: string;
let pieces: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-split-'));
  pieces = join(folder, 'pieces');
});
afterEach(() => rm(folder, { recursive: true }));

/** No two blocks of it are alike, so that a piece in the wrong place shows. */
async function store(name: string, size: number): Promise<{ path: string; bytes: Buffer }> {
  const bytes = Buffer.alloc(size);
  let state = size;
  for (let index = 0; index < size; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  const path = join(folder, name);
  await writeFile(path, bytes);
  return { path, bytes };
}

async function joined(parts: readonly StoredFile[]): Promise<Buffer> {
  return Buffer.concat(await Promise.all(parts.map(({ path }) => readFile(path))));
}

describe('the pieces of a file', () => {
  test.for([
    [300_000, 100_000, 3],
    [300_001, 100_000, 4],
    [299_999, 100_000, 3],
    [200_000, 65_536, 4],
    [999, 1, 999],
  ] as const)('%i bytes in pieces of %i are %i, which joined are the file', async ([size, pieceBytes, count]) => {
    const { path, bytes } = await store('scene.mp4', size);
    const parts = await splitFile(path, pieceBytes, pieces);
    expect(parts).toHaveLength(count);
    expect(parts.map(({ name }) => name).slice(0, 3)).toEqual(['scene.mp4.001', 'scene.mp4.002', 'scene.mp4.003']);
    for (const { path, name, size, mediaType } of parts) {
      expect(size).toBeLessThanOrEqual(pieceBytes);
      expect((await stat(path)).size).toBe(size);
      expect(basename(path)).toBe(name);
      expect(mediaType).toBe('application/octet-stream');
    }
    expect((await joined(parts)).equals(bytes)).toBe(true);
    expect((await readFile(path)).equals(bytes)).toBe(true);
  });

  test.skipIf(process.platform === 'win32')('are joined by the command that people are told', async () => {
    const { path, bytes } = await store('name', 150_000);
    const [first] = await splitFile(path, 10_000, pieces);
    const command = /`(cat [^`]+)`/.exec(HOW_TO_JOIN)?.[1] ?? 'none';
    const cwd = join(first?.path ?? '', '..');
    await run('sh', ['-c', command], { cwd });
    expect((await readFile(join(cwd, 'name'))).equals(bytes)).toBe(true);
  });

  test.for(['a b & c (1).png', '.hidden', 'no-extension', "it's $HOME;.webm", 'ばら-ü.gif', 'x.001', '-rf'])(
    'keep an odd name: %s',
    async (name) => {
      const { path, bytes } = await store(name, 25_000);
      const parts = await splitFile(path, 10_000, pieces);
      expect(parts.map((part) => part.name)).toEqual([`${name}.001`, `${name}.002`, `${name}.003`]);
      expect((await joined(parts)).equals(bytes)).toBe(true);
    },
  );

  test('are not more than can be joined', async () => {
    const { path } = await store('a.bin', 1000);
    await expect(splitFile(path, 1, pieces)).rejects.toThrow(/more than 999 pieces/);
    expect(await readdir(folder)).toEqual(['a.bin']);
  });

  test.for([0, -1, 0.5, Number.NaN])('have a size: %d is none', async (pieceBytes) => {
    const { path } = await store('a.bin', 10);
    await expect(splitFile(path, pieceBytes, pieces)).rejects.toThrow(RangeError);
  });
});

describe('a file that fits', () => {
  test.for([0, 1, 4999, 5000])('is given back as it is: %i of 5000 bytes', async (size) => {
    const { path } = await store('a.bin', size);
    expect(await splitFile(path, 5000, pieces)).toMatchObject([{ name: 'a.bin', path, size }]);
    expect(await readdir(folder)).toEqual(['a.bin']);
  });

  test('says what it is', async () => {
    const path = join(folder, 'a.bin');
    await writeFile(path, 'GIF89a and so on');
    expect(await splitFile(path, 5000, pieces)).toMatchObject([{ mediaType: 'image/gif', size: 16 }]);
  });
});

describe('after a restart', () => {
  test('whole pieces are used again, and what is missing or short is made', async () => {
    const { path, bytes } = await store('a.bin', 50_000);
    const before = await splitFile(path, 10_000, pieces);
    const numbers = () => Promise.all(before.map(async (part) => (await stat(part.path)).ino));
    const old = await numbers();
    await rm(before[1]?.path ?? '');
    await truncate(before[3]?.path ?? '', 9999);
    // What a process leaves that was ended in the middle of a piece.
    await writeFile(`${before[1]?.path}.0123456789ab.part`, 'half');
    const after = await splitFile(path, 10_000, pieces);
    expect(after).toEqual(before);
    expect((await joined(after)).equals(bytes)).toBe(true);
    const now = await numbers();
    expect([0, 2, 4].map((index) => now[index])).toEqual([0, 2, 4].map((index) => old[index]));
  });

  test('a process that was killed in the middle has left no half piece under a whole name', async () => {
    const { path, bytes } = await store('a.bin', 300_000);
    const folder = join(pieces, 'pieces-100000');
    await mkdir(folder, { recursive: true });
    const module = new URL('../../src/storage/split.ts', import.meta.url);
    expect(await callAndKill({ module, name: 'splitFile', folder }, path, 100_000, pieces)).toBe('SIGKILL');
    expect((await readdir(folder)).filter((name) => !name.endsWith('.part'))).toEqual([]);
    expect((await joined(await splitFile(path, 100_000, pieces))).equals(bytes)).toBe(true);
  });

  test('pieces of another size are not taken for these', async () => {
    const { path, bytes } = await store('a.bin', 30_000);
    await splitFile(path, 20_000, pieces);
    // Bytes 20000 to 30000 there, 10000 to 20000 here, and .002 both times.
    expect((await joined(await splitFile(path, 10_000, pieces))).equals(bytes)).toBe(true);
  });

  test('pieces of a file that has changed are made anew', async () => {
    const { path } = await store('a.bin', 30_000);
    const past = new Date(Date.now() - 60_000);
    for (const part of await splitFile(path, 10_000, pieces)) await utimes(part.path, past, past);
    const bytes = Buffer.alloc(30_000, 'new');
    await writeFile(path, bytes);
    expect((await joined(await splitFile(path, 10_000, pieces))).equals(bytes)).toBe(true);
  });
});

describe('a disk that does not do as it should', () => {
  test('leaves no half piece under a whole name', async () => {
    const { path } = await store('a.bin', 30_000);
    await mkdir(join(pieces, 'pieces-10000', 'a.bin.002'), { recursive: true });
    await expect(splitFile(path, 10_000, pieces)).rejects.toThrow(/EISDIR|ENOTEMPTY|EPERM/);
    expect((await readdir(join(pieces, 'pieces-10000'))).sort()).toEqual(['a.bin.001', 'a.bin.002']);
  });

  test('a file that is not there is an error', async () => {
    await expect(splitFile(join(folder, 'none'), 10, pieces)).rejects.toThrow(/ENOENT/);
  });
});
