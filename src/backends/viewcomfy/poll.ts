import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { BackendError, type BackendErrorType } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Address } from '../address.ts';
import type { BackendEvent, RunRequest } from '../backend.ts';
import { createHttp, type Answer } from '../http.ts';
import { jsonOf } from '../parameters.ts';
import { createPatience, type Patience } from '../patience.ts';
import { createJson, createMultipart, type Payload } from '../payload.ts';
import { readJson } from './json-answer.ts';
import type { Mode, Session } from './mode.ts';
import type { Notes } from './notes.ts';
import { createPoller } from './poller.ts';
import { readResult, type Result } from './result.ts';

export interface PollOptions {
  /** of the service's own API */
  readonly address: Address;
  /** the deployment that is to run it, as the service knows it */
  readonly deployment: string;
  readonly maxAnswerBytes: number;
  readonly clean: (text: string) => string | undefined;
  readonly notes: Notes;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  /** aborted when the backend closes: runs are left to go on then */
  readonly closing: AbortSignal;
}

/** How long one question may take: it is answered out of a table. */
const QUESTION = { idleTimeoutMs: 30_000, totalTimeoutMs: 60_000 };
/** How long is tried to stop a run; the bot may be about to stop too. */
const CANCEL = { idleTimeoutMs: 15_000, totalTimeoutMs: 15_000 };
const CANCEL_PAUSE_MS = 1000;

/** Errors after which nobody knows whether the run was taken. */
const LOST: ReadonlySet<BackendErrorType> = new Set<BackendErrorType>(['cut', 'timeout']);

const Records = z.array(z.unknown());
const Named = z.union([
  z.object({ promptId: z.string() }).transform(({ promptId }) => promptId),
  z.object({ prompt_id: z.string() }).transform(({ prompt_id: promptId }) => promptId),
]);

/**
 * ViewComfy's second generation without a socket: the service takes a run under a name that we give it, and is asked how
 * it stands. The name is the handle, told before anything is sent: so a run is found again even when the bot died while
 * sending it, and an answer that was lost on the way loses nothing.
 */
export function createPoll(options: PollOptions): Mode {
  const { address, deployment, maxAnswerBytes, clean, notes, clock, log, closing } = options;
  const { headers } = address;
  // The service's name alone is enough.
  const path = address.url.pathname.replace(/\/$/, '') || '/api/workflow/infer';
  const runs = new URL(path, address.url);
  const records = new URL(`${path}/`, address.url);
  const cancels = new URL(`${path}/cancel`, address.url);
  const poller = createPoller({ ask, clock, log });
  const stopping = new Set<Promise<void>>();

  return {
    capabilities: { progress: false, preview: false, cancel: true, resume: true, handleFirst: true },
    run,
    async *resume(handle, { patience }) {
      // It stays the one by which the run is found.
      yield { type: 'handle-assigned', handle };
      return await untilEnded(handle, patience);
    },
    async close() {
      await Promise.all(stopping);
    },
  };

  async function* run(request: RunRequest, session: Session): AsyncGenerator<BackendEvent, Result> {
    const { files, workflow } = request;
    const promptId = randomUUID();
    const fields = {
      params: jsonOf(request),
      prompt_id: promptId,
      view_comfy_api_url: deployment,
      ...(workflow && { workflow_api: JSON.stringify(workflow) }),
    };
    const form = await createMultipart({ files, fields });
    yield { type: 'handle-assigned', handle: promptId };
    await submit(promptId, form, session);
    return await untilEnded(promptId, session.patience);
  }

  /** Resolves when the service has taken the run, perhaps: then it knows its name. */
  async function submit(promptId: string, form: Payload, { http, patience }: Session): Promise<void> {
    try {
      await readJson(await lastOf(http.post(runs, headers, form)), maxAnswerBytes);
    } catch (error) {
      if (!(error instanceof BackendError) || error.billed === 'no') throw error;
      if (LOST.has(error.type) && !patience.signal.aborted) {
        log.warn({ error }, 'The answer to a run was lost: asking whether ViewComfy has taken it');
        return;
      }
      stop(promptId);
      throw error;
    }
  }

  async function untilEnded(promptId: string, patience: Patience): Promise<Result> {
    try {
      return await poller.watch(promptId, patience);
    } catch (error) {
      stop(promptId);
      throw error;
    }
  }

  async function ask(promptIds: readonly string[]): Promise<Map<string, Result | BackendError>> {
    const question = new URL(records);
    for (const promptId of promptIds) question.searchParams.append('prompt_ids', promptId);
    const answer = await withPatience({ ...QUESTION, signal: closing }, async ({ http }) =>
      readJson(await lastOf(http.get(question, headers)), maxAnswerBytes),
    );
    const found = Records.safeParse(answer);
    if (!found.success) {
      throw new BackendError('no list of runs', { type: 'unintelligible', cause: found.error });
    }
    // Only what was asked for counts, and it is found by its name: the order says nothing.
    return new Map(
      found.data.flatMap((record) => {
        const { data: promptId } = Named.safeParse(record);
        return promptId !== undefined && promptIds.includes(promptId) ? [[promptId, recordOf(record)] as const] : [];
      }),
    );
  }

  function recordOf(record: unknown): Result | BackendError {
    try {
      return readResult(record, notes);
    } catch (error) {
      if (error instanceof BackendError) return error;
      throw error;
    }
  }

  /** Nobody waits for the run any more: it need not cost more. When the bot closes it is left to be found again. */
  function stop(promptId: string): void {
    if (closing.aborted) return;
    const stopped = cancel(promptId).catch((error: unknown) =>
      log.warn({ error, handle: promptId }, 'A run could not be stopped at ViewComfy'),
    );
    stopping.add(stopped);
    void stopped.finally(() => stopping.delete(stopped));
  }

  /** Tried until it works, for a while: the word may arrive before the run does. */
  async function cancel(promptId: string): Promise<void> {
    const wish = createJson({ prompt_id: promptId, view_comfy_api_url: deployment });
    const { signal } = new AbortController();
    await withPatience({ ...CANCEL, signal }, async ({ http, patience }) => {
      for (;;) {
        try {
          await lastOf(http.post(cancels, headers, wish));
          return;
        } catch (error) {
          // Why it did not work says more than that the time is over.
          await patience.pause(CANCEL_PAUSE_MS).catch(() => Promise.reject(error));
        }
      }
    });
  }

  async function withPatience<T>(
    limits: { idleTimeoutMs: number; totalTimeoutMs: number; signal: AbortSignal },
    use: (session: Omit<Session, 'files'>) => Promise<T>,
  ): Promise<T> {
    const patience = createPatience({ clock, ...limits });
    try {
      return await use({ http: createHttp({ name: 'ViewComfy', clock, patience, clean }), patience });
    } finally {
      patience.end(new BackendError('the question was answered', { type: 'cancelled' }));
    }
  }
}

/** This API has no addresses of its own for its answers. */
async function lastOf(hops: AsyncGenerator<URL, Answer>): Promise<Answer> {
  for (;;) {
    const hop = await hops.next();
    if (hop.done) return hop.value;
  }
}
