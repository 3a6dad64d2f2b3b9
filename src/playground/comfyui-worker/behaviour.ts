/** How a worker does its next run, where that is not to do it well. JSON, so that a process can be told. */
export interface WorkerBehaviour {
  /**
   * - `error`: the run ends with `words`
   * - `invalid`: the workflow is refused with `words`, which are JSON, before anything runs
   * - `silence`: nothing is told, and nothing ever answered
   * - `no-files`, `lost-file`: it ends well, without files or with one that is not there
   * - `give-back`: rejected without an answer, which makes it a dead letter
   * - `something-else`: a reply of another shape
   * - `crash`: JsonRPC's own error
   */
  readonly ending?:
    | 'success'
    | 'error'
    | 'invalid'
    | 'silence'
    | 'no-files'
    | 'lost-file'
    | 'give-back'
    | 'something-else'
    | 'crash';
  readonly words?: string;
  /** Sends what nobody understands, and what is of others, beside what it should. */
  readonly extras?: boolean;
  /** how long a step takes */
  readonly stepMs?: number;
  /** said to be the result, instead of what was written */
  readonly files?: readonly { readonly filename: string; readonly subfolder: string; readonly type: string }[];
}
