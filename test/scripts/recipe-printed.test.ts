import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printRecipe } from '../../scripts/recipe/print.ts';
import { BACKEND_KINDS, isFileOption, type Option, type Recipe } from '../../src/recipes/recipe.ts';
import { loadRecipes } from '../../src/recipes/recipe-loader.ts';
import { hostileText } from './_hostile.ts';

describe('a recipe that is printed', () => {
  function withFile(option: Option, file: URL): Option {
    return isFileOption(option) && option.kind !== 'mask' ? { ...option, default: file } : option;
  }

  const label = hostileText.map((words) => words.slice(0, 100));
  const named = hostileText.filter((name) => name !== '');
  const description = hostileText.map((words) => words.slice(0, 100) || 'x');
  const keys = fc.array(
    hostileText.map((name) => `1-inputs-${name.replaceAll(/[\n\r\u2028\u2029]/g, '') || 'x'}`),
    { minLength: 1, maxLength: 3 },
  );
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  const whole = fc.maxSafeInteger();
  const base = { description, parameters: keys };
  const more = { required: fc.constant(true), message: hostileText.map((words) => words.slice(0, 300) || 'x') };
  /** With some of the fields that may be left out, in any case with those of `needed`. */
  const option = <K extends string, N, M>(
    kind: K,
    needed: { [F in keyof N]: fc.Arbitrary<N[F]> },
    rest: { [F in keyof M]: fc.Arbitrary<M[F]> },
  ) =>
    fc
      .tuple(
        fc.record({ kind: fc.constant(kind), ...base, ...needed }),
        fc.record({ ...more, ...rest }, { requiredKeys: [] }),
      )
      .map(([one, other]) => ({ ...one, ...other }));
  const bounds = <K extends 'integer' | 'number'>(kind: K, of: fc.Arbitrary<number>) =>
    fc
      .tuple(option(kind, {}, {}), fc.array(of, { minLength: 3, maxLength: 3 }), fc.boolean())
      .map(([one, numbers, hasDefault]) => {
        const [min = 0, standing = 0, max = 0] = numbers.toSorted((a, b) => a - b);
        return { ...one, min, max, ...(hasDefault && { default: standing }) };
      });
  const choices = fc
    .uniqueArray(fc.tuple(label, fc.oneof(hostileText, number, fc.boolean())), {
      maxLength: 5,
      selector: ([shown]) => shown,
    })
    .map((entries) =>
      Object.fromEntries([['x', 'y'], ...entries.filter(([shown]) => shown !== '' && shown !== '__proto__')]),
    );
  const anyOption = fc.oneof(
    option('text', {}, { default: hostileText.map((words) => words.slice(0, 6000)), maxLength: fc.constant(6000) }),
    option(
      'long-text',
      {},
      { default: hostileText.map((words) => words.slice(0, 4000)), maxLength: fc.constant(4000) },
    ),
    bounds('integer', whole),
    bounds('number', number),
    option('choice', { choices }, { default: fc.constant('x') }),
    option('switch', {}, { default: fc.boolean() }),
    option('picture', { maxSide: fc.integer({ min: 64, max: 16_384 }) }, {}),
    option('mask', {}, {}),
    option('mask', { parameters: fc.constant([]), of: fc.constant('a_picture') }, {}),
    option('video', {}, {}),
    option('audio', {}, {}),
    option('seed', {}, {}),
  );
  // Names that are numbers come before all others, whatever is required.
  const name = fc
    .stringMatching(/^[a-z0-9_-]{1,32}$/)
    .filter((name) => name !== 'private' && name !== '__proto__' && !/^\d+$/.test(name));
  const ids = fc.array(fc.bigInt({ min: 10n ** 17n, max: 10n ** 20n - 1n }).map(String), {
    minLength: 1,
    maxLength: 3,
  });
  const outputs = fc.array(fc.oneof(named, fc.constantFrom({ node: '1' }, { node: 'Caption' })), { maxLength: 4 });
  const recipe = fc
    .tuple(
      fc.record({ description, options: fc.dictionary(name, anyOption, { maxKeys: 5 }) }),
      fc.record(
        {
          timeouts: fc.record({ idleMs: fc.integer({ min: 1000 }), totalMs: fc.integer({ min: 1000 }) }),
          estimate: fc.record(
            { seconds: fc.integer({ min: 1 }), cost: hostileText.map((words) => words.slice(0, 60) || 'x') },
            { requiredKeys: [] },
          ),
          backends: fc.uniqueArray(fc.constantFrom(...BACKEND_KINDS), { minLength: 1 }),
          nsfw: fc.boolean(),
          access: fc.record(
            { servers: ids, roles: ids, users: ids, permission: fc.constant('ManageGuild') },
            { requiredKeys: [] },
          ),
        },
        { requiredKeys: [] },
      ),
      fc.tuple(outputs, fc.option(outputs, { nil: undefined })),
      fc.record(
        { always: fc.boolean(), parameters: fc.constant({ a_picture: ['1-inputs-other'] }) },
        { requiredKeys: [] },
      ),
      hostileText,
    )
    .map(([recipe, rest, [main, hidden], workflow, about]) => {
      const a_picture = {
        kind: 'picture' as const,
        required: true,
        description: 'x',
        maxSide: 64,
        parameters: ['1-inputs-x'],
      };
      const long = Object.entries(recipe.options).filter(([, { kind }]) => kind === 'long-text');
      const entries = Object.entries({ ...recipe.options, a_picture })
        .filter(([name]) => long.length <= 5 || !Object.hasOwn(Object.fromEntries(long), name))
        // Only one can be the picture's transparency.
        .filter(
          ([, one], index, all) =>
            one.parameters.length > 0 || all.findIndex(([, { parameters }]) => parameters.length === 0) === index,
        )
        .toSorted(([, a], [, b]) => Number(b.required ?? false) - Number(a.required ?? false));
      return {
        about,
        workflow,
        recipe: {
          ...recipe,
          ...rest,
          options: Object.fromEntries(entries),
          outputs: { main, ...(hidden && { hidden }) },
        },
      };
    });

  it('is read again as the same data, whatever is in it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-printed-'));
    try {
      const graph = { '1': { class_type: 'A', inputs: {}, _meta: { title: 'Caption' } } };
      await writeFile(join(folder, 'workflow.json'), JSON.stringify(graph));
      // A file that is there, and whose name is no plain text.
      const file = pathToFileURL(join(folder, "it's %5c.png"));
      await writeFile(file, 'x');
      const samples = fc.sample(recipe, 200).map(({ about, workflow, recipe }, index) => ({
        about,
        recipe: {
          ...recipe,
          name: `r${index}`,
          options: Object.fromEntries(
            Object.entries(recipe.options).map(([name, option]) => [
              name,
              index % 2 === 0 ? withFile(option, file) : option,
            ]),
          ),
          workflow: { graph, ...workflow },
        } satisfies Recipe,
      }));
      const kinds = samples.flatMap(({ recipe }) => Object.values(recipe.options).map(({ kind }) => kind));
      expect(new Set(kinds).size).toBe(11);
      for (const { about, recipe } of samples) {
        const printed = printRecipe(recipe, {
          workflowFile: './workflow.json',
          recipeModule: '../src/recipes/recipe.ts',
          about,
        });
        await writeFile(join(folder, `${recipe.name}.ts`), printed);
      }
      const loaded = await loadRecipes({ directories: [folder] });
      expect(loaded.size).toBe(200);
      for (const { recipe } of samples) expect(loaded.get(recipe.name)).toEqual(recipe);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
