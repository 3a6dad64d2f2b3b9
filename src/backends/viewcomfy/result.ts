import { z } from 'zod';
import { BackendError } from '../../errors.ts';
import { wordsOf } from '../detail.ts';
import { ResultOutput } from '../result-files.ts';
import type { Notes } from './notes.ts';

const Fields = z.record(z.string(), z.unknown());

/** The history of runs names in camel case what a run's own result names with underscores. */
function withUnderscores(value: unknown): unknown {
  const { data: fields } = Fields.safeParse(value);
  if (!fields) return value;
  const renamed = Object.entries(fields).map(([name, field]) => [
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    field,
  ]);
  return Object.fromEntries(renamed);
}

/** How a run stands, or how it ended: in both spellings, files with their bytes or with addresses. */
export const Result = z.preprocess(
  withUnderscores,
  z
    .object({
      prompt_id: z.string().nullish(),
      status: z.string().nullish(),
      completed: z.boolean().nullish(),
      execution_time_seconds: z.number().nullish(),
      outputs: z.array(z.preprocess(withUnderscores, ResultOutput)).nullish(),
      error_data: z.unknown().optional(),
    })
    // Some JSON that is nobody's result must not pass for a run without files.
    .refine(({ prompt_id: id, status, outputs }) => Boolean(id ?? status ?? outputs), 'no result'),
);
export type Result = z.infer<typeof Result>;

/** What a result and its files are known to have, besides what is read. */
const KNOWN = new Set([
  'prompt_id',
  'status',
  'completed',
  'execution_time_seconds',
  'prompt',
  'outputs',
  'error_data',
  'created_at',
  'workflow',
  'client_id',
  'user',
  'id',
]);

/** @throws BackendError `unintelligible` */
export function readResult(json: unknown, notes: Notes): Result {
  const result = Result.safeParse(json);
  if (!result.success) {
    throw new BackendError('a result of another shape', { type: 'unintelligible', cause: result.error });
  }
  for (const name of Object.keys(Fields.safeParse(withUnderscores(json)).data ?? {})) {
    if (!KNOWN.has(name)) notes.unknown('field', name);
  }
  return result.data;
}

const FAILED = /error|fail|cancel/i;

/** `completed` is the word that counts; a status of failure without it ends a run too, which would be asked for ever. */
export function hasEnded({ completed, status }: Result): boolean {
  return FAILED.test(status ?? '') || (completed ?? /^success/i.test(status ?? ''));
}

/** @throws BackendError `failed` where a run has no files to show */
export function outputsOf(
  { status, completed, outputs, error_data: errorData }: Result,
  clean: (text: string) => string | undefined,
): ResultOutput[] {
  const detail = clean(wordsOf(errorData) ?? '');
  const about = { type: 'failed', ...(detail !== undefined && { detail }) } as const;
  if (completed === false || FAILED.test(status ?? '')) {
    throw new BackendError(`the run ended with status ${clean(status ?? '') ?? 'none'}`, about);
  }
  if (outputs && outputs.length > 0) return outputs;
  throw new BackendError('the run gave no files', { detail: 'no files', ...about });
}
