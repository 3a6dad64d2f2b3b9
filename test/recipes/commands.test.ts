import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandOf } from '../../src/recipes/commands.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { COMMANDS_DIRECTORY, loadRecipes } from '../../src/recipes/recipe-loader.ts';

const valid = {
  name: 'echo',
  description: 'Echo',
  options: { words: { kind: 'text', description: 'Words', required: true, parameters: ['1-inputs-text'] } },
  outputs: { main: [] },
};

const choices = Object.fromEntries(Array.from({ length: 26 }, (_, index) => [`mood ${index}`, index]));
const manyWords = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`${index}`.repeat(50), index]));

function withOption(option: object) {
  return { ...valid, options: { it: { description: 'It', parameters: ['1-inputs-text'], ...option } } };
}

describe('the commands of this repository', () => {
  it('load, and make a command with the required options first and `private` last', async () => {
    const recipes = await loadRecipes({ directories: [COMMANDS_DIRECTORY] });
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
  // A module is loaded once by its name.
  let counter = 0;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-commands-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function load(recipe: unknown): Promise<unknown> {
    await writeFile(join(folder, 'echo.ts'), `export default ${JSON.stringify(recipe)};`);
    return await loadRecipes({ directories: [folder] });
  }

  async function one(recipe: object): Promise<Recipe> {
    await writeFile(join(folder, `${counter}.ts`), `export default ${JSON.stringify(recipe)};`);
    const loaded = await loadRecipes({ directories: [folder] });
    await rm(join(folder, `${counter}.ts`));
    counter += 1;
    const [only] = loaded.values();
    if (!only) throw new Error('No recipe was loaded');
    return only;
  }

  it('that is right is loaded', async () => {
    await expect(load(valid)).resolves.toHaveLength(1);
  });

  it('lists up to 25 choices, suggests more while one types, and asks for long texts in a modal', async () => {
    const few = Object.fromEntries(Object.entries(choices).slice(0, 25));
    const [listed] = commandOf(await one(withOption({ kind: 'choice', choices: few }))).options ?? [];
    expect(listed).toMatchObject({ choices: Object.keys(few).map((shown) => ({ name: shown, value: shown })) });
    const [suggested] = commandOf(await one(withOption({ kind: 'choice', choices }))).options ?? [];
    expect(suggested).toMatchObject({ autocomplete: true });
    expect(suggested).not.toHaveProperty('choices');
    const { options = [] } = commandOf(await one(withOption({ kind: 'long-text' })));
    expect(options.map(({ name }) => name)).toEqual(['private']);
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
      /no option can be called private/,
    ],
    [
      'more long texts than a modal holds',
      {
        ...valid,
        options: Object.fromEntries(
          Array.from({ length: 6 }, (_, index) => [`t${index}`, { ...valid.options.words, kind: 'long-text' }]),
        ),
      },
      /6 long texts, and 5 is the most/,
    ],
    [
      'two masks that would be one transparency',
      {
        ...valid,
        options: {
          it: { kind: 'picture', description: 'It', maxSide: 64, parameters: ['1-inputs-image'] },
          one: { kind: 'mask', description: 'One', of: 'it', parameters: [] },
          two: { kind: 'mask', description: 'Two', of: 'it', parameters: [] },
        },
      },
      /options\.it has 2 masks/,
    ],
    [
      'a backend that has nothing to run',
      { ...valid, backends: ['viewcomfy', 'comfyui'] },
      /backends names comfyui, which runs only what is sent, and it has no workflow/,
    ],
    ['an output of no node', { ...valid, outputs: { main: [{ node: 'Save' }] } }, /outputs names the node Save/],
    ['a permission of nobody', { ...valid, access: { permission: 'Fly' } }, /access\.permission Fly is no permission/],
    [
      'more words than Discord takes',
      {
        ...valid,
        options: Object.fromEntries(
          Array.from({ length: 24 }, (_, index) => [
            `c${index}`,
            { ...valid.options.words, kind: 'choice', choices: manyWords },
          ]),
        ),
      },
      /characters, and 8000 is the most/,
    ],
  ])('with %s stops the start, naming the file and the place', async (_what, recipe, message) => {
    await expect(load(recipe)).rejects.toThrow(message);
  });

  it.each([
    ['a choice without choices', { kind: 'choice', choices: {} }, /options\.it has no choices/],
    ['a default that is no choice', { kind: 'choice', choices, default: 'rage' }, /options\.it has the default rage/],
    ['bounds the wrong way round', { kind: 'integer', min: 2, max: 1 }, /options\.it has the least 2 above/],
    ['a default out of bounds', { kind: 'number', min: 0, max: 1, default: 2 }, /default that is not from 0 to 1/],
    ['bounds that are not whole', { kind: 'integer', min: 0.5, max: 1 }, /no whole numbers/],
    ['a default that is too long', { kind: 'text', default: 'abc', maxLength: 2 }, /a default of more than 2/],
    ['a mask of nothing', { kind: 'mask', of: 'face' }, /options\.it is a mask of face, which is no picture/],
    ['no parameters', { kind: 'text', parameters: [] }, /options\.it has no parameters/],
  ])('with %s stops the start, naming the option', async (_what, option, message) => {
    await expect(load(withOption(option))).rejects.toThrow(message);
  });
});
