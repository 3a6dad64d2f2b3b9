/**
 * What a test can make the next runs do instead of what they should. All fields are independent, so that one run can
 * for example send single bytes, with LF, and be cut in the middle of the result.
 */
export interface Behaviour {
  /** answer with this before anything runs: what the deployment, or what stands in front of it, says */
  readonly refusal?: {
    readonly status: number;
    /** empty when absent */
    readonly body?: string;
    /** `application/json` when absent */
    readonly mediaType?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /**
   * How a run ends instead of with its result.
   * - `error`: an `error` event (a 500 without a stream), then the end
   * - `no-result`: the end of the stream (an empty body without a stream)
   * - `cut`: the connection is lost
   * - `cut-in-result`: the connection is lost while the result is sent
   * - `ping-only`: nothing but pings comes any more
   * - `silence`: nothing comes any more, pings neither
   *
   * A run that is asked for (`/api/workflow/infer`) ends in the history instead: `error` as a record that says so;
   * `no-result` and `cut` without a record; `cut-in-result` with files that always break off; `ping-only` never, and
   * `silence` so that no question about it is answered.
   */
  readonly ending?: 'error' | 'no-result' | 'cut' | 'cut-in-result' | 'ping-only' | 'silence';
  /** how many log lines come before `ending`; all when absent */
  readonly afterLines?: number;
  /** what the `error` event says */
  readonly errorText?: string;
  /** `error`: a result whose status is not success; `no-outputs`: success with nothing made */
  readonly result?: 'error' | 'no-outputs';
  readonly runMs?: number;
  /** before the first word of an answer, whether the container is cold or not */
  readonly coldStartMs?: number;
  /** when the answer is moved to an address of its own */
  readonly redirectAfterMs?: number;
  /** the run is taken, and the answer that says so is lost on its way */
  readonly answerLost?: boolean;
  /** how files are handed over: in the result (`base64`, the default), or as addresses to fetch from */
  readonly outputs?: 'base64' | 'filepath';
  /** only the first so many files; a real deployment may give 10 of the 15 */
  readonly outputCount?: number;
  /** events and fields that no client has heard of */
  readonly extras?: boolean;
  readonly duplicateResult?: boolean;
  /** as sse-starlette writes them when absent: CRLF */
  readonly lineEnd?: '\r\n' | '\n' | '\r';
  /** how the stream is cut into writes: as it comes, single bytes at first, or pieces of random length */
  readonly writes?: 'plain' | 'bytes' | 'random';
}
