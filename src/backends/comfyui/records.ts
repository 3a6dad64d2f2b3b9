import { z } from 'zod';
import { BackendError } from '../../errors.ts';
import type { Workflow } from '../../recipes/workflow.ts';
import type { ResultOutput } from '../result-files.ts';
import { mediaTypeOf } from '../result-names.ts';
import { runFailure } from './failures.ts';
import { readOutputs, textOutputs, type Given } from './outputs.ts';
import type { Server } from './server.ts';

/** How ComfyUI's history and queue say that a run stands. */

const Entry = z.object({
  outputs: z.unknown().optional(),
  // Servers before 2024 have none: what is in their history has ended well.
  status: z.object({ status_str: z.string().nullish(), messages: z.array(z.unknown()).nullish() }).nullish(),
});
const History = z.record(z.string(), z.unknown());

/** A run that has ended: what it gave, or why that is nothing. */
export type Ended = Given | { readonly failure: BackendError };

/**
 * @param history as `/history/<id>` answers it; the fork's frontend gives the whole history for an id that it does not
 *   know, so only the run's own entry counts
 */
export function endedIn(
  history: unknown,
  promptId: string,
  workflow: Workflow | undefined,
  clean: (text: string) => string | undefined,
): Ended | undefined {
  const entries = History.safeParse(history);
  if (!entries.success) throw notComfyUI('history', entries.error);
  if (!Object.hasOwn(entries.data, promptId)) return undefined;
  const entry = Entry.safeParse(entries.data[promptId]);
  if (!entry.success) throw notComfyUI('history', entry.error);
  const { outputs, status } = entry.data;
  if (status?.status_str === 'error') return { failure: runFailure(status.messages ?? [], workflow, clean) };
  return readOutputs(outputs);
}

/** @throws BackendError `failed` for a run that gave none */
export function resultOutputs(ended: Ended, server: Server): ResultOutput[] {
  if ('failure' in ended) throw ended.failure;
  const { files, texts } = ended;
  if (files.length + texts.length === 0) {
    throw new BackendError('the run gave no files', { type: 'failed', detail: 'no files: the workflow saved nothing' });
  }
  const saved = files.map(({ filename, subfolder, type, node }) => ({
    name: filename,
    mediaType: mediaTypeOf(undefined, filename),
    size: undefined,
    data: undefined,
    url: server.route('view', { filename, subfolder, type }).href,
    node,
  }));
  return [...saved, ...textOutputs(texts)];
}

const Item = z.union([
  z
    .tuple([z.number(), z.string()])
    .rest(z.unknown())
    .transform(([number, id]) => ({ number, id })),
  // The fork without workers.
  z
    .object({ priority: z.number(), prompt_id: z.string() })
    .transform(({ priority, prompt_id }) => ({ number: priority, id: prompt_id })),
]);
const Queue = z.object({ queue_running: z.array(Item), queue_pending: z.array(Item) });

export type Place = { readonly state: 'running' } | { readonly state: 'waiting'; readonly ahead: number };

/** Where a run stands in what `/queue` answers; the pending ones are in no order. */
export function placeIn(queue: unknown, promptId: string): Place | undefined {
  const parsed = Queue.safeParse(queue);
  if (!parsed.success) throw notComfyUI('queue', parsed.error);
  const { queue_running: running, queue_pending: pending } = parsed.data;
  if (running.some(({ id }) => id === promptId)) return { state: 'running' };
  const own = pending.find(({ id }) => id === promptId);
  if (!own) return undefined;
  return { state: 'waiting', ahead: running.length + pending.filter(({ number }) => number < own.number).length };
}

function notComfyUI(what: string, cause: unknown): BackendError {
  return new BackendError(`a ${what} that is not ComfyUI's`, { type: 'unintelligible', cause });
}
