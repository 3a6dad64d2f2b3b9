import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { createFileKeeper, type GivenFile } from '../../src/recipes/given-files.ts';
import type { MediaOption } from '../../src/recipes/recipe.ts';
import { mp4, mp4Of } from '../pictures/_media.ts';

const MB = 1024 * 1024;
const VIDEO = { kind: 'video', description: 'A film', parameters: [] } satisfies MediaOption;
const SOUND = { ...VIDEO, kind: 'audio' } satisfies MediaOption;

const keeper = createFileKeeper({ pictures: { maxBytes: MB, maxPixels: 1_000_000 }, media: { maxBytes: 200 * MB } });

describe('a film on its way to the disk', () => {
  let folder: string;
  let left: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-given-'));
    left = 0;
  });
  afterEach(() => rm(folder, { recursive: true }));

  function keep(open: () => AsyncGenerator<Uint8Array>, option: MediaOption = VIDEO) {
    async function* counted() {
      try {
        yield* open();
      } finally {
        left += 1;
      }
    }
    const file: GivenFile = { name: 'film.mp4', open: counted };
    return keeper.keepMedia(file, option, { option: 'clip', folder: () => Promise.resolve(folder) });
  }

  it('is on the disk, piece by piece, before more of it is asked for', async () => {
    const written: number[] = [];
    const stored = await keep(async function* () {
      yield mp4(MB);
      for (let count = 1; count < 100; count += 1) {
        yield Buffer.alloc(MB);
        written.push((await stat(join(folder, 'clip.part'))).size / MB);
      }
    });
    expect(written).toEqual(Array.from({ length: 99 }, (_, index) => index + 2));
    expect(stored.size).toBe(100 * MB);
    expect((await stat(stored.path)).size).toBe(100 * MB);
  });

  it('that breaks off leaves nothing, and nothing is held that brought it', async () => {
    const broken = keep(async function* () {
      yield mp4(MB);
      throw new UserError('It did not come.');
    });
    await expect(broken).rejects.toThrow('It did not come.');
    await expect(readdir(folder)).resolves.toEqual([]);
    expect(left).toBe(1);
  });

  it('that turns out to be none leaves nothing', async () => {
    const wrong = keep(async function* () {
      yield mp4Of('vide');
    }, SOUND);
    await expect(wrong).rejects.toThrow('This file is an MP4 video, which is no sound.');
    await expect(readdir(folder)).resolves.toEqual([]);
    expect(left).toBe(1);
  });

  it('waits for its turn behind four others, and takes it when one of them breaks off', async () => {
    const ends: (() => void)[] = [];
    const films = Array.from({ length: 6 }, (_, index) =>
      keep(async function* () {
        await new Promise<void>((resolve) => (ends[index] = resolve));
        yield* [];
        throw new UserError(`Film ${index} did not come.`);
      }),
    );
    const ended = Promise.allSettled(films);
    await expect.poll(() => ends.length).toBe(4);
    ends[2]?.();
    await expect(films[2]).rejects.toThrow('Film 2');
    await expect.poll(() => ends.length).toBe(5);
    ends[0]?.();
    await expect.poll(() => ends.length).toBe(6);
    for (const end of ends) end();
    await expect(ended).resolves.toHaveLength(6);
    expect(left).toBe(6);
  });
});
