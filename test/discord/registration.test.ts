import { describe, expect, it } from 'vitest';
import { commandsOf } from '../../src/discord/registration.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';

function recipes(count: number): ReadonlyMap<string, Recipe> {
  const names = Array.from({ length: count }, (_, index) => `r${index}`);
  return new Map(names.map((name) => [name, { name, description: name, options: {}, outputs: { main: [] } }]));
}

describe('the commands of an application', () => {
  it('are those of the recipes and Troupe’s own, and no more than Discord takes', () => {
    expect(commandsOf(recipes(99)).map(({ name }) => name)).toEqual([...recipes(99).keys(), 'jobs']);
    expect(() => commandsOf(recipes(100))).toThrow('There are 100 recipes, and Discord takes 99 beside /jobs.');
  });
});
