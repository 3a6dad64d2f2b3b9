import { randomInt } from 'node:crypto';
import { BackendError } from '../../errors.ts';
import type { ParameterValue, StoredFile } from '../../recipes/recipe.ts';
import type { RunRequest } from '../backend.ts';
import {
  CHARACTER_KEYS,
  CHARACTER_SHEETS,
  PLAIN_VALUES,
  problemOf,
  type AttributeKeys,
  type FixedValues,
} from './attributes.ts';

export interface WishOptions {
  /** where the attributes get their values from: the parameters of `commands/character.ts` */
  readonly attributes?: AttributeKeys;
  /** what is the same in every job */
  readonly values?: FixedValues;
  /** how many requests one job may be, each of which is paid: 1 */
  readonly requestsPerJob?: number;
  /** the path of a picture with one pose, for jobs that have none, and in place of a sheet */
  readonly posePicture?: string;
  /** keys of parameters whose picture is a sheet of poses, of which the model makes one pose */
  readonly poseSheets?: readonly string[];
}

/** What a job is to Segmind: one picture or several of the same person in the same pose. */
export interface Wish {
  readonly face: Sent;
  readonly pose: Sent;
  readonly orders: readonly Order[];
  /** what was asked for and is not in the orders, in sentences */
  readonly warnings: readonly string[];
}

/** A picture to send. */
type Sent = Pick<StoredFile, 'path'>;

/** One request, which is paid once it has reached the service. */
export interface Order {
  /** what its files are called, without the extension: the number is the scene's */
  readonly name: string;
  /** how many pictures it asks for */
  readonly samples: number;
  /** the body but for the pictures */
  readonly attributes: Readonly<Record<string, ParameterValue>>;
}

/** A seed of 32 bits, as the page's own is: what a service reads one with may hold no more. */
const SEEDS = 2 ** 32;

/**
 * Answers → requests. Everything is checked here, before anything is sent.
 * @throws BackendError `invalid`
 */
export function wishOf(
  { parameters, files, workflow, labels = {} }: Pick<RunRequest, 'parameters' | 'files' | 'workflow' | 'labels'>,
  {
    attributes: keys = CHARACTER_KEYS,
    values: fixed = {},
    requestsPerJob = 1,
    posePicture,
    poseSheets = CHARACTER_SHEETS,
  }: WishOptions,
): Wish {
  const warnings: string[] = [];
  const sceneWords = textsOf(keys.scenes);
  const orders = orderAll();
  const face = fileAt(keys.face_image)?.[1] ?? missing('a picture of the character', keys.face_image);
  const pose = chosenPose();
  warnOfTheRest();
  return { face, pose, orders, warnings };

  function orderAll(): Order[] {
    const values = valuesOfAll();
    const scenes = sceneWords.length > 0 ? sceneWords : [undefined];
    if (scenes.length > requestsPerJob) {
      warnings.push(
        `Only ${requestsPerJob} of the ${scenes.length} scenes will be made: Segmind makes one scene a request, and this bot may send it ${requestsPerJob} a job.`,
      );
    }
    return scenes.slice(0, requestsPerJob).map((scene, index) => {
      const parts = [...textsOf(keys.prompt), ...(scene === undefined ? [] : [scene]), ...textsOf(keys.style)];
      const prompt = parts.map((part) => part.trim().replace(/[.,;]+$/, '')).join(', ');
      check('prompt', prompt);
      return {
        name: `Image_${index + 1}`,
        samples: values.samples,
        // Bytes hold one picture only; as base64 any number of them come in one answer.
        attributes: { prompt, base_64: values.samples > 1, ...values },
      };
    });
  }

  function valuesOfAll() {
    const given: Record<string, ParameterValue> = { ...fixed };
    for (const name of PLAIN_VALUES) {
      const key = keys[name]?.find((key) => parameters[key] !== undefined);
      const value = key === undefined ? given[name] : parameters[key];
      if (value === undefined) continue;
      check(name, value);
      given[name] = value;
    }
    const { seed, samples = 1 } = given;
    const isSized = given['custom_width'] !== undefined || given['custom_height'] !== undefined;
    return {
      // A size that is named is meant.
      ...(isSized && { use_input_img_dimension: false }),
      ...given,
      samples: Number(samples),
      // Without one the page's own fixed seed would give everybody the same picture.
      seed: seed === undefined ? randomInt(SEEDS) : Number(seed) % SEEDS,
    };
  }

  function check(name: (typeof PLAIN_VALUES)[number] | 'prompt', value: ParameterValue): void {
    const problem = problemOf(name, value);
    if (problem) throw invalid(`${name} ${problem}`, keys[name]);
  }

  function chosenPose(): Sent {
    const sent = fileAt(keys.pose_image);
    const own = posePicture === undefined ? undefined : { path: posePicture };
    if (!sent) return own ?? missing('a picture of a pose', keys.pose_image);
    const [key, file] = sent;
    if (!poseSheets.includes(key)) return file;
    if (!own) {
      warnings.push('Segmind knows no pose sheets: it takes the whole sheet as a picture of one pose.');
      return file;
    }
    warnings.push('Segmind knows no pose sheets: a picture of one pose that this bot has is used instead.');
    return own;
  }

  function warnOfTheRest(): void {
    const known = new Set(Object.values(keys).flat());
    const unheeded = [...Object.keys(parameters), ...Object.keys(files)].filter((key) => !known.has(key));
    if (unheeded.length > 0) {
      const names = new Set(unheeded.map((key) => labels[key] ?? key));
      warnings.push(`Segmind has nothing that these could be set on, so they are left out: ${[...names].join(', ')}.`);
    }
    if (workflow) warnings.push('Segmind runs a model of its own, not the workflow of this command.');
  }

  function fileAt(keys: readonly string[] = []): readonly [key: string, file: StoredFile] | undefined {
    for (const key of keys) {
      const file = files[key];
      if (file) return [key, file];
    }
    return undefined;
  }

  function textsOf(keys: readonly string[] = []): string[] {
    return keys.flatMap((key) => {
      const value = parameters[key];
      return value === undefined || String(value).trim() === '' ? [] : [String(value)];
    });
  }
}

function missing(what: string, keys: readonly string[] | undefined): never {
  throw invalid(`${what} is needed`, keys);
}

function invalid(detail: string, parameters: readonly string[] = []): BackendError {
  return new BackendError(detail, { type: 'invalid', billed: 'no', detail, parameters });
}
