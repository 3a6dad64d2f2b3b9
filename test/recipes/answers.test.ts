import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { complete } from '../../src/recipes/answers.ts';
import { readDefaultFiles } from '../../src/recipes/default-files.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { mp4Of } from '../pictures/_media.ts';

describe('a file that stands beside a recipe', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-answers-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is the answer to an option of its kind, and is told by what is in it', async () => {
    const paths = { clip: join(folder, 'a.mp4'), voice: join(folder, 'b.mp4') };
    await writeFile(paths.clip, mp4Of('vide', 'soun'));
    await writeFile(paths.voice, mp4Of('soun'));
    const common = { description: 'A file', parameters: ['1-inputs-file'] };
    const recipe = {
      name: 'test',
      description: 'A test',
      options: {
        clip: { ...common, kind: 'video', default: pathToFileURL(paths.clip) },
        voice: { ...common, kind: 'audio', default: pathToFileURL(paths.voice) },
        area: { ...common, kind: 'mask' },
      },
      outputs: { main: [] },
    } satisfies Recipe;
    expect(complete(recipe, {}, await readDefaultFiles([recipe]))).toEqual({
      clip: { name: 'a.mp4', mediaType: 'video/mp4', path: paths.clip, size: mp4Of('vide', 'soun').length },
      voice: { name: 'b.mp4', mediaType: 'audio/mp4', path: paths.voice, size: mp4Of('soun').length },
      area: undefined,
    });
  });
});
