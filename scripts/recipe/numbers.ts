import type { Written } from '../../src/recipes/written-json.ts';

/** Which numbers an input takes, where only its name and its value say so. */

/** Inputs whose number is to be another one every time. */
export const SEED = /^(noise_|rand_)?seed$/i;
export const SEED_DESCRIPTION =
  'The same seed with the same answers gives the same result. Default: a new one each time';

export interface Span {
  readonly kind: 'integer' | 'number';
  readonly min: number;
  readonly max: number;
}

/**
 * Names that ComfyUI's nodes share. The bounds are what is of use, not what a node takes: ten thousand steps are allowed,
 * and would hold up everybody.
 */
const KNOWN: readonly (readonly [names: RegExp, span: Span])[] = [
  [/^(\w+_)?steps$/, { kind: 'integer', min: 1, max: 100 }],
  [/^(\w+_)?(width|height)$/, { kind: 'integer', min: 64, max: 2048 }],
  [/^(length|frames|num_frames|video_frames)$/, { kind: 'integer', min: 1, max: 241 }],
  [/^(frame_rate|fps)$/, { kind: 'integer', min: 1, max: 60 }],
  [/^batch_size$/, { kind: 'integer', min: 1, max: 4 }],
  [/^(\w+_)?(cfg|guidance|guidance_scale)$/, { kind: 'number', min: 0, max: 30 }],
  [/^(denoise|denoise_strength|\w+_percent|start_at|end_at)$/, { kind: 'number', min: 0, max: 1 }],
  [/^(upscale_by|scale_by)$/, { kind: 'number', min: 1, max: 4 }],
  [/^(\w+_)?(strength|weight)(_\w+)?$/, { kind: 'number', min: 0, max: 2 }],
  [/^(\w+_)?shift$/, { kind: 'number', min: 0, max: 100 }],
];

/** What is longer is none of them; patterns may take their time for what somebody made up. */
const LONGEST_KNOWN = 64;

/** What Discord takes of a whole number, and no more of any other than can be written exactly. */
const MOST = Number.MAX_SAFE_INTEGER;

/**
 * @param digits the workflow's own value as it is written: `1.0` is no whole number, `1` may be either
 * @param wish bounds that somebody gave
 */
export function spanOf(
  input: string,
  digits: string | undefined,
  wish: {
    readonly kind?: Span['kind'] | undefined;
    readonly min?: number | undefined;
    readonly max?: number | undefined;
  },
): Span {
  const known = KNOWN.find(([names]) => input.length <= LONGEST_KNOWN && names.test(input))?.[1];
  const value = digits === undefined ? undefined : Number(digits);
  const isWhole = (digits === undefined || /^-?\d+$/.test(digits)) && [wish.min, wish.max].every(isWholeOrNone);
  const kind = wish.kind ?? (isWhole ? (known?.kind ?? 'integer') : 'number');
  const around = known ?? guess(value ?? 0);
  const min = wish.min ?? Math.min(around.min, value ?? around.min, wish.max ?? Infinity);
  const max = wish.max ?? Math.max(around.max, value ?? around.max, wish.min ?? -Infinity);
  const inside = (bound: number) => Math.min(Math.max(bound, -MOST), MOST) + 0;
  const [low, high] = kind === 'integer' ? [Math.ceil(min), Math.floor(max)] : [min, max];
  return { kind, min: inside(low), max: inside(high) };
}

/** A number as it is written; undefined for what is none. */
export function digitsOf(value: Written | undefined): string | undefined {
  return typeof value === 'object' && value !== null && 'digits' in value ? value.digits : undefined;
}

/** What JavaScript cannot hold would be sent as another number. */
export function isAskable(digits: string): boolean {
  const value = Number(digits);
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function isWholeOrNone(bound: number | undefined): boolean {
  return bound === undefined || Number.isInteger(bound);
}

function guess(value: number): { min: number; max: number } {
  const max = Math.max(100, 10 * Math.abs(Math.round(value)));
  return { min: value < 0 ? -max : 0, max };
}
