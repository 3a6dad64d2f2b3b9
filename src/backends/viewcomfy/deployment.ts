import { BackendError, type BackendErrorType } from '../../errors.ts';
import type { BackendEvent, RunRequest } from '../backend.ts';
import type { Answer } from '../http.ts';
import { jsonOf } from '../parameters.ts';
import { createMultipart } from '../payload.ts';
import type { ResultFiles } from '../result-files.ts';
import type { Address } from './address.ts';
import type { Mode, Session } from './mode.ts';
import type { Notes } from './notes.ts';
import { isJson } from './plain.ts';
import { readResult, type Result } from './result.ts';
import { readStream } from './stream.ts';

export interface DeploymentOptions {
  readonly address: Address;
  /** whether the log is to come while the run does */
  readonly logs: boolean;
  readonly maxAnswerBytes: number;
  readonly clean: (text: string) => string | undefined;
  readonly notes: Notes;
}

/** Before the answer is asked for again, at an address where that begins no new run. */
const PAUSES_MS = [500, 2000, 5000] as const;
const PASSING: ReadonlySet<BackendErrorType> = new Set<BackendErrorType>(['cut', 'unreachable', 'timeout']);

/**
 * ViewComfy's first generation: one POST to the deployment's own address, answered by the result. Nothing tells a run to
 * stop but hanging up. What takes longer than 150 s is sent on to an address of the answer's own (Modal's limit:
 * https://modal.com/docs/guide/webhook-timeouts), which is the handle of the run from then on.
 */
export function createDeployment({ address, logs, maxAnswerBytes, clean, notes }: DeploymentOptions): Mode {
  const { url, headers } = address;
  return {
    capabilities: { progress: logs, preview: false, cancel: false, resume: true },
    run,
    async *resume(handle, session) {
      const target = URL.parse(handle);
      // The secret goes there: an old handle must not take it to a server that is not ours any more.
      if (target?.origin !== url.origin) {
        throw new BackendError('the handle of another deployment', { type: 'unintelligible' });
      }
      return yield* answer(session.http.get(target, headers), session, target);
    },
    close: async () => {},
  };

  async function* run({ parameters, files, workflow }: RunRequest, session: Session) {
    const fields = {
      ...(workflow && { workflow_api: JSON.stringify(workflow) }),
      params: jsonOf({ parameters, files }),
      logs: String(logs),
    };
    const form = await createMultipart({ files, fields });
    return yield* answer(session.http.post(url, headers, form), session);
  }

  /** What breaks off is asked for again where the run has an address: that is no second run. */
  async function* answer(
    hops: AsyncGenerator<URL, Answer>,
    { http, patience, files }: Session,
    known?: URL,
  ): AsyncGenerator<BackendEvent, Result> {
    let handle = known;
    for (let tries = 0; ; tries += 1) {
      try {
        const asked = handle && tries > 0 ? http.get(handle, headers) : hops;
        for (let hop = await asked.next(); ; hop = await asked.next()) {
          if (hop.done) return yield* readAnswer(hop.value, files);
          if (hop.value.href === handle?.href) continue;
          handle = hop.value;
          yield { type: 'handle-assigned', handle: handle.href };
        }
      } catch (error) {
        const pauseMs = PAUSES_MS[tries];
        const mayPass = error instanceof BackendError && PASSING.has(error.type);
        if (!handle || !mayPass || pauseMs === undefined || patience.signal.aborted) throw error;
        await patience.pause(pauseMs);
      }
    }
  }

  /** The answer says itself what it is, whatever was asked for. */
  async function* readAnswer(answer: Answer, files: ResultFiles): AsyncGenerator<BackendEvent, Result> {
    if (answer.contentType === 'text/event-stream') {
      return yield* readStream(answer, { files, maxAnswerBytes, clean, notes });
    }
    if (isJson(answer)) return readResult(await files.read(answer.body), notes);
    throw new BackendError(`an answer of type ${answer.contentType || 'none'} is not ViewComfy's`, {
      type: 'unintelligible',
    });
  }
}
