import { Readable } from 'node:stream';
import { Agent, request, type Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import { BackendError } from '../errors.ts';
import type { Patience } from './patience.ts';
import type { Payload } from './payload.ts';
import { refusalOf, type RefusedAnswer } from './refusal.ts';

/** Requests that share one patience: all their connections end with it. What is no success is a `BackendError`. */
export interface Http {
  /**
   * Posts, and follows redirects until there is an answer of success. Yields every address that the service gives to
   * ask for the result at (303): a run is found again there. What was certainly not taken is sent again, a few times.
   */
  post(url: URL, headers: Headers, payload: Payload): AsyncGenerator<URL, Answer>;
  /** The same for what may be asked as often as one likes. */
  get(url: URL, headers: Headers): AsyncGenerator<URL, Answer>;
  /** Gets a file from elsewhere: without our credentials, and only from addresses that `allows`. */
  fetch(url: URL, allows: (url: URL) => boolean, headers?: Headers): Promise<Answer>;
}

type Headers = Readonly<Record<string, string>>;

/** Its body is for the caller to read or to leave. */
export interface Answer {
  readonly status: number;
  /** lower case, without parameters */
  readonly contentType: string;
  readonly body: AsyncIterable<Buffer>;
  /** @param name in lower case */
  header(name: string): string | undefined;
}

export interface HttpOptions {
  /** of the service, for messages */
  readonly name: string;
  readonly clock: Clock;
  readonly patience: Patience;
  /** for the service's own words */
  readonly clean: (text: string) => string | undefined;
  /** what an answer means that is no success, where the service has its own way to say it */
  readonly refuse?: (answer: RefusedAnswer) => BackendError;
}

/** Redirects that are followed at once; later ones at most once a second, for as long as the patience lasts. */
const QUICK_REDIRECTS = 20;
const REDIRECT_PAUSE_MS = 1000;
/** Before the second, third and fourth try to reach a service that is not there: a restart, or a name not yet known. */
const RESEND_PAUSES_MS = [300, 700, 1500] as const;
/** A service that wants to be left alone for longer has the core decide, which may tell the person. */
const LONGEST_RETRY_AFTER_MS = 120_000;
/** More of an error's body is not read, and it is not waited for longer. */
const LONGEST_ERROR_BODY = 64 * 1024;
const LONGEST_ERROR_BODY_MS = 10_000;

type Response = Dispatcher.ResponseData;

/** One send: where to, and what the run owes by then. */
interface Send {
  readonly url: URL;
  readonly headers: Headers;
  readonly payload?: Payload;
  /** the service has certainly got the run: whatever happens from here on may have been paid for */
  readonly taken: boolean;
}

export function createHttp({ name, clock, patience, clean, refuse = refusalOf }: HttpOptions): Http {
  // No connection is kept: a POST on one that the server has just closed could not be told from a run that was taken.
  // undici's own timeouts are off, because a cold start is longer than any of them; `Patience` is the clock here.
  const dispatcher = new Agent({ pipelining: 0, headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 15_000 } });
  // Hanging up on one request alone makes undici 6 connect anew, for nobody: so the whole agent goes, and it goes first.
  patience.signal.addEventListener('abort', () => void dispatcher.destroy(patience.signal.reason), { once: true });
  return {
    post: (url, headers, payload) => follow({ url, headers, payload, taken: false }),
    get: (url, headers) => follow({ url, headers, taken: true }),
    fetch,
  };

  async function* follow(first: Send): AsyncGenerator<URL, Answer> {
    let next = first;
    for (let hops = 0; ; hops += 1) {
      const response = await deliver(next);
      if (!isRedirect(response)) return answerOf(response);
      await finish(response);
      next = redirected(next, response);
      if (!next.payload) yield next.url;
      if (hops >= QUICK_REDIRECTS) await patience.pause(REDIRECT_PAUSE_MS);
    }
  }

  async function fetch(url: URL, allows: (url: URL) => boolean, headers: Headers = {}): Promise<Answer> {
    let target = url;
    for (let hops = 0; hops <= QUICK_REDIRECTS; hops += 1) {
      if (!allows(target)) {
        throw new BackendError('a result file at an address that is not allowed', { type: 'unintelligible' });
      }
      const response = await sendOnce({ url: target, headers, taken: true });
      if (!isRedirect(response)) return answerOf(response);
      await finish(response);
      target = locationOf(target, response);
    }
    throw new BackendError('a result file that is only ever redirected', { type: 'unintelligible' });
  }

  /** Sends, and sends again what the service has certainly not taken: nobody was there, or it said when to come back. */
  async function deliver(what: Send): Promise<Response> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await sendOnce(what);
      } catch (error) {
        const pauseMs = error instanceof BackendError ? pauseAfter(error, tries) : undefined;
        if (pauseMs === undefined) throw error;
        await patience.pause(pauseMs).catch(() => giveUp(what.taken));
      }
    }
  }

  function pauseAfter({ type, retryable, retryAfterMs }: BackendError, tries: number): number | undefined {
    const standard = RESEND_PAUSES_MS[tries];
    if (!retryable || standard === undefined) return undefined;
    const pauseMs = retryAfterMs ?? (type === 'unreachable' ? standard : undefined);
    if (pauseMs === undefined || pauseMs > LONGEST_RETRY_AFTER_MS || pauseMs >= patience.leftMs()) return undefined;
    return pauseMs;
  }

  /** Gives an answer of success or a redirect. */
  async function sendOnce(what: Send): Promise<Response> {
    const response = await send(what);
    if (response.statusCode < 300 || isRedirect(response)) return response;
    throw refuse({
      name,
      status: response.statusCode,
      text: await readStart(response),
      retryAfter: headerOf(response, 'retry-after'),
      now: clock.now(),
      taken: what.taken,
      clean,
    });
  }

  async function send({ url, headers, payload, taken }: Send): Promise<Response> {
    if (patience.signal.aborted) giveUp(taken);
    let sent = taken;
    const body = payload && Readable.from(counted(payload), { objectMode: false });
    try {
      const response = await request(url, {
        dispatcher,
        method: payload ? 'POST' : 'GET',
        headers: {
          accept: '*/*',
          ...headers,
          ...(payload && { 'content-type': payload.contentType, 'content-length': String(payload.contentLength) }),
        },
        body: body ?? null,
        signal: patience.signal,
      });
      patience.touch();
      // Whoever reads the body hears of its errors; one that nobody reads any more must not bring the process down.
      response.body.on('error', () => {});
      return response;
    } catch (cause) {
      if (patience.signal.aborted) giveUp(sent);
      throw networkError(cause, sent);
    }

    // undici asks for the first bytes only once it is connected, TLS included.
    async function* counted(payload: Payload): AsyncGenerator<Buffer> {
      for await (const chunk of payload.body()) {
        sent = true;
        patience.touch();
        yield chunk;
      }
    }
  }

  /** Throws why the wait is over; what was not sent has cost nothing. */
  function giveUp(sent: boolean): never {
    const reason: unknown = patience.signal.reason;
    if (sent || !(reason instanceof BackendError)) throw reason;
    throw new BackendError(reason.message, { type: reason.type, billed: 'no', cause: reason });
  }

  function redirected({ url, headers, payload, taken }: Send, response: Response): Send {
    const target = locationOf(url, response);
    // A way back for the result (303), or the same request at another address (307, 308). Nothing else means anything
    // to a POST: browsers turn it into a GET, which has lost the run.
    const again = response.statusCode === 307 || response.statusCode === 308;
    if (!again && payload && response.statusCode !== 303) {
      throw new BackendError(`${name} redirects a POST with HTTP ${response.statusCode}`, {
        type: 'refused',
        billed: 'no',
      });
    }
    if (target.origin !== url.origin) {
      throw new BackendError(`${name} redirects to another origin, where the secret must not go`, {
        type: 'refused',
        billed: again && !taken ? 'no' : 'maybe',
      });
    }
    return again && payload ? { url: target, headers, payload, taken } : { url: target, headers, taken: true };
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
    if (sent) {
      return new BackendError(`the connection to ${name} ended before the answer${code}`, { type: 'cut', cause });
    }
    const message = `${name} cannot be reached${code}`;
    return new BackendError(message, { type: 'unreachable', retryable: true, billed: 'no', cause });
  }

  function answerOf(response: Response): Answer {
    return {
      status: response.statusCode,
      contentType: (headerOf(response, 'content-type') ?? '').split(';', 1).join('').trim().toLowerCase(),
      body: readBody(response),
      header: (header) => headerOf(response, header),
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
    const stop = clock.after(LONGEST_ERROR_BODY_MS, () => response.body.destroy());
    try {
      for await (const chunk of readBody(response)) {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= LONGEST_ERROR_BODY) break;
      }
    } catch {
      // The status has said what matters; only a wait that is over still counts.
      patience.signal.throwIfAborted();
    } finally {
      stop();
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

function isRedirect({ statusCode }: Response): boolean {
  return [301, 302, 303, 307, 308].includes(statusCode);
}

function headerOf(response: Response, name: string): string | undefined {
  const value = response.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
