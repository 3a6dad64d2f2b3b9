import { BackendError, type BackendErrorType } from '../../errors.ts';
import type { Address } from '../address.ts';
import type { BackendEvent, RunRequest } from '../backend.ts';
import type { Answer } from '../http.ts';
import { jsonOf } from '../parameters.ts';
import { createMultipart } from '../payload.ts';
import type { ResultFiles } from '../result-files.ts';
import { isJson, notViewComfy } from './json-answer.ts';
import type { Mode, Session } from './mode.ts';
import type { Notes } from './notes.ts';
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
const PASSING: ReadonlySet<BackendErrorType> = new Set<BackendErrorType>(['cut', 'timeout']);

/**
 * ViewComfy's first generation: one POST to the deployment's own address, answered by the result. Nothing tells a run to
 * stop but hanging up. What takes longer than 150 s is sent on to an address of the answer's own (Modal's limit:
 * https://modal.com/docs/guide/webhook-timeouts), which is the handle of the run from then on.
 */
export function createDeployment({ address, logs, maxAnswerBytes, clean, notes }: DeploymentOptions): Mode {
  const { url, headers } = address;
  return {
    capabilities: { progress: logs, preview: false, cancel: false, resume: true, handleFirst: false },
    run,
    async *resume(handle, session) {
      const target = URL.parse(handle);
      // The secret goes there: an old handle must not take it to a server that is not ours any more.
      if (target?.origin !== url.origin) {
        throw new BackendError('the handle of another deployment, or of another way to it', { type: 'unknown' });
      }
      return yield* answer(session.http.get(target, headers), session, target);
    },
    close: async () => {},
  };

  async function* run(request: RunRequest, session: Session) {
    const { files, workflow } = request;
    const fields = {
      ...(workflow && { workflow_api: JSON.stringify(workflow) }),
      params: jsonOf(request),
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
    let asked = hops;
    let handle = known;
    // An answer that breaks off each time is not fetched for ever, however well everything before it goes.
    let answers = 0;
    for (let failures = 0; ;) {
      try {
        const hop = await asked.next();
        if (hop.done) {
          answers += 1;
          return yield* readAnswer(hop.value, files);
        }
        failures = 0;
        if (hop.value.href === handle?.href) continue;
        handle = hop.value;
        yield { type: 'handle-assigned', handle: handle.href };
      } catch (error) {
        const pauseMs = PAUSES_MS[Math.max(failures, answers - 1)];
        if (handle && isGone(error)) {
          throw new BackendError('the deployment does not know the run any more', { type: 'unknown', cause: error });
        }
        const mayPass = error instanceof BackendError && PASSING.has(error.type);
        if (!handle || !mayPass || pauseMs === undefined || patience.signal.aborted) throw error;
        await patience.pause(pauseMs);
        failures += 1;
        asked = http.get(handle, headers);
      }
    }
  }

  /** The answer says itself what it is, whatever was asked for. */
  async function* readAnswer(answer: Answer, files: ResultFiles): AsyncGenerator<BackendEvent, Result> {
    if (answer.contentType === 'text/event-stream') {
      return yield* readStream(answer, { files, maxAnswerBytes, clean, notes });
    }
    if (isJson(answer)) return readResult(await files.read(answer.body), notes);
    throw notViewComfy(answer);
  }
}

/** What an address says whose answer was fetched already, or has expired. */
function isGone(error: unknown): boolean {
  return error instanceof BackendError && (error.status === 404 || error.status === 410);
}
