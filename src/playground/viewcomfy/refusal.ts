/** A request that is answered with a status and a body instead of a run. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: string, headers: Readonly<Record<string, string>>, options?: ErrorOptions) {
    super(`${status}: ${body}`, options);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** FastAPI's own error: one sentence. */
export function refuse(status: number, detail: string, options?: ErrorOptions): Refusal {
  return new Refusal(status, JSON.stringify({ detail }), { 'content-type': 'application/json' }, options);
}

/** One thing that is wrong with a request, as FastAPI (pydantic) words it. */
export interface Complaint {
  readonly type: string;
  readonly loc: readonly string[];
  readonly msg: string;
  readonly input?: unknown;
}

/** FastAPI's answer to a request that has the wrong shape. */
export function refuseInput(complaints: readonly Complaint[], options?: ErrorOptions): Refusal {
  const detail = complaints.map((complaint) => ({ input: null, ...complaint }));
  return new Refusal(422, JSON.stringify({ detail }), { 'content-type': 'application/json' }, options);
}
