import { BackendError } from '../errors.ts';
import { parametersOf, wordsOfText } from './detail.ts';

/** An answer that is no success. */
export interface RefusedAnswer {
  /** of the service, for messages */
  readonly name: string;
  readonly status: number;
  /** the start of its body */
  readonly text: string;
  readonly retryAfter: string | undefined;
  /** milliseconds since the epoch, for a `retryAfter` that is a date */
  readonly now: number;
  /** the service has certainly got the run, so that it may have been paid for */
  readonly taken: boolean;
  /** for the service's own words */
  readonly clean: (text: string) => string | undefined;
}

/** What an answer means that is no success. */
export function refusalOf({ name, status, text, retryAfter, now, taken, clean }: RefusedAnswer): BackendError {
  const words = wordsOfText(text);
  const detail = words === undefined ? undefined : clean(words);
  const retryAfterMs = readRetryAfter(retryAfter, now);
  const parameters = parametersOf(text);
  const billed = taken ? 'maybe' : 'no';
  const about = {
    status,
    billed,
    parameters,
    ...(detail !== undefined && { detail }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  } as const;
  const message = `${name} answered HTTP ${status}`;
  if (status === 429) return new BackendError(message, { ...about, type: 'refused', retryable: !taken });
  // With a time to come back it is an orderly no; without one it may be a proxy that lost the service behind it.
  if (status === 503 && !taken && retryAfterMs !== undefined) {
    return new BackendError(message, { ...about, type: 'unreachable', retryable: true });
  }
  if (status === 400 || status === 413 || status === 415 || status === 422) {
    return new BackendError(message, { ...about, type: 'invalid' });
  }
  if (status < 500) return new BackendError(message, { ...about, type: 'refused' });
  const type = status === 504 ? 'timeout' : status === 502 || status === 503 ? 'cut' : 'failed';
  return new BackendError(message, { ...about, type, billed: 'maybe' });
}

/** Seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
