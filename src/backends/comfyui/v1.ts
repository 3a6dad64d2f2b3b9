import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { BackendError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { fillWorkflow, withSafeSeeds, type Workflow } from '../../recipes/workflow.ts';
import type { BackendEvent } from '../backend.ts';
import { createHttp } from '../http.ts';
import { createJson } from '../payload.ts';
import { parsePythonJson } from '../python-json.ts';
import { refusalOf, type RefusedAnswer } from '../refusal.ts';
import type { ResultOutput } from '../result-files.ts';
import { lastOf, readJson, type Ask } from './ask.ts';
import { refusePrompt, runFailure } from './failures.ts';
import { handleOf, type Mode, type Session } from './mode.ts';
import { readOutputs } from './outputs.ts';
import { resultOutputs, type Ended } from './records.ts';
import { uploadFiles } from './uploads.ts';

export interface V1Options {
  readonly ask: Ask;
  readonly clean: (text: string) => string | undefined;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** The answer is asked for after a second at first; the server's own `Retry-After` of a minute is for long jobs. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 5000;
const LONGEST_PAUSE_AFTER_FAILURE_MS = 15_000;
const ABSENCES = 3;

const Accepted = z.object({ prompt_id: z.string().min(1), outputs: z.unknown().optional() });
const RunStatus = z.object({ status_str: z.literal('error'), messages: z.array(z.unknown()).nullish() });

/**
 * The REST API of the hiddenswitch fork: the prompt alone goes in, an id comes out, and is asked for until it has
 * outputs. The server makes the id, so that an answer which is lost on the way is a run that is lost. Nothing tells how
 * far a run is, and nothing stops it. Only a frontend with workers does all this; one process alone has the native API.
 */
export function createV1({ ask, clean, clock, log }: V1Options): Mode {
  return {
    capabilities: { progress: false, preview: false, cancel: false, resume: true, handleFirst: false },

    async *run({ workflow: unfilled, files }, session) {
      const values = await uploadFiles(files, session);
      const workflow = withSafeSeeds(fillWorkflow(unfilled, values).workflow);
      const { prompt_id: promptId, outputs } = await submit(workflow, session);
      session.taken();
      yield { type: 'handle-assigned', handle: handleOf(session.server, promptId) };
      // A server that does not know `Prefer` has waited, and answers the whole.
      if (outputs !== undefined) return resultOutputs(readOutputs(outputs), session.server);
      return resultOutputs(await untilEnded(promptId, workflow, session), session.server);
    },

    async *resume(promptId, session): AsyncGenerator<BackendEvent, ResultOutput[]> {
      yield { type: 'handle-assigned', handle: handleOf(session.server, promptId) };
      return resultOutputs(await untilEnded(promptId, undefined, session), session.server);
    },

    close: async () => {},
  };

  async function submit(workflow: Workflow, { server, patience }: Session): Promise<z.infer<typeof Accepted>> {
    const refuse = (answer: RefusedAnswer) => refuseV1(answer, workflow);
    const http = createHttp({ name: 'ComfyUI', clock, patience, clean, refuse });
    // Both to the letter: a list in `accept` is refused, and so is a content type with a parameter.
    const headers = { ...server.headers, accept: 'application/json', prefer: 'respond-async' };
    const answer = await readJson(
      await lastOf(http.post(server.route('api/v1/prompts'), headers, createJson(workflow))),
    );
    if (answer === undefined) {
      throw new BackendError('the run gave no files', {
        type: 'failed',
        detail: 'no files: the workflow saved nothing',
      });
    }
    const accepted = Accepted.safeParse(answer);
    if (accepted.success) return accepted.data;
    throw new BackendError('an answer to a prompt that is not of the REST API', {
      type: 'unintelligible',
      cause: accepted.error,
    });
  }

  async function untilEnded(promptId: string, workflow: Workflow | undefined, session: Session): Promise<Ended> {
    const { server, patience } = session;
    const path = `api/v1/prompts/${encodeURIComponent(promptId)}`;
    const refuse = (answer: RefusedAnswer) => refuseRun(answer, workflow);
    let absences = 0;
    let failures = 0;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
      const afterFailure = failures > 0 ? Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_AFTER_FAILURE_MS) : 0;
      await pauseInTouch(Math.max(pauseMs, afterFailure), failures === 0, session);
      try {
        // 204, an empty answer: it still runs.
        const outputs = await ask({ server, path, refuse, signal: patience.signal });
        if (outputs !== undefined) return readOutputs(outputs);
        [absences, failures] = [0, 0];
      } catch (error) {
        patience.signal.throwIfAborted();
        if (!(error instanceof BackendError) || (error.type === 'failed' && error.status === undefined)) throw error;
        if (error.status === 404) {
          absences += 1;
          if (absences < ABSENCES) continue;
          const detail = 'the server has lost the run, perhaps because it was restarted';
          throw new BackendError('ComfyUI does not know the run', { type: 'unknown', detail, cause: error });
        }
        const passes = ['unreachable', 'cut', 'timeout', 'failed', 'unintelligible'].includes(error.type);
        if (!passes && error.status !== 429) throw error;
        failures += 1;
        log.debug({ error, failures }, 'ComfyUI could not be asked how a run stands');
      }
    }
  }

  /** A pause on purpose is no silence; one because nobody answers is. */
  async function pauseInTouch(ms: number, isInTouch: boolean, { patience }: Session): Promise<void> {
    if (isInTouch) return await patience.pause(ms);
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = clock.after(ms, resolve);
    const wake = () => resolve();
    patience.signal.addEventListener('abort', wake);
    await promise;
    patience.signal.removeEventListener('abort', wake);
    stop();
    patience.signal.throwIfAborted();
  }

  /** What the fork's statuses mean before a run has begun. */
  function refuseV1(answer: RefusedAnswer, workflow: Workflow): BackendError {
    const about = { status: answer.status, billed: 'no', retryable: true } as const;
    if (answer.status === 503) {
      return new BackendError('ComfyUI is shutting down', { ...about, type: 'unreachable' });
    }
    if (answer.status === 507) {
      return new BackendError("ComfyUI's disk is full", {
        ...about,
        type: 'refused',
        detail: "the server's disk is full",
      });
    }
    // Not a refusal: the job runs all the same, and nobody can ask for it (seen in the fork without workers).
    if (answer.status === 500 && answer.text.includes('a coroutine was expected')) {
      const detail = 'this server has no workers: its REST API does not answer. Use its native API';
      return new BackendError('the REST API of a server without workers', { type: 'failed', detail });
    }
    return answer.status === 500 ? refuseRun(answer, workflow) : refusePrompt(answer, workflow);
  }

  /** 500 with a status is how a run ended; without one it is trouble that passes. */
  function refuseRun(answer: RefusedAnswer, workflow: Workflow | undefined): BackendError {
    const status = answer.status === 500 ? RunStatus.safeParse(tryParse(answer.text)) : undefined;
    return status?.success ? runFailure(status.data.messages ?? [], workflow, clean) : refusalOf(answer);
  }
}

function tryParse(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}
