import { describe, expect, it } from 'vitest';
import { commandChanges } from '../../src/discord/command-changes.ts';
import { commandOf } from '../../src/recipes/commands.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';

const recipe = {
  name: 'echo',
  description: 'Says it again',
  options: {
    words: { kind: 'text', description: 'Words', required: true, parameters: ['1-inputs-text'] },
    mood: { kind: 'choice', description: 'How', choices: { glad: 1, sad: 2 }, parameters: ['1-inputs-mood'] },
  },
  outputs: { main: [] },
} satisfies Recipe;
const command = commandOf(recipe);

/** The same as Discord answers it: with ids, versions, and a value for what was left out. */
const answered = {
  ...command,
  id: '1441300000000000001',
  application_id: '1441300000000000000',
  version: '1441300000000000002',
  name_localizations: null,
  description_localizations: null,
  default_member_permissions: null,
  default_permission: true,
  dm_permission: true,
  nsfw: false,
  contexts: command.contexts?.toReversed(),
  options: command.options?.map((option) => ({
    ...option,
    required: option.required ? true : undefined,
    name_localizations: null,
    description_localizations: {},
    ...('choices' in option && {
      choices: option.choices?.map((choice) => ({ ...choice, name_localizations: null })),
    }),
  })),
};

describe('what Discord has of a command', () => {
  it('is the same, with all that Discord adds to it', () => {
    expect(commandChanges([answered], [command], 'global')).toEqual([]);
  });

  it('differs in a server by nothing that only the commands of everywhere have', () => {
    const there = { ...answered, contexts: undefined, integration_types: undefined };
    expect(commandChanges([there], [command], 'guild')).toEqual([]);
    expect(commandChanges([there], [command], 'global')).toEqual([
      '~ /echo  where it is shown none → [0,1,2]',
      '~ /echo  how it is installed [0] → [0,1]',
    ]);
  });

  it('differs by the order of choices, the words of other languages, and who sees it', () => {
    const [words, mood, rest] = answered.options ?? [];
    const turned = { ...mood, choices: mood && 'choices' in mood ? mood.choices?.toReversed() : [] };
    const other = {
      ...answered,
      name_localizations: { de: 'echo', fr: 'écho' },
      nsfw: true,
      default_member_permissions: '32',
      options: [words, turned, rest],
    };
    expect(commandChanges([other], [command], 'global')).toEqual([
      '~ /echo  names in other languages {"de":"echo","fr":"écho"} → {}',
      '~ /echo  only for adults true → false',
      '~ /echo  permissions it wants "32" → none',
      '~ /echo  option mood: choices in another order or with other values',
    ]);
  });

  it('may be of another type, and then stands in a menu and goes away', () => {
    const menu = { ...answered, type: 3, name: 'Say it\u001B[2J again', options: undefined, description: '' };
    expect(commandChanges([answered, menu], [command], 'global')).toEqual(['- "Say it\\u001b[2J again"  goes away']);
  });
});
