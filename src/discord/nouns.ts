import type { Job } from '../jobs/job.ts';
import { sortOutputs, type StoredFile } from '../recipes/recipe.ts';

/** What a result is called in sentences; here and nowhere else. */
export interface Noun {
  /** in the singular or the plural, as there are one or several */
  readonly noun: string;
  readonly isOne: boolean;
}

const WORDS: readonly (readonly [mediaType: RegExp, one: string])[] = [
  [/^image\//, 'picture'],
  [/^video\//, 'video'],
  [/^audio\//, 'sound'],
  [/^text\/|[/+]json$/, 'text'],
];

/** By what the files are, where all are the same; `result` where nobody knows any yet. */
export function nounOf(files: readonly Pick<StoredFile, 'mediaType'>[]): Noun {
  const [first, ...others] = files.map(({ mediaType }) => WORDS.find(([pattern]) => pattern.test(mediaType))?.[1]);
  if (files.length === 0) return { noun: 'result', isOne: true };
  const one = first !== undefined && others.every((word) => word === first) ? first : 'file';
  const isOne = files.length === 1;
  return { noun: isOne ? one : `${one}s`, isOne };
}

/** Of what a person sees first. */
export function resultNoun({ recipe, files }: Pick<Job, 'recipe' | 'files'>): Noun {
  return nounOf(sortOutputs(recipe, files).main);
}
