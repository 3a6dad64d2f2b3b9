import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { BackendError, type BackendErrorType } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { fillWorkflow, withSafeSeeds, type Workflow } from '../../recipes/workflow.ts';
import type { BackendEvent } from '../backend.ts';
import { createHttp } from '../http.ts';
import { createJson } from '../payload.ts';
import type { ResultOutput } from '../result-files.ts';
import { lastOf, readJson, type Ask } from './ask.ts';
import { createCancel } from './cancel.ts';
import { partlyRefused, refusePrompt } from './failures.ts';
import { follow } from './follow.ts';
import { createInbox } from './inbox.ts';
import { handleOf, type Mode, type Session } from './mode.ts';
import { resultOutputs } from './records.ts';
import { createSocket } from './socket.ts';
import { uploadFiles } from './uploads.ts';

export interface NativeOptions {
  /** how previews are made; `none` for none */
  readonly previews: 'auto' | 'latent2rgb' | 'taesd' | 'none';
  /** whether the server stops a run when it is told to */
  readonly cancels: boolean;
  readonly ask: Ask;
  readonly clean: (text: string) => string | undefined;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  /** aborted when the backend closes: runs are left to go on then */
  readonly closing: AbortSignal;
}

const Accepted = z.object({ prompt_id: z.string().min(1), node_errors: z.unknown().optional() });

/** Errors after which nobody knows whether the prompt was taken; the run's own name tells. */
const LOST: ReadonlySet<BackendErrorType> = new Set<BackendErrorType>(['cut', 'timeout']);

/**
 * ComfyUI's own API: a prompt goes in under a name that we give it, its history is the truth, and its socket tells the
 * rest. The name is told before anything is sent, so that a run is found again even when the bot died while sending it.
 */
export function createNative({ previews, cancels, ask, clean, clock, log, closing }: NativeOptions): Mode {
  const cancel = createCancel({ ask, clock, log });

  return {
    capabilities: { progress: true, preview: previews !== 'none', cancel: cancels, resume: true, handleFirst: true },

    async *run({ workflow: unfilled, files }, session) {
      const promptId = randomUUID();
      const values = await uploadFiles(files, session);
      const workflow = withSafeSeeds(fillWorkflow(unfilled, values).workflow);
      yield { type: 'handle-assigned', handle: handleOf(session.server, promptId) };
      return yield* untilEnded(promptId, workflow, session, () => submit(promptId, workflow, session));
    },

    async *resume(promptId, session) {
      // It stays the one by which the run is found.
      yield { type: 'handle-assigned', handle: handleOf(session.server, promptId) };
      return yield* untilEnded(promptId, undefined, session, async () => promptId);
    },

    close: () => cancel.close(),
  };

  /** @param begin gives the name under which the server has the run */
  async function* untilEnded(
    wished: string,
    workflow: Workflow | undefined,
    session: Session,
    begin: () => Promise<string>,
  ): AsyncGenerator<BackendEvent, ResultOutput[]> {
    const { server, patience } = session;
    const inbox = createInbox(clock);
    const socket = createSocket({ server, promptId: wished, clock, onHint: inbox.push, onTurn: inbox.ring });
    let promptId = wished;
    let isTaken = false;
    let isOver = false;
    try {
      await Promise.race([socket.ready, aborted(patience.signal)]);
      promptId = await begin();
      isTaken = true;
      session.taken();
      // Servers before July 2025 name their runs themselves.
      if (promptId !== wished) {
        socket.rename(promptId);
        yield { type: 'handle-assigned', handle: handleOf(server, promptId) };
      }
      const ended = yield* follow({ promptId, workflow, server, patience, socket, inbox, ask, clean, clock, log });
      isOver = true;
      return resultOutputs(ended, server);
    } catch (error) {
      isOver ||= error instanceof BackendError && (error.billed === 'no' || error.type === 'unknown');
      throw error;
    } finally {
      socket.close();
      // Nobody waits for it any more. When the bot closes it is left to be found again.
      if (!isOver && cancels && !closing.aborted) cancel.stop(server, promptId, isTaken);
    }
  }

  async function submit(promptId: string, workflow: Workflow, { server, patience }: Session): Promise<string> {
    const http = createHttp({
      name: 'ComfyUI',
      clock,
      patience,
      clean,
      refuse: (answer) => refusePrompt(answer, workflow),
    });
    const prompt = createJson({
      prompt: workflow,
      prompt_id: promptId,
      // Without one a run that is cached tells no outputs, and everybody's sockets hear of it.
      client_id: promptId,
      extra_data: { preview_method: previews },
    });
    let answer: unknown;
    try {
      answer = await readJson(await lastOf(http.post(server.route('prompt'), server.headers, prompt)));
    } catch (error) {
      if (!(error instanceof BackendError) || !LOST.has(error.type) || patience.signal.aborted) throw error;
      log.warn({ error }, 'The answer to a prompt was lost: asking whether ComfyUI has taken it');
      return promptId;
    }
    const accepted = Accepted.safeParse(answer);
    if (!accepted.success) {
      throw new BackendError('an answer to a prompt that is not ComfyUI’s', {
        type: 'unintelligible',
        cause: accepted.error,
      });
    }
    const invalid = partlyRefused(accepted.data.node_errors, workflow, clean);
    if (invalid) {
      cancel.stop(server, accepted.data.prompt_id, true);
      throw invalid;
    }
    return accepted.data.prompt_id;
  }
}

/** Resolves when the signal is aborted: whoever waits for it sees to the reason. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
