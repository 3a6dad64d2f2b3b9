import type { Clock } from '../../clock.ts';
import { BackendError } from '../../errors.ts';
import { createHttp, type Answer } from '../http.ts';
import { createPatience } from '../patience.ts';
import { createJson } from '../payload.ts';
import { parsePythonJson } from '../python-json.ts';
import type { RefusedAnswer } from '../refusal.ts';
import type { Server } from './server.ts';

/** A short question, which has a time of its own: a server that has gone silent must not keep a whole run waiting. */
interface Question {
  readonly server: Server;
  readonly path: string;
  /** posted where there is one */
  readonly value?: unknown;
  /** how long it may take in all: 30 s */
  readonly withinMs?: number;
  readonly signal: AbortSignal;
  readonly refuse?: (answer: RefusedAnswer) => BackendError;
}

/**
 * Gives the answer's JSON, undefined where it has no body.
 * @throws BackendError
 */
export type Ask = (question: Question) => Promise<unknown>;

/** Every waiting prompt stands in the queue's answer with its whole workflow. */
const MOST_BYTES = 64 * 1024 * 1024;

export function createAsk({ clock, clean }: { clock: Clock; clean: (text: string) => string | undefined }): Ask {
  return async function ask({ server, path, value, withinMs = 30_000, signal, refuse }) {
    const patience = createPatience({ clock, idleTimeoutMs: withinMs, totalTimeoutMs: withinMs, signal });
    try {
      const http = createHttp({ name: 'ComfyUI', clock, patience, clean, ...(refuse && { refuse }) });
      const url = server.route(path);
      return await readJson(
        await lastOf(
          value === undefined ? http.get(url, server.headers) : http.post(url, server.headers, createJson(value)),
        ),
      );
    } finally {
      patience.end(new BackendError('the question was answered', { type: 'cancelled' }));
    }
  };
}

/** ComfyUI has no addresses of their own for its answers; what redirects is a proxy. */
export async function lastOf(hops: AsyncGenerator<URL, Answer>): Promise<Answer> {
  for (;;) {
    const hop = await hops.next();
    if (hop.done) return hop.value;
  }
}

/** @throws BackendError `unintelligible` for another kind of answer, `cut` for the start of one, `too-large` */
export async function readJson({ body, contentType, status }: Answer): Promise<unknown> {
  const chunks: Buffer[] = [];
  let left = MOST_BYTES;
  for await (const chunk of body) {
    left -= chunk.length;
    if (left < 0) throw new BackendError(`an answer of more than ${MOST_BYTES} bytes`, { type: 'too-large' });
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '' || status === 204) return undefined;
  // Most often a page for people: of a gateway, or of something else at that address.
  if (!/[/+]json$/.test(contentType)) {
    throw new BackendError(`an answer of type ${contentType || 'none'} is not ComfyUI's`, { type: 'unintelligible' });
  }
  try {
    return parsePythonJson(text);
  } catch (cause) {
    throw new BackendError('an answer that is not whole', { type: 'cut', cause });
  }
}
