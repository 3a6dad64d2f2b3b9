/**
 * The two errors that mean something to somebody. Everything else that is thrown is our own fault and is told as such.
 */

/** Something the person can put right. Every problem is a whole sentence that is safe to show and says what to do. */
export class UserError extends Error {
  override name = 'UserError';
  readonly problems: readonly string[];

  constructor(problems: string | readonly string[], options?: ErrorOptions) {
    const list = typeof problems === 'string' ? [problems] : problems;
    super(list.join(' '), options);
    this.problems = list;
  }
}

/**
 * How a run can fail.
 * - `unreachable`: no connection was made, so nothing was taken
 * - `refused`: the backend does not accept us (credentials, quota, unknown deployment)
 * - `unsuited`: no backend that is configured can run the recipe, so none was asked
 * - `invalid`: the backend does not accept these parameters or files
 * - `failed`: the run itself ended in an error
 * - `cut`: the connection ended before the result was whole
 * - `timeout`: silent for too long, or longer than the whole run may take
 * - `too-large`: the answer is larger than we take
 * - `unintelligible`: the answer is not of this protocol
 * - `unknown`: the backend does not know the run that it is asked about
 * - `cancelled`: the signal of the request was aborted
 */
export const BACKEND_ERROR_TYPES = [
  'unreachable',
  'refused',
  'unsuited',
  'invalid',
  'failed',
  'cut',
  'timeout',
  'too-large',
  'unintelligible',
  'unknown',
  'cancelled',
] as const;
export type BackendErrorType = (typeof BACKEND_ERROR_TYPES)[number];

interface BackendErrorFields extends ErrorOptions {
  type: BackendErrorType;
  /** true only where the backend has certainly not taken the run, so that sending it again cannot be paid twice */
  retryable?: boolean;
  /** whether the run may cost money although it gave no result */
  billed?: 'no' | 'maybe';
  /** the backend's own words, cut to one line of at most 300 characters, without secrets, paths and tracebacks: may be shown */
  detail?: string;
  /** how long the backend asked to be left alone */
  retryAfterMs?: number;
  /** keys of the parameters that the backend complained about */
  parameters?: readonly string[];
  /** of the HTTP answer that was no success */
  status?: number;
}

/** What of a `BackendError` is kept with a job, to be told. */
export interface BackendFault {
  readonly type: BackendErrorType;
  readonly billed: 'no' | 'maybe';
  readonly detail?: string | undefined;
  readonly parameters: readonly string[];
}

/** A run that ended without a result. `message` is for the log; what a person reads is made from `type` and `detail`. */
export class BackendError extends Error implements BackendFault {
  override name = 'BackendError';
  readonly type: BackendErrorType;
  readonly retryable: boolean;
  readonly billed: 'no' | 'maybe';
  readonly detail: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly parameters: readonly string[];
  readonly status: number | undefined;

  constructor(message: string, fields: BackendErrorFields) {
    const {
      type,
      retryable = false,
      billed = 'maybe',
      detail,
      retryAfterMs,
      parameters = [],
      status,
      ...options
    } = fields;
    super(message, options);
    this.type = type;
    this.retryable = retryable;
    this.billed = billed;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
    this.parameters = parameters;
    this.status = status;
  }
}
