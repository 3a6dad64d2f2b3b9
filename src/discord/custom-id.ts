import { z } from 'zod';

/**
 * What a button does, to which job, and from which file on: all a button needs to work after a restart. At most 100
 * characters (Discord).
 *
 * - `cancel`: ends the job
 * - `show`: brings a fresh token, by which the card is kept up to date and the result arrives
 * - `again`: another run of the same
 * - `next`: more pictures of the result
 * - `files`: the other files
 * - `original`: what was made smaller, as it was; `bytes` is how large a file could be there
 */
const Action = z.enum(['cancel', 'show', 'again', 'next', 'files', 'original']);
const Pressed = z.object({
  action: Action,
  job: z.string().regex(/^[\w-]+$/),
  from: z.coerce.number().int().min(0).default(0),
  bytes: z.coerce.number().int().min(0).default(0),
});

export type ButtonAction = z.infer<typeof Action>;
export type Pressed = z.infer<typeof Pressed>;

export function customId(action: ButtonAction, job: string, from = 0, bytes = 0): string {
  const numbers = bytes > 0 ? [from, bytes] : [from].filter((number) => number > 0);
  return [action, job, ...numbers].join(':');
}

/** undefined for what is not ours, or not any more */
export function parseCustomId(id: string): Pressed | undefined {
  const [action, job, from, bytes] = id.split(':');
  return Pressed.safeParse({ action, job, from, bytes }).data;
}

const FORM = /^form:([\w-]+)$/;

/** Of the modal of a form that is kept. */
export function formId(form: string): string {
  return `form:${form}`;
}

/** undefined for what is not ours */
export function parseFormId(id: string): string | undefined {
  return FORM.exec(id)?.[1];
}

/** Of the select below a person's jobs; its values are jobs. */
export const PICK_JOB = 'jobs';
