import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { RecipeError } from '../../src/recipes/recipe-loader.ts';
import { createReload } from '../../src/recipes/reload.ts';

function recipes(...given: (Pick<Recipe, 'name'> & Partial<Recipe>)[]): ReadonlyMap<string, Recipe> {
  return new Map(
    given.map((recipe) => [
      recipe.name,
      { description: recipe.name, options: {}, outputs: { main: [] }, ...recipe } satisfies Recipe,
    ]),
  );
}

function open(before: ReadonlyMap<string, Recipe>, isRegistering = false) {
  const lines: Record<string, unknown>[] = [];
  const used: string[][] = [];
  const loads: PromiseWithResolvers<ReadonlyMap<string, Recipe>>[] = [];
  const stopping = new AbortController();
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const reload = createReload({
    recipes: before,
    async load() {
      const loading = Promise.withResolvers<ReadonlyMap<string, Recipe>>();
      loads.push(loading);
      return await loading.promise;
    },
    async use(recipes) {
      await Promise.resolve();
      used.push([...recipes.keys()]);
    },
    isRegistering,
    stopping: stopping.signal,
    log,
  });
  return { reload, loads, used, lines, stopping };
}

describe('reading the recipes again', () => {
  const before = recipes({ name: 'same' }, { name: 'other' }, { name: 'gone' });

  it('tells what is new, other and gone, each time compared with what was used before', async () => {
    const { reload, loads, lines } = open(before);
    const first = reload();
    loads[0]?.resolve(recipes({ name: 'new' }, { name: 'same' }, { name: 'other', estimate: { seconds: 3 } }));
    await first;
    const second = reload();
    loads[1]?.resolve(recipes({ name: 'new' }, { name: 'same' }, { name: 'other' }));
    await second;
    expect(lines).toMatchObject([
      { added: ['new'], changed: ['other'], removed: ['gone'] },
      { msg: expect.stringMatching(/npm run deploy/) },
      // Nothing that Discord shows: no word of deploying.
      { added: [], changed: ['other'], removed: [] },
    ]);
  });

  it('ends without a word when the bot stops', async () => {
    const { reload, loads, used, lines, stopping } = open(before);
    const done = reload();
    stopping.abort();
    loads[0]?.resolve(recipes({ name: 'new' }));
    await done;
    await reload();
    expect({ used, lines, loads: loads.length }).toEqual({ used: [], lines: [], loads: 1 });
  });

  it('asks for no deploying where Discord is told at once', async () => {
    const { reload, loads, lines } = open(before, true);
    const done = reload();
    loads[0]?.resolve(recipes({ name: 'same', description: 'Another' }));
    await done;
    expect(lines).toHaveLength(1);
  });

  it('goes one after the other, and what is asked for meanwhile is one more at the end', async () => {
    const { reload, loads, used } = open(before);
    const all = [reload(), reload(), reload()];
    expect(loads).toHaveLength(1);
    loads[0]?.resolve(recipes({ name: 'first' }));
    await expect.poll(() => loads.length).toBe(2);
    expect(used).toEqual([['first']]);
    loads[1]?.resolve(recipes({ name: 'second' }));
    await Promise.all(all);
    expect(used).toEqual([['first'], ['second']]);
    expect(loads).toHaveLength(2);
    const later = reload();
    loads[2]?.resolve(recipes());
    await later;
    expect(used).toHaveLength(3);
  });

  it('changes nothing where one is wrong, tells each problem, and can be asked for again', async () => {
    const { reload, loads, used, lines } = open(before);
    const wrong = reload();
    loads[0]?.reject(new RecipeError('a.ts: name is missing\nb.ts:3: Expression expected'));
    await wrong;
    expect(used).toEqual([]);
    expect(lines).toMatchObject([{ level: 50, problems: ['a.ts: name is missing', 'b.ts:3: Expression expected'] }]);
    const right = reload();
    loads[1]?.resolve(before);
    await right;
    expect(lines.at(-1)).toMatchObject({ added: [], changed: [], removed: [] });
  });
});
