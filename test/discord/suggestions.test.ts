import { describe, expect, it } from 'vitest';
import { suggestionsFor } from '../../src/discord/suggestions.ts';
import type { ChoiceOption } from '../../src/recipes/recipe.ts';

function optionOf(names: readonly string[], standing?: string): ChoiceOption {
  return {
    kind: 'choice',
    description: 'One of many',
    parameters: ['1-inputs-name'],
    choices: Object.fromEntries(names.map((name) => [name, name])),
    ...(standing !== undefined && { default: standing }),
  };
}

describe('the choices that are offered', () => {
  const colours = optionOf(['Dark red', 'Red', 'RED ochre', 'Blue', 'Infrared'], 'Blue');

  it('begin with what is typed, or else have it in them', () => {
    expect(suggestionsFor(colours, ' rEd')).toEqual(['Red', 'RED ochre', 'Dark red', 'Infrared']);
    expect(suggestionsFor(colours, 'green')).toEqual([]);
  });

  it('begin with the default where nothing is typed', () => {
    expect(suggestionsFor(colours, '')).toEqual(['Blue', 'Dark red', 'Red', 'RED ochre', 'Infrared']);
  });

  it('are as many as Discord shows', () => {
    const many = optionOf(Array.from({ length: 5000 }, (_, index) => `name ${index}`));
    expect(suggestionsFor(many, '')).toHaveLength(25);
    expect(suggestionsFor(many, 'a')).toHaveLength(25);
    expect(suggestionsFor(many, 'name 4999')).toEqual(['name 4999']);
  });
});
