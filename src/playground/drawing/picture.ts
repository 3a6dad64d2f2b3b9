/** A finished picture file. */
export interface Picture {
  /** what its name begins with, as the workflow's SaveImage node has it */
  readonly prefix: string;
  readonly mediaType: string;
  readonly body: Buffer;
}
