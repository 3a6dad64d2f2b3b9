import type { ParameterValue } from '../../recipes/recipe.ts';

/**
 * What the model takes, as its page has it: https://www.segmind.com/models/consistent-character-with-pose/api
 * The two pictures are not in this list: they are files.
 */
interface Values {
  readonly prompt: string;
  readonly seed: number;
  readonly samples: number;
  /** pixels */
  readonly custom_width: number;
  readonly custom_height: number;
  /** take the size of the picture that was sent, and not the custom one */
  readonly use_input_img_dimension: boolean;
  readonly output_format: string;
  /** of the file that comes out */
  readonly quality: number;
}

type ValueName = keyof Values;

/** What the operator may fix for every job; an answer to the attribute's own parameter goes before. */
export type FixedValues = Readonly<Partial<Omit<Values, 'prompt' | 'seed'>>>;

/** The attributes that get an answer as it is; a prompt is composed. */
export const PLAIN_VALUES = [
  'seed',
  'samples',
  'custom_width',
  'custom_height',
  'use_input_img_dimension',
  'output_format',
  'quality',
] as const satisfies readonly ValueName[];

/**
 * Which parameters of the recipe an attribute gets its value from. Of several keys the first that was answered counts;
 * of `prompt` and `style` all do. Each answer to one of `scenes` is a picture of its own, whose prompt is made of
 * `prompt`, the scene and `style`, in that order.
 */
export type AttributeKeys = Readonly<
  Partial<
    Record<
      'face_image' | 'pose_image' | 'scenes' | 'style' | 'prompt' | (typeof PLAIN_VALUES)[number],
      readonly string[]
    >
  >
>;

/** For the parameters of `commands/character.ts`. */
export const CHARACTER_KEYS = {
  face_image: ['626-inputs-image'],
  pose_image: ['625-inputs-image'],
  prompt: ['594-inputs-string'],
  scenes: ['426-inputs-string', '436-inputs-string', '443-inputs-string', '458-inputs-string'],
  style: ['608-inputs-string'],
  seed: ['499-inputs-noise_seed'],
} as const satisfies AttributeKeys;

/** The pose of `commands/character.ts` is a sheet of many. */
export const CHARACTER_SHEETS = ['625-inputs-image'] as const;

const RULES: Readonly<Record<ValueName, (value: ParameterValue) => string | undefined>> = {
  prompt: (value) => (typeof value === 'string' && value.trim() !== '' ? undefined : 'must have words'),
  // The page names no range: what JSON carries exactly.
  seed: whole(0, Number.MAX_SAFE_INTEGER),
  samples: whole(1, 4),
  custom_width: whole(64, 4096),
  custom_height: whole(64, 4096),
  use_input_img_dimension: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
  // The page's own list is empty; these are what Segmind's models have in common.
  output_format: (value) =>
    value === 'png' || value === 'jpeg' || value === 'webp' ? undefined : 'must be png, jpeg or webp',
  quality: whole(10, 100),
};

/** What is wrong with a value, as the rest of a sentence that begins with the attribute's name. */
export function problemOf(name: ValueName, value: ParameterValue): string | undefined {
  return RULES[name](value);
}

function whole(min: number, max: number): (value: ParameterValue) => string | undefined {
  return (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? undefined
      : `must be a whole number from ${min} to ${max}`;
}
