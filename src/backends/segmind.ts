import type { Clock } from '../clock.ts';
import { BackendError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Backend, BackendEvent, RunRequest } from './backend.ts';
import { createCleaner } from './detail.ts';
import { createHttp, type Answer, type Http } from './http.ts';
import { forDeployed } from './parameters.ts';
import { createPatience, type Patience } from './patience.ts';
import { createAccount, type SegmindAccount } from './segmind/account.ts';
import { readPictures, type AnswerReader } from './segmind/answer.ts';
import { CHARACTER_KEYS, PLAIN_VALUES, problemOf } from './segmind/attributes.ts';
import { createBody } from './segmind/body.ts';
import { createPictureFiles } from './segmind/picture-files.ts';
import { wishOf, type Order, type Wish, type WishOptions } from './segmind/wish.ts';
import { createSlabs } from './slabs.ts';

export interface SegmindOptions extends WishOptions {
  /** what people read: `Segmind`, unless it is a stand-in */
  readonly name?: string;
  readonly apiKey: string;
  /** of the model: `https://api.segmind.com/v1/consistent-character-with-pose` */
  readonly url?: string;
  /** whoever runs the bot is warned when fewer credits are left */
  readonly warnBelowCredits?: number;
  /** how long nothing may be heard: 10 minutes, because nothing is heard before the picture, and starts are cold */
  readonly idleTimeoutMs?: number;
  /** how long all requests of a job may take together: 40 minutes */
  readonly totalTimeoutMs?: number;
  /** of all pictures of a job together: 128 MiB */
  readonly maxResultBytes?: number;
}

export interface SegmindDependencies {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

export interface SegmindBackend extends Backend {
  /** what is left of the account, for whoever runs the bot and for nobody else */
  account(): SegmindAccount;
}

const URL_OF_MODEL = 'https://api.segmind.com/v1/consistent-character-with-pose';
const MINUTE = 60_000;
const MIB = 1024 * 1024;

/** What a status means, where its answer does not say. https://www.segmind.com/models/consistent-character-with-pose/api */
const WORDS: Readonly<Record<number, string>> = {
  401: 'it does not know the API key',
  404: 'it does not know the model',
  405: 'the address takes no such requests',
  406: 'the account has not enough credits',
};

/**
 * Makes pictures with Segmind's model that puts one face into one pose. One request is one answer: nothing is heard of
 * it before, it cannot be stopped nor found again, and once it has reached the service it is paid for. So nothing is ever
 * sent again that may have arrived, but where the service itself says when to come back.
 * @throws RangeError for values that no request may have
 */
export function createSegmind(options: SegmindOptions, { clock, log }: SegmindDependencies): SegmindBackend {
  checkOptions(options);
  const { name = 'Segmind', apiKey, maxResultBytes = 128 * MIB, attributes = CHARACTER_KEYS } = options;
  const url = new URL(options.url ?? URL_OF_MODEL);
  const clean = createCleaner([apiKey]);
  const account = createAccount({ warnBelowCredits: options.warnBelowCredits, now: clock.now, log });
  const slabs = createSlabs();
  const waits = new Set<Patience>();
  let isClosed = false;

  return {
    name,
    capabilities: { progress: false, preview: false, cancel: false, resume: false, handleFirst: false },
    run,
    account: () => account.state,
    health() {
      const { credits } = account.state;
      return [{ name, state: 'up', ...(credits !== undefined && { detail: `${credits} credits are left` }) }];
    },
    async close() {
      isClosed = true;
      for (const patience of waits) patience.end(new BackendError('the bot is closing', { type: 'cancelled' }));
    },
  };

  async function* run(request: RunRequest): AsyncGenerator<BackendEvent> {
    const { folder, signal, timeouts = {} } = request;
    if (isClosed) throw new BackendError('the bot is closing', { type: 'cancelled', billed: 'no' });
    const wish = wishOf(forDeployed(request), options);
    for (const warning of wish.warnings) yield { type: 'warning-raised', warning };
    const patience = createPatience({
      clock,
      idleTimeoutMs: timeouts.idleMs ?? options.idleTimeoutMs ?? 10 * MINUTE,
      totalTimeoutMs: timeouts.totalMs ?? options.totalTimeoutMs ?? 40 * MINUTE,
      signal,
    });
    const http = createHttp({ name: 'Segmind', clock, patience, clean });
    const files = createPictureFiles({ folder, maxBytes: maxResultBytes, slabs, signal: patience.signal });
    waits.add(patience);
    try {
      yield* makeAll(wish, http, { files, slabs, signal: patience.signal, clean });
      yield* await files.place();
    } finally {
      patience.end(new BackendError('the run was left', { type: 'cancelled' }));
      waits.delete(patience);
      await files.close();
    }
  }

  /** One after the other: when one fails, nothing more is bought, and what there is by then is the result. */
  async function* makeAll(wish: Wish, http: Http, reader: AnswerReader): AsyncGenerator<BackendEvent> {
    const total = wish.orders.length;
    for (const [done, order] of wish.orders.entries()) {
      try {
        const count = await make(wish, order, http, reader);
        if (count < order.samples) {
          yield {
            type: 'warning-raised',
            warning: `Segmind made ${count} of the ${order.samples} pictures asked for.`,
          };
        }
        if (total > 1) yield { type: 'progress-changed', done: done + 1, total };
      } catch (error) {
        const isOver = reader.signal.aborted && error instanceof BackendError && error.type === 'cancelled';
        if (done === 0 || isOver || !(error instanceof BackendError)) throw error;
        log.warn({ error, done, total }, 'Segmind made only a part of a job');
        const paid = error.billed === 'no' ? '' : ' It may have been paid for.';
        const reason = error.detail === undefined ? '' : ` It said: ${error.detail}`;
        const warning = `Segmind made ${done} of the ${total} scenes; the next one failed.${paid}${reason}`;
        yield { type: 'warning-raised', warning };
        return;
      }
    }
  }

  async function make(wish: Wish, order: Order, http: Http, reader: AnswerReader): Promise<number> {
    const startedAt = clock.now();
    const answer = await post(http, await createBody(wish, order));
    account.told(answer.header('x-remaining-credits'));
    await readPictures(answer, reader);
    const pictures = await reader.files.keep(order.name);
    log.debug({ pictures, seconds: (clock.now() - startedAt) / 1000 }, 'Segmind gave its pictures');
    return pictures;
  }

  async function post(http: Http, body: Awaited<ReturnType<typeof createBody>>): Promise<Answer> {
    const hops = http.post(url, { 'x-api-key': apiKey }, body);
    try {
      for (;;) {
        const hop = await hops.next();
        if (hop.done) return hop.value;
      }
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      if (error.status === 406) account.refused();
      throw explained(error);
    }
  }

  /** With words where the service had none, and with the parameters whose attributes it named. */
  function explained(error: BackendError): BackendError {
    const detail = error.detail ?? WORDS[error.status ?? 0];
    if (detail === undefined) return error;
    const { type, retryable, billed, retryAfterMs, status } = error;
    return new BackendError(error.message, {
      type,
      retryable,
      billed,
      detail,
      parameters: type === 'invalid' ? parametersIn(detail) : [],
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(status !== undefined && { status }),
      cause: error,
    });
  }

  function parametersIn(words: string): string[] {
    return Object.entries(attributes).flatMap(([name, keys]) => (new RegExp(`\\b${name}\\b`).test(words) ? keys : []));
  }
}

function checkOptions({ apiKey, values = {}, requestsPerJob = 1 }: SegmindOptions): void {
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new RangeError('the API key of Segmind is not one: it has no blanks');
  if (!Number.isInteger(requestsPerJob) || requestsPerJob < 1) {
    throw new RangeError('the requests of a job must be a whole number from 1');
  }
  for (const name of PLAIN_VALUES) {
    const value = name === 'seed' ? undefined : values[name];
    const problem = value === undefined ? undefined : problemOf(name, value);
    if (problem) throw new RangeError(`${name} ${problem}`);
  }
}
