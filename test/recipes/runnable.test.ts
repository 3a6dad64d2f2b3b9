import { describe, expect, it } from 'vitest';
import type { BackendKind, Recipe } from '../../src/recipes/recipe.ts';
import { RecipeError } from '../../src/recipes/recipe-loader.ts';
import { runnable } from '../../src/recipes/runnable.ts';

function recipe(name: string, backends?: readonly BackendKind[]): [string, Recipe] {
  return [name, { name, description: name, options: {}, outputs: { main: [] }, ...(backends && { backends }) }];
}

describe('the recipes that can be offered', () => {
  const recipes = new Map([
    recipe('plain'),
    recipe('animate', ['comfyui', 'amqp']),
    recipe('portrait', ['viewcomfy', 'segmind']),
  ]);

  it('are those that one of the backends can run, and a sentence tells each of the others', () => {
    const { usable, left } = runnable(recipes, ['viewcomfy', 'segmind']);
    expect([...usable.keys()]).toEqual(['plain', 'portrait']);
    expect(left).toEqual(['/animate is left out: it runs on comfyui or amqp, and this bot has viewcomfy and segmind.']);
    expect([...runnable(recipes, ['segmind', 'amqp']).usable.keys()]).toEqual(['animate', 'portrait']);
  });

  it('are all of them at the local ViewComfy', () => {
    expect(runnable(recipes, ['local-viewcomfy'])).toEqual({ usable: recipes, left: [] });
    expect(runnable(recipes, ['segmind', 'local-viewcomfy']).usable.size).toBe(3);
  });

  it('make no promise of times and costs where they are only played', () => {
    const slow = new Map([['slow', { ...recipe('slow')[1], estimate: { seconds: 240, cost: '$1' } }]]);
    expect(runnable(slow, ['local-viewcomfy']).usable.get('slow')).not.toHaveProperty('estimate');
    expect(runnable(slow, ['viewcomfy', 'local-viewcomfy']).usable).toEqual(slow);
  });

  it('are not none, unless there were none', () => {
    const only = new Map([recipe('animate', ['comfyui'])]);
    expect(() => runnable(only, ['viewcomfy'])).toThrow(RecipeError);
    expect(() => runnable(only, ['viewcomfy'])).toThrow(
      '/animate is left out: it runs on comfyui, and this bot has viewcomfy.',
    );
    expect(runnable(new Map(), ['viewcomfy']).usable.size).toBe(0);
  });
});
