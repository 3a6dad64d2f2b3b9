import { randomInt } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from './errors.ts';
import { kindOf, SNIFFED_BYTES } from './pictures/kind.ts';
import {
  completeAnswers,
  MAX_SEED,
  type GivenAnswers,
  type Option,
  type ParameterValue,
  type PictureOption,
  type Recipe,
  type StoredFile,
} from './recipe.ts';

/** What a person answered, wherever they did: checked against the recipe, and completed with what stands beside it. */

/** The pictures of all options that have a default, by address. */
export type DefaultFiles = ReadonlyMap<string, StoredFile>;

/** Reads what stands beside the recipes, once. */
export async function readDefaultFiles(recipes: Iterable<Recipe>): Promise<DefaultFiles> {
  const files = new Map<string, StoredFile>();
  for (const { options } of recipes) {
    for (const option of Object.values(options)) {
      if (option.kind === 'picture' && option.default) {
        files.set(option.default.href, await describeFile(fileURLToPath(option.default)));
      }
    }
  }
  return files;
}

async function describeFile(path: string): Promise<StoredFile> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
  const { mediaType } = kindOf(buffer.subarray(0, bytesRead));
  return { name: basename(path), mediaType, path, size: (await file.stat()).size };
}

/** Puts the defaults and a fresh seed where nothing was answered. */
export function complete(recipe: Recipe, given: GivenAnswers, defaults: DefaultFiles): GivenAnswers {
  return completeAnswers(recipe, given, randomSeed, ({ href }) => {
    const file = defaults.get(href);
    if (!file) throw new Error(`The default picture ${href} was not read at the start`);
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
export function checkValue(option: Exclude<Option, PictureOption>, value: ParameterValue): ParameterValue {
  switch (option.kind) {
    case 'text': {
      const said = typeof value === 'string' ? value.trim() : '';
      if (said === '') throw new UserError('This has no words in it.');
      if (option.maxLength !== undefined && said.length > option.maxLength) {
        throw new UserError(`This is longer than ${option.maxLength} characters.`);
      }
      return said;
    }
    case 'choice':
      if (typeof value !== 'string' || !Object.values(option.choices).includes(value)) {
        throw new UserError(`This must be one of ${Object.values(option.choices).join(', ')}.`);
      }
      return value;
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

function checkNumber(value: ParameterValue, min: number, max: number, whole: boolean): number {
  if (typeof value !== 'number' || !(value >= min && value <= max) || (whole && !Number.isSafeInteger(value))) {
    throw new UserError(`This must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}.`);
  }
  return value;
}
