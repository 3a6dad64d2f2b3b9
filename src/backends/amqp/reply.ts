import { z } from 'zod';
import { BackendError } from '../../errors.ts';
import type { Workflow } from '../../recipes/workflow.ts';
import { partlyRefused, refusePrompt, runFailure } from '../comfyui/failures.ts';
import { readOutputs, type Given } from '../comfyui/outputs.ts';
import type { Heard } from './conversation.ts';

export interface ReplyReader {
  readonly id: string;
  /** whether a worker is known to have begun: then it may have cost something, whatever it says */
  readonly begun: boolean;
  /** the node that failed, by the name that people know it by */
  readonly failed: string | undefined;
  /** for the names of its nodes */
  readonly workflow?: Workflow | undefined;
  /** for the worker's own words */
  readonly clean: (text: string) => string | undefined;
}

const Result = z.object({
  prompt_id: z.string(),
  /** empty where the worker did not get as far as to read the request */
  user_token: z.string().nullish(),
  outputs: z.unknown(),
  /** what it is called, whether it is complete, and what went wrong */
  execution_status: z.tuple([z.string(), z.boolean(), z.array(z.unknown()).nullish()], z.unknown()),
});
/** JsonRPC's own, where the worker could not even make a result. */
const RpcError = z.object({ error: z.object({ message: z.string() }) });
/** The larger of ComfyUI's two forms: what is wrong with each node. */
const NodeErrors = z.record(z.string(), z.object({ errors: z.array(z.unknown()) }));
/** What ComfyUI's own API would have answered with, for those who read its answers. */
const NO_HTTP = { name: 'ComfyUI', status: 400, retryAfter: undefined, now: 0, taken: false } as const;
const RequestError = z.object({ type: z.string(), message: z.string() });

/**
 * What a worker's answer says that the run gave.
 * @throws BackendError
 */
export function readReply({ kind, body }: Extract<Heard, { type: 'reply' }>, reader: ReplyReader): Given {
  const { begun, clean } = reader;
  if (kind === 'error') {
    const detail = clean(RpcError.safeParse(body).data?.error.message ?? '');
    throw new BackendError('the worker failed', { type: 'failed', ...(detail !== undefined && { detail }) });
  }
  const { data: result, error: cause } = Result.safeParse(body);
  if (!result || result.prompt_id !== reader.id) {
    throw new BackendError('a reply of another shape', { type: 'unintelligible', cause });
  }
  const [status, completed, messages] = result.execution_status;
  if (status !== 'success' || !completed) {
    const text = messages?.filter((message) => typeof message === 'string').join('\n') ?? '';
    throw errorOf(text, { ...reader, unread: result.user_token === '' });
  }
  const given = readOutputs(result.outputs);
  if (given.files.length + given.texts.length > 0) return given;
  throw new BackendError('the run gave no files', {
    type: 'failed',
    billed: begun ? 'maybe' : 'no',
    detail: 'no files',
  });
}

function errorOf(text: string, reader: ReplyReader & { unread: boolean }): BackendError {
  const { begun, failed, clean, unread, workflow = {} } = reader;
  // A request that is refused is told as JSON inside the text; a run that failed, in the words of the node that did.
  const json = parse(text);
  const refusal = NodeErrors.safeParse(json).success
    ? partlyRefused(json, workflow, clean)
    : unread || RequestError.safeParse(json).success
      ? refusePrompt({ ...NO_HTTP, text, clean }, workflow)
      : undefined;
  if (refusal) {
    const { detail, parameters } = refusal;
    return new BackendError('the worker does not take the workflow', {
      type: 'invalid',
      billed: begun ? 'maybe' : 'no',
      parameters,
      ...(detail !== undefined && { detail }),
    });
  }
  const failure = runFailure([text], workflow, clean);
  if (failed === undefined || failure.detail === undefined) return failure;
  return new BackendError(failure.message, { type: 'failed', detail: clean(`${failed}: ${failure.detail}`) ?? failed });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
