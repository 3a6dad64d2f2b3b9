/** What a test can make the next runs do instead of what they should. All fields are independent. */
export interface Behaviour {
  /** answer the prompt with this: what ComfyUI, or what stands in front of it, says */
  readonly refusal?: {
    readonly status: number;
    /** empty when absent */
    readonly body?: string;
    /** `application/json` when absent */
    readonly mediaType?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** take the run, and say these about its nodes: a part of the workflow is invalid */
  readonly nodeErrors?: object;
  /**
   * How a run ends instead of with its result.
   * - `error`: an exception in the node that takes longest
   * - `interrupted`: as when somebody presses the button
   * - `silence`: it works on, but nothing is told of it, and questions about it have no answer
   */
  readonly ending?: 'error' | 'interrupted' | 'silence';
  readonly errorType?: string;
  readonly errorText?: string;
  /** it succeeds and has saved nothing */
  readonly nothing?: boolean;
  readonly runMs?: number;
  /** steps of the node that takes longest */
  readonly steps?: number;
  /** so many runs of somebody else, each as long as this one, are in the queue before it */
  readonly behind?: number;
  /** the run is taken, and the answer that says so is lost on its way */
  readonly answerLost?: boolean;
  /** in the middle of it every socket is cut, and the next question too */
  readonly cut?: boolean;
  /** its files break off while they are sent: the first time, or always */
  readonly filesBreak?: 'once' | 'always';
  /** frames of strangers' runs, of kinds that no client knows, twice, and with NaN in them; fields that nobody expects */
  readonly foreign?: boolean;
}
