import { z } from 'zod';
import { BackendError } from '../../errors.ts';
import type { Workflow } from '../../workflow.ts';
import { mediaTypeOf } from '../result-names.ts';
import type { ResultOutput } from '../result-files.ts';
import { runFailure } from './failures.ts';
import type { Server } from './server.ts';

/** How ComfyUI's history and queue say that a run stands. */

/** What a run gave: a file in one of the server's folders. */
const OutputFile = z.object({
  filename: z.string().min(1),
  subfolder: z.string().nullish(),
  type: z.string().nullish(),
});
type OutputFile = z.infer<typeof OutputFile>;

const Outputs = z.record(z.string(), z.record(z.string(), z.unknown()).nullable());
const Entry = z.object({
  outputs: z.unknown().optional(),
  // Servers before 2024 have none: what is in their history has ended well.
  status: z.object({ status_str: z.string().nullish(), messages: z.array(z.unknown()).nullish() }).nullish(),
});
const History = z.record(z.string(), z.unknown());

/** A run that has ended: its files, or why there are none. */
export type Ended = { readonly files: readonly OutputFile[] } | { readonly failure: BackendError };

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
  return { files: outputFiles(outputs) };
}

/** Everything with a file name, under whatever name a node gives it: `images`, `gifs`, `audio`. */
export function outputFiles(outputs: unknown): OutputFile[] {
  const nodes = Outputs.safeParse(outputs ?? {});
  if (!nodes.success) throw notComfyUI('list of outputs', nodes.error);
  const files = Object.values(nodes.data)
    .flatMap((node) => Object.values(node ?? {}))
    .flatMap((list) => (Array.isArray(list) ? list : []))
    .flatMap((item: unknown) => OutputFile.safeParse(item).data ?? []);
  // `temp` is what a person would see in ComfyUI's own page; the result only where nothing was saved.
  const saved = files.filter(({ type }) => type !== 'temp');
  return saved.length > 0 ? saved : files;
}

/** @throws BackendError `failed` for a run that gave none */
export function resultOutputs(ended: Ended, server: Server): ResultOutput[] {
  if ('failure' in ended) throw ended.failure;
  if (ended.files.length === 0) {
    throw new BackendError('the run gave no files', { type: 'failed', detail: 'no files: the workflow saved nothing' });
  }
  return ended.files.map(({ filename, subfolder, type }) => ({
    name: filename,
    mediaType: mediaTypeOf(undefined, filename),
    size: undefined,
    data: undefined,
    url: server.route('view', { filename, subfolder: subfolder ?? '', type: type ?? 'output' }).href,
  }));
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
