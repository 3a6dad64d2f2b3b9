import { UserError } from '../errors.ts';
import { checkValue, complete, type DefaultFiles } from './answers.ts';
import type { FileKeeper, GivenFile } from './given-files.ts';
import {
  isFileOption,
  type FileOption,
  type GivenAnswers,
  type MaskOption,
  type Option,
  type ParameterValue,
  type Recipe,
  type StoredFile,
} from './recipe.ts';

/** What a person gave, wherever they did. */
interface Given {
  readonly values: ReadonlyMap<string, ParameterValue>;
  /** undefined where nothing was given. @throws UserError where it is not to be had */
  fileOf(name: string, option: FileOption): GivenFile | undefined;
  /** what stands for the files that were left out */
  readonly defaults: DefaultFiles;
}

/** Turns what a person gave into answers: values are checked, files are checked and kept. */
export interface Intake {
  /**
   * Complete: defaults and a seed are in. Where it throws, files may be left in the folder, and nothing writes there any more.
   * @throws UserError with every problem of every option
   */
  read(recipe: Recipe, given: Given, folder: () => Promise<string>): Promise<GivenAnswers>;
}

interface IntakeDependencies {
  keeper: FileKeeper;
  /** a problem with the name of its option */
  tell: (option: string, problem: string) => string;
}

type Answer = ParameterValue | StoredFile;

export function createIntake({ keeper, tell }: IntakeDependencies): Intake {
  return {
    async read(recipe, given, folder) {
      const answers = new Map<string, Answer>();
      const problems = new Map<string, readonly string[]>();
      const failures: unknown[] = [];
      const options = Object.entries(recipe.options);

      /** Nothing is thrown before everything has ended. */
      async function note(name: string, work: () => Promise<Answer | undefined>): Promise<void> {
        try {
          const answer = await work();
          if (answer !== undefined) answers.set(name, answer);
        } catch (error) {
          if (error instanceof UserError) problems.set(name, error.problems);
          else failures.push(error);
        }
      }

      async function readOption(name: string, option: Exclude<Option, MaskOption>): Promise<Answer | undefined> {
        if (!isFileOption(option)) {
          const value = given.values.get(name);
          return value === undefined ? missing(option) : checkValue(option, value);
        }
        const file = given.fileOf(name, option);
        if (!file) return missing(option);
        const place = { option: name, folder };
        return option.kind === 'picture'
          ? await keeper.keepPicture(file, option, place)
          : await keeper.keepMedia(file, option, place);
      }

      async function readMask(name: string, option: MaskOption): Promise<Answer | undefined> {
        const file = given.fileOf(name, option);
        if (!file) return missing(option);
        const { of } = option;
        const place = { option: name, folder };
        // What is wrong with the mask is told beside what is wrong with its picture.
        if (of === undefined || problems.has(of)) return (await keeper.keepMask(file, option, place)).mask;
        const picture = answers.get(of) ?? complete(recipe, {}, given.defaults)[of];
        if (typeof picture !== 'object') {
          throw new UserError(`This marks a part of ${of}, where nothing was sent. Send that too, or leave this out.`);
        }
        const kept = await keeper.keepMask(file, option, place, { picture, place: { option: of, folder } });
        if (kept.masked) answers.set(of, kept.masked);
        return kept.mask;
      }

      const masks: [name: string, option: MaskOption][] = [];
      const others: Promise<void>[] = [];
      for (const [name, option] of options) {
        if (option.kind === 'mask') masks.push([name, option]);
        else others.push(note(name, () => readOption(name, option)));
      }
      await Promise.all(others);
      // Behind the pictures that they are about, and one by one: of two that become one transparency the last counts.
      for (const [name, option] of masks) await note(name, () => readMask(name, option));
      if (failures.length > 0) throw failures[0];
      if (problems.size > 0) {
        const told = options.map(([name]) => (problems.get(name) ?? []).map((problem) => tell(name, problem)));
        throw new UserError(told.flat());
      }
      return complete(recipe, Object.fromEntries(answers), given.defaults);
    },
  };
}

/** @throws UserError where an answer is needed */
export function missing({ required }: Option): undefined {
  if (required) throw new UserError('This is needed.');
  return undefined;
}
