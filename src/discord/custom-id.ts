import { z } from 'zod';

/** What a button does, and to which job: all a button needs to work after a restart. At most 100 characters (Discord). */
const CustomId = z
  .string()
  .regex(/^(cancel|files):[\w-]+$/)
  .transform((id) => id.split(':'))
  .pipe(z.tuple([z.enum(['cancel', 'files']), z.string()]))
  .transform(([action, job]) => ({ action, job }));

export type ButtonAction = z.infer<typeof CustomId>['action'];

export function customId(action: ButtonAction, job: string): string {
  return `${action}:${job}`;
}

/** undefined for what is not ours, or not any more */
export function parseCustomId(id: string): { action: ButtonAction; job: string } | undefined {
  return CustomId.safeParse(id).data;
}
