import { BackendError } from '../errors.ts';
import type { BackendEvent, BackendHealth, ResumeRequest, RunRequest } from './backend.ts';

/** What is said to the thread. Runs have numbers, so that their events find their way. */
export type ToThread =
  | { readonly type: 'run'; readonly run: number; readonly request: Omit<RunRequest, 'signal'> }
  | {
      readonly type: 'resume';
      readonly run: number;
      readonly handle: string;
      readonly request: Omit<ResumeRequest, 'signal'>;
    }
  /** the last handle of the run is kept by whoever wanted it, so that the run may go on */
  | { readonly type: 'kept'; readonly run: number }
  /** nobody waits for the run any more */
  | { readonly type: 'abort'; readonly run: number }
  | { readonly type: 'close' };

/** What the thread says. After `ended` and `failed` a run is never heard of again. */
export type FromThread =
  | { readonly type: 'event'; readonly run: number; readonly event: BackendEvent }
  | { readonly type: 'ended'; readonly run: number }
  | { readonly type: 'failed'; readonly run: number; readonly failure: Failure }
  /** how the backend does, after each run */
  | { readonly type: 'health'; readonly health: readonly BackendHealth[] }
  | { readonly type: 'logged'; readonly level: 'debug' | 'warn'; readonly fields: object; readonly message: string }
  | { readonly type: 'closed' };

/** An error on its way between threads, where it would lose its class and its fields. */
export interface Failure {
  readonly message: string;
  readonly cause: unknown;
  /** of an error of the system, such as `ENOSPC` */
  readonly code?: string;
  /** of a `BackendError`; any other is our own fault */
  readonly fields?: Pick<
    BackendError,
    'type' | 'retryable' | 'billed' | 'detail' | 'retryAfterMs' | 'parameters' | 'status'
  >;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error), cause: undefined };
  // As text: what is inside may be anything, and not everything can be sent.
  const cause = error.cause instanceof Error ? error.cause.stack : error.stack;
  if (!(error instanceof BackendError)) {
    const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
    return { message: error.message, cause, ...code };
  }
  const { type, retryable, billed, detail, retryAfterMs, parameters, status } = error;
  return {
    message: error.message,
    cause,
    fields: { type, retryable, billed, detail, retryAfterMs, parameters, status },
  };
}

export function errorOf({ message, cause, code, fields }: Failure): Error {
  if (!fields) return Object.assign(new Error(message, { cause }), code !== undefined && { code });
  const { detail, retryAfterMs, status, ...others } = fields;
  return new BackendError(message, {
    ...others,
    ...(detail !== undefined && { detail }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status !== undefined && { status }),
    cause,
  });
}
