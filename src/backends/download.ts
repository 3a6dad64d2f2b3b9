import { BackendError, type BackendErrorType } from '../errors.ts';
import type { Answer, Http } from './http.ts';
import type { Patience } from './patience.ts';

export interface DownloadOptions {
  readonly http: Http;
  readonly patience: Patience;
  /** whether a file may be fetched from an address that an answer names */
  readonly allows: (url: URL) => boolean;
  /** sent to every address that `allows`: credentials, where all of them are the service's own */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Before the second, third and fourth try. */
const PAUSES_MS = [500, 2000, 5000] as const;
/** What may pass: the storage or the way to it is in trouble. */
const PASSING: ReadonlySet<BackendErrorType> = new Set<BackendErrorType>(['cut', 'failed', 'timeout']);

/**
 * Fetches a result file. Asking again is free here, so what breaks off goes on where it was, a few times.
 * @throws BackendError `cut` when the file cannot be had, `unintelligible` when its address is none that we go to
 */
export async function* download(
  address: string,
  { http, patience, allows, headers = {} }: DownloadOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const url = URL.parse(address);
  if (!url) throw new BackendError('a result file without a usable address', { type: 'unintelligible' });
  let got = 0;
  let version: string | undefined;
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await http.fetch(url, allows, { ...headers, ...(got > 0 && rangeFrom(got, version)) });
      const etag = answer.header('etag');
      if (got > 0 && etag !== version) throw new BackendError('a result file changed meanwhile', { type: 'refused' });
      version = etag;
      let known = answer.status === 206 ? got - startOf(answer) : got;
      for await (const chunk of answer.body) {
        const fresh = chunk.subarray(known);
        known -= chunk.length - fresh.length;
        got += fresh.length;
        if (fresh.length > 0) yield fresh;
      }
      return;
    } catch (error) {
      if (!(error instanceof BackendError) || error.type === 'unintelligible' || patience.signal.aborted) throw error;
      const pauseMs = PASSING.has(error.type) ? PAUSES_MS[tries] : undefined;
      if (pauseMs === undefined) throw new BackendError('a result file cannot be had', { type: 'cut', cause: error });
      await patience.pause(pauseMs);
    }
  }
}

/** The rest of the same version; without a version, the whole file may come again as well. */
function rangeFrom(offset: number, version: string | undefined): Record<string, string> {
  return { range: `bytes=${offset}-`, ...(version !== undefined && { 'if-range': version }) };
}

function startOf(answer: Answer): number {
  const start = /^bytes (\d+)-/.exec(answer.header('content-range') ?? '')?.[1];
  if (start === undefined) throw new BackendError('a part of a result file that is none', { type: 'unintelligible' });
  return Number(start);
}
