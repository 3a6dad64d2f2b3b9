import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandOf, loadRecipes } from '../src/commands.ts';

const valid = {
  name: 'echo',
  description: 'Echo',
  options: { words: { kind: 'text', description: 'Words', required: true, parameters: ['1-inputs-text'] } },
  outputs: { main: [] },
};

const choices = Object.fromEntries(Array.from({ length: 26 }, (_, index) => [`mood ${index}`, String(index)]));

describe('the commands of this repository', () => {
  it('load, and make a command with the required options first and `private` last', async () => {
    const recipes = await loadRecipes(fileURLToPath(new URL('../commands', import.meta.url)));
    const character = recipes.get('character');
    if (!character) throw new Error('there is no /character');
    const { options = [] } = commandOf(character);
    expect(options.map(({ name, required }) => [name, required ?? false])).toEqual([
      ['prompt', true],
      ['character', true],
      ['pose', false],
      ['scene1', false],
      ['scene2', false],
      ['scene3', false],
      ['scene4', false],
      ['style', false],
      ['upscale', false],
      ['seed', false],
      ['private', false],
    ]);
  });
});

describe('a recipe file', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-commands-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function load(recipe: unknown): Promise<unknown> {
    await writeFile(join(folder, 'echo.ts'), `export default ${JSON.stringify(recipe)};`);
    return await loadRecipes(folder);
  }

  it('that is right is loaded', async () => {
    await expect(load(valid)).resolves.toHaveLength(1);
  });

  it.each([
    [
      'a description too long for Discord',
      { ...valid, description: 'x'.repeat(101) },
      /echo\.ts: description is longer/,
    ],
    ['a name that Discord refuses', { ...valid, name: 'Echo Two' }, /echo\.ts: name must be/],
    [
      'an unknown kind of option',
      { ...valid, options: { words: { ...valid.options.words, kind: 'sound' } } },
      /echo\.ts: options\.words\.kind/,
    ],
    [
      'a parameter that is none',
      { ...valid, options: { words: { ...valid.options.words, parameters: ['text'] } } },
      /options\.words\.parameters\.0 must look like/,
    ],
    [
      'a required option after one that is not',
      { ...valid, options: { first: { ...valid.options.words, required: false }, words: valid.options.words } },
      /required option words must come before/,
    ],
    [
      'an option of the name private',
      { ...valid, options: { private: valid.options.words } },
      /has the option private/,
    ],
    [
      'more choices than Discord offers',
      { ...valid, options: { mood: { ...valid.options.words, kind: 'choice', choices } } },
      /options\.mood\.choices are more than the 25/,
    ],
  ])('with %s stops the start, naming the file and the place', async (_what, recipe, message) => {
    await expect(load(recipe)).rejects.toThrow(message);
  });
});
