/** What a test can make the next requests do instead of what they should. All fields are independent. */
export interface Behaviour {
  /** answer with this before anything runs or is charged: what the service, or what stands in front of it, says */
  readonly refusal?: {
    readonly status: number;
    /** empty when absent */
    readonly body?: string;
    /** `application/json` when absent */
    readonly mediaType?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly runMs?: number;
  /** what the answer is after the run, charged and all, instead of pictures */
  readonly answer?: { readonly status?: number; readonly body: string; readonly mediaType?: string };
  /**
   * How an answer ends.
   * - `cut`: the connection is lost before its first byte
   * - `cut-in-answer`: half of it comes
   * - `silence`: nothing ever comes
   */
  readonly ending?: 'cut' | 'cut-in-answer' | 'silence';
  /**
   * What an answer of base64 looks like, which the page does not show: `images` for several pictures when absent, and
   * `image` for one.
   */
  readonly form?: 'text' | 'string' | 'image' | 'images';
  /** each picture of base64 begins with `data:…;base64,` */
  readonly dataUrls?: boolean;
  /** only the first so many pictures */
  readonly count?: number;
  /** fields that no client has heard of */
  readonly extras?: boolean;
  /** `x-remaining-credits`, as it is written; `null` for no such header */
  readonly creditsHeader?: string | null;
}
