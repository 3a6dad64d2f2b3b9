import { z } from 'zod';

/** An empty variable is an absent one: that is how people blank a line in `.env`. */
export const text = z
  .string()
  .trim()
  .optional()
  .transform((value) => value || undefined);

/** @param unit what one unit of the variable is in the unit of the result */
export function number(standard: number, min: number, max: number, unit = 1) {
  return text
    .transform((value) => (value === undefined ? standard : Number(value)))
    .pipe(
      z.number({ error: 'must be a number' }).min(min, `must be at least ${min}`).max(max, `must be at most ${max}`),
    )
    .transform((value) => value * unit);
}

export function whole(standard: number, min: number, max: number) {
  return number(standard, min, max).pipe(z.int({ error: 'must be a whole number' }));
}

/** With commas or spaces between. */
export function list(value: string | undefined): string[] | undefined {
  return value?.split(/[\s,]+/).filter(Boolean);
}
