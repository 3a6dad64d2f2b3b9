import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepDefaultFiles, removeOldDefaults } from '../../src/recipes/default-files.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';

let folder: string;
let recipe: Recipe;
let source: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-defaults-'));
  source = join(folder, 'hum.wav');
  await writeFile(source, 'RIFF----WAVE one');
  recipe = {
    name: 'hum',
    description: 'Hums',
    options: { tune: { kind: 'audio', description: 'A tune', default: pathToFileURL(source), parameters: [] } },
    outputs: { main: [] },
  };
});
afterEach(() => rm(folder, { recursive: true }));

async function keepOne() {
  const [file] = [...(await keepDefaultFiles([recipe], folder)).values()];
  if (!file) throw new Error('no file was kept');
  return file;
}

describe('the file of an option', () => {
  it('is copied once for each content that it ever had, under its own name', async () => {
    const first = await keepOne();
    expect(first).toMatchObject({ name: 'hum.wav', mediaType: 'audio/wav', size: 16 });
    const { ino } = await stat(first.path);
    expect(await keepOne()).toEqual(first);
    expect((await stat(first.path)).ino).toBe(ino);
    await writeFile(source, 'RIFF----WAVE two');
    const second = await keepOne();
    expect(second.path).not.toBe(first.path);
    expect(await readFile(first.path, 'latin1')).toBe('RIFF----WAVE one');
    expect(await readFile(second.path, 'latin1')).toBe('RIFF----WAVE two');
  });

  it('is copied again where its copy is not whole', async () => {
    const { path } = await keepOne();
    await truncate(path, 3);
    await keepOne();
    expect(await readFile(path, 'latin1')).toBe('RIFF----WAVE one');
  });

  it('is removed when neither a recipe nor a job nor a form has it', async () => {
    const contents = ['one', 'two', 'end'];
    const paths: string[] = [];
    for (const content of contents) {
      await writeFile(source, `RIFF----WAVE ${content}`);
      paths.push((await keepOne()).path);
    }
    const [dropped = '', asked = '', current = ''] = paths.map((path) => basename(path));
    await writeFile(join(folder, 'defaults', `${dropped}.new`), 'half of i');
    const defaults = await keepDefaultFiles([recipe], folder);
    await removeOldDefaults({ hasFile: (name) => name === asked }, defaults, folder);
    expect((await readdir(join(folder, 'defaults'))).toSorted()).toEqual([asked, current].toSorted());
  });
});
