import { randomInt } from 'node:crypto';
import { UserError } from '../errors.ts';
import {
  completeAnswers,
  MAX_SEED,
  type ChoiceOption,
  type GivenAnswers,
  type Option,
  type ParameterValue,
  type Recipe,
  type StoredFile,
  type ValueOption,
} from './recipe.ts';

/** What a person answered, wherever they did: checked against the recipe, and completed with what stands beside it. */

/** The files of all options that have a default, by address. */
export type DefaultFiles = ReadonlyMap<string, StoredFile>;

/** Puts the defaults and a fresh seed where nothing was answered. */
export function complete(recipe: Recipe, given: GivenAnswers, defaults: DefaultFiles): GivenAnswers {
  return completeAnswers(recipe, given, randomSeed, ({ href }) => {
    const file = defaults.get(href);
    if (!file) throw new Error(`The default file ${href} was not read`);
    return file;
  });
}

/** `randomInt` gives 48 bits at most: enough for no two runs to be alike, and far below what a double holds. */
function randomSeed(): number {
  return randomInt(2 ** 48 - 1);
}

/**
 * Discord checks values too; it is not trusted to have done so.
 * @throws UserError that says what is wrong, to be read after the option's name
 */
export function checkValue(option: ValueOption, value: ParameterValue): ParameterValue {
  try {
    return checked(option, value);
  } catch (error) {
    throw inItsWords(option, error);
  }
}

/** What is wrong with an answer, in the recipe's own words where it has some. */
export function inItsWords({ message }: Option, error: unknown): unknown {
  return message !== undefined && error instanceof UserError ? new UserError(message, { cause: error }) : error;
}

function checked(option: ValueOption, value: ParameterValue): ParameterValue {
  switch (option.kind) {
    case 'text':
    case 'long-text': {
      const said = typeof value === 'string' ? value.trim() : '';
      // Its default stood there to be changed, and was taken away.
      if (said === '' && option.kind === 'long-text' && option.default !== undefined && !option.required) return '';
      if (said === '') throw new UserError('This has no words in it.');
      if (option.maxLength !== undefined && said.length > option.maxLength) {
        throw new UserError(`This is longer than ${option.maxLength} characters.`);
      }
      return said;
    }
    case 'choice':
      return checkChoice(option, value);
    case 'switch':
      if (typeof value !== 'boolean') throw new UserError('This must be true or false.');
      return value;
    case 'seed':
      return checkNumber(value, 0, MAX_SEED, true);
    case 'integer':
    case 'number':
      return checkNumber(value, option.min, option.max, option.kind === 'integer');
  }
}

/** Named in a sentence; of more, some. */
const MOST_NAMED = 10;

/** Where Discord offers more than it lists, people may type whatever they like. */
function checkChoice({ choices }: ChoiceOption, value: ParameterValue): string {
  const names = Object.keys(choices);
  const said = String(value).trim();
  const name = Object.hasOwn(choices, said)
    ? said
    : names.find((name) => name.toLowerCase() === said.toLowerCase() || String(choices[name]) === said);
  if (name !== undefined) return name;
  const more = names.length > MOST_NAMED ? `, and ${names.length - MOST_NAMED} more` : '';
  throw new UserError(`This must be one of ${names.slice(0, MOST_NAMED).join(', ')}${more}.`);
}

function checkNumber(value: ParameterValue, min: number, max: number, whole: boolean): number {
  if (typeof value !== 'number' || !(value >= min && value <= max) || (whole && !Number.isSafeInteger(value))) {
    throw new UserError(`This must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}.`);
  }
  return value;
}
