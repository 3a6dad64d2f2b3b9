import { Readable } from 'node:stream';
import { Agent, request, type Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import { BackendError } from '../errors.ts';
import { wordsOfText } from './detail.ts';
import type { Multipart } from './multipart.ts';
import type { Patience } from './patience.ts';

/** The requests of one run; all connections end with its patience. */
export interface Http {
  /**
   * Posts a form and follows redirects until there is an answer of success; any other is thrown as a `BackendError`.
   * The body is for the caller to read or to leave.
   */
  post(url: URL, headers: Readonly<Record<string, string>>, form: Multipart): Promise<Answer>;
  /** Gets a file from elsewhere: without our headers, and only from addresses that `allows`. */
  get(url: URL, allows: (url: URL) => boolean): Promise<Answer>;
}

export interface Answer {
  /** lower case, without parameters */
  readonly contentType: string;
  readonly contentLength: number | undefined;
  readonly body: AsyncIterable<Buffer>;
}

export interface HttpOptions {
  /** of the service, for messages */
  readonly name: string;
  readonly clock: Clock;
  readonly patience: Patience;
  /** for the service's own words */
  readonly clean: (text: string) => string | undefined;
}

/** Redirects that are followed at once; later ones at most once a second, for as long as the patience lasts. */
const QUICK_REDIRECTS = 20;
const REDIRECT_PAUSE_MS = 1000;
/** More of an error's body is not read. */
const LONGEST_ERROR_BODY = 64 * 1024;

type Response = Dispatcher.ResponseData;

/** One send: where to, and what the run owes by then. */
interface Send {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly form?: Multipart;
  /** the service has certainly got the run: whatever happens from here on may have been paid for */
  readonly taken: boolean;
}

export function createHttp({ name, clock, patience, clean }: HttpOptions): Http {
  // No connection is kept: a POST on one that the server has just closed could not be told from a run that was taken.
  // undici's own timeouts are off, because a cold start is longer than any of them; `Patience` is the clock here.
  const dispatcher = new Agent({ pipelining: 0, headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 15_000 } });
  // Hanging up on one request alone makes undici 6 connect anew, for nobody: so the whole agent goes, and it goes first.
  patience.signal.addEventListener('abort', () => void dispatcher.destroy(patience.signal.reason), { once: true });
  return { post, get };

  async function post(url: URL, headers: Send['headers'], form: Multipart): Promise<Answer> {
    let next: Send = { url, headers, form, taken: false };
    for (let hops = 0; ; hops += 1) {
      const { taken } = next;
      const response = await send(next);
      if (response.statusCode < 300) return answerOf(response);
      if (!isRedirect(response)) throw await refusalOf(response, taken);
      await finish(response);
      next = redirected(next, response);
      if (hops >= QUICK_REDIRECTS) await pause(REDIRECT_PAUSE_MS);
    }
  }

  async function get(url: URL, allows: (url: URL) => boolean): Promise<Answer> {
    let target = url;
    for (let hops = 0; hops <= QUICK_REDIRECTS; hops += 1) {
      if (!allows(target)) {
        throw new BackendError('a result file at an address that is not allowed', { type: 'unintelligible' });
      }
      const response = await send({ url: target, headers: {}, taken: true });
      if (response.statusCode < 300) return answerOf(response);
      if (!isRedirect(response)) throw await refusalOf(response, true);
      await finish(response);
      target = locationOf(target, response);
    }
    throw new BackendError('a result file that is only ever redirected', { type: 'unintelligible' });
  }

  async function send({ url, headers, form, taken }: Send): Promise<Response> {
    let sent = taken;
    const body = form && Readable.from(counted(form), { objectMode: false });
    try {
      const response = await request(url, {
        dispatcher,
        method: form ? 'POST' : 'GET',
        headers: {
          accept: '*/*',
          ...headers,
          ...(form && { 'content-type': form.contentType, 'content-length': String(form.contentLength) }),
        },
        body: body ?? null,
        signal: patience.signal,
      });
      patience.touch();
      // Whoever reads the body hears of its errors; one that nobody reads any more must not bring the process down.
      response.body.on('error', () => {});
      return response;
    } catch (cause) {
      patience.signal.throwIfAborted();
      throw networkError(cause, sent);
    }

    // undici asks for the first bytes only once it is connected, TLS included.
    async function* counted(form: Multipart): AsyncGenerator<Buffer> {
      for await (const chunk of form.body()) {
        sent = true;
        patience.touch();
        yield chunk;
      }
    }
  }

  function redirected({ url, headers, form, taken }: Send, response: Response): Send {
    const target = locationOf(url, response);
    // A way back for the result (303), or the same request at another address (307, 308). Nothing else means anything
    // to a POST: browsers turn it into a GET, which has lost the run.
    const again = response.statusCode === 307 || response.statusCode === 308;
    if (form && !again && response.statusCode !== 303) {
      throw new BackendError(`${name} has moved (HTTP ${response.statusCode})`, { type: 'refused', billed: 'no' });
    }
    if (target.origin !== url.origin) {
      throw new BackendError(`${name} redirects to another origin, where the secret must not go`, {
        type: 'refused',
        billed: again && !taken ? 'no' : 'maybe',
      });
    }
    return again && form ? { url: target, headers, form, taken } : { url: target, headers, taken: true };
  }

  function locationOf(url: URL, response: Response): URL {
    const location = headerOf(response, 'location');
    const target = location === undefined ? null : URL.parse(location, url.href);
    if (!target) throw new BackendError(`${name} redirects to nowhere`, { type: 'unintelligible' });
    // Credentials in an address are somebody else's idea of where to log in.
    target.username = '';
    target.password = '';
    return target;
  }

  function networkError(cause: unknown, sent: boolean): BackendError {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    return sent
      ? new BackendError(`the connection to ${name} ended before the answer${code}`, { type: 'cut', cause })
      : new BackendError(`${name} cannot be reached${code}`, {
          type: 'unreachable',
          retryable: true,
          billed: 'no',
          cause,
        });
  }

  /** What an answer that is no success means. */
  async function refusalOf(response: Response, taken: boolean): Promise<BackendError> {
    const { statusCode: status } = response;
    const words = wordsOfText(await readStart(response));
    const detail = words === undefined ? undefined : clean(words);
    const retryAfterMs = retryAfter(headerOf(response, 'retry-after'));
    const about = { ...(detail !== undefined && { detail }), ...(retryAfterMs !== undefined && { retryAfterMs }) };
    const message = `${name} answered HTTP ${status}`;
    const billed = taken ? 'maybe' : 'no';
    if (status === 429) return new BackendError(message, { type: 'refused', retryable: !taken, billed, ...about });
    if (status === 503) {
      // With a time to come back it is an orderly no; without one it may be a proxy that lost the service behind it.
      const orderly = !taken && retryAfterMs !== undefined;
      return new BackendError(message, {
        type: 'unreachable',
        retryable: orderly,
        billed: orderly ? 'no' : 'maybe',
        ...about,
      });
    }
    if (status === 400 || status === 413 || status === 415 || status === 422) {
      return new BackendError(message, { type: 'invalid', billed, ...about });
    }
    if (status < 500) return new BackendError(message, { type: 'refused', billed, ...about });
    if (status === 504) return new BackendError(message, { type: 'timeout', ...about });
    return new BackendError(message, { type: status === 502 ? 'cut' : 'failed', ...about });
  }

  function retryAfter(value: string | undefined): number | undefined {
    if (value === undefined) return undefined;
    const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - clock.now();
    return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
  }

  function answerOf(response: Response): Answer {
    const length = headerOf(response, 'content-length');
    return {
      contentType: (headerOf(response, 'content-type') ?? '').split(';', 1).join('').trim().toLowerCase(),
      contentLength: length === undefined ? undefined : Number(length),
      body: readBody(response),
    };
  }

  async function* readBody({ body }: Response): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of body.iterator({ destroyOnReturn: false })) {
        patience.touch();
        if (Buffer.isBuffer(chunk)) yield chunk;
      }
    } catch (cause) {
      patience.signal.throwIfAborted();
      throw networkError(cause, true);
    }
  }

  /** Lets a redirect's own few words pass, so that its connection closes in the ordinary way. */
  async function finish({ body }: Response): Promise<void> {
    await body.dump({ limit: LONGEST_ERROR_BODY }).catch(() => {});
    patience.signal.throwIfAborted();
  }

  /** The start of an error's body, as far as it comes. */
  async function readStart(response: Response): Promise<string> {
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of readBody(response)) {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= LONGEST_ERROR_BODY) break;
      }
    } catch {
      // The status has said what matters; only a wait that is over still counts.
      patience.signal.throwIfAborted();
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  async function pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = clock.after(ms, resolve);
    patience.signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    stop();
    patience.signal.throwIfAborted();
  }
}

function isRedirect({ statusCode }: Response): boolean {
  return [301, 302, 303, 307, 308].includes(statusCode);
}

function headerOf(response: Response, name: string): string | undefined {
  const value = response.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
