import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { type Clock, systemClock } from '../../clock.ts';
import { pause } from '../viewcomfy/line.ts';
import type { Behaviour } from './behaviour.ts';
import { drawFlat, drawSample } from './drawing.ts';
import { Complaint, readWish, type Wish } from './request.ts';

/**
 * Stands for Segmind's model `consistent-character-with-pose`: the same requests, answers, credits and failures, and
 * pictures drawn from what was sent instead of made by a model.
 */
export interface LocalSegmind {
  /** of the model, used as is */
  readonly url: string;
  /** the newest thousand requests that were taken, oldest first; they change while they are worked on */
  readonly runs: readonly RunRecord[];
  /** what is left of the account */
  readonly credits: number;
  /** Makes the next requests behave otherwise; further calls are for those after them. */
  next(behaviour: Behaviour, times?: number): void;
  /** Cuts every connection and waits for the last request to end. */
  close(): Promise<void>;
}

interface RunRecord {
  readonly wish: Wish;
  /** milliseconds since the epoch, on the server's clock */
  readonly receivedAt: number;
  readonly outcome: 'running' | 'succeeded' | 'failed' | 'left';
}

export interface LocalSegmindOptions {
  readonly apiKey: string;
  /** 0, the default, takes a free one */
  readonly port?: number;
  readonly host?: string;
  /** what the account has: 100; a picture costs one */
  readonly credits?: number;
  /** how long a request takes, at least as long as drawing takes: 8 s */
  readonly runMs?: number;
  readonly maxBodyBytes?: number;
  /** of the pictures' sides: tests take less than 1 */
  readonly pictureScale?: number;
  /** `flat`: one colour instead of a drawing */
  readonly drawing?: 'full' | 'flat';
  readonly clock?: Clock;
}

const PATH = '/v1/consistent-character-with-pose';
const KEPT_RECORDS = 1000;

/** A request that gets no pictures. */
class Refusal extends Error {
  override name = 'Refusal';
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: string, headers: Readonly<Record<string, string>> = {}) {
    super(`${status}: ${body}`);
    this.status = status;
    this.body = body;
    this.headers = { 'content-type': 'application/json', ...headers };
  }
}

interface Run extends RunRecord {
  outcome: RunRecord['outcome'];
}

export async function createLocalSegmind(options: LocalSegmindOptions): Promise<LocalSegmind> {
  const { apiKey, port = 0, host = '127.0.0.1', clock = systemClock, pictureScale = 1, drawing = 'full' } = options;
  const { runMs = 8000, maxBodyBytes = 64 * 1024 * 1024 } = options;
  const runs: Run[] = [];
  const active = new Set<Promise<void>>();
  const behaviours: Behaviour[] = [];
  let credits = options.credits ?? 100;

  const server = createServer((request, response) => {
    const work = handle(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) {
        response.destroy();
        return;
      }
      const { status, body, headers } =
        error instanceof Refusal ? error : new Refusal(500, JSON.stringify({ error: 'Internal server error' }));
      // A body that nobody has read must not keep the client from reading this.
      request.resume();
      response.writeHead(status, headers).end(body);
    });
    active.add(work);
    void work.then(() => active.delete(work));
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  const origin = `http://${host}:${typeof address === 'object' && address ? address.port : port}`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const left = new AbortController();
    response.once('close', () => left.abort(new Error('The client hung up.')));
    if (request.url !== PATH) throw refuse(404, 'Model not found');
    if (request.method !== 'POST') throw refuse(405, 'Method not allowed');
    if (request.headers['x-api-key'] !== apiKey) throw refuse(401, 'User authentication failed');
    const text = await readText(request);
    const behaviour = behaviours.shift() ?? {};
    if (behaviour.refusal) {
      const { status, body = '', mediaType = 'application/json', headers } = behaviour.refusal;
      throw new Refusal(status, body, { 'content-type': mediaType, ...headers });
    }
    if (request.headers['content-type'] !== 'application/json') throw refuse(400, 'The body must be application/json');
    const wish = await wishOf(text);
    if (credits < wish.samples) throw refuse(406, 'Not enough credits');
    // What is taken is paid for, whatever becomes of it.
    credits -= wish.samples;
    const run: Run = { wish, receivedAt: clock.now(), outcome: 'running' };
    runs.push(run);
    if (runs.length > KEPT_RECORDS) runs.shift();
    try {
      await answer(wish, behaviour, response, left.signal);
      run.outcome = behaviour.ending || behaviour.answer ? 'failed' : 'succeeded';
    } catch (error) {
      run.outcome = left.signal.aborted ? 'left' : 'failed';
      throw error;
    }
  }

  async function readText(request: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    let length = 0;
    const pieces: AsyncIterable<Buffer> = request;
    for await (const chunk of pieces) {
      length += chunk.length;
      if (length > maxBodyBytes) throw refuse(413, 'Request body is too large');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  async function answer(wish: Wish, behaviour: Behaviour, response: ServerResponse, left: AbortSignal): Promise<void> {
    const endsAt = clock.now() + (behaviour.runMs ?? runMs);
    const samples = Array.from(
      { length: Math.min(wish.samples, behaviour.count ?? wish.samples) },
      (_, index) => index,
    );
    const pictures: Buffer[] = [];
    for (const index of samples) {
      pictures.push(await (drawing === 'flat' ? drawFlat(wish, index) : drawSample(wish, index, pictureScale)));
      left.throwIfAborted();
    }
    await pause(clock, endsAt - clock.now(), left);
    if (behaviour.ending === 'silence') {
      await new Promise((_resolve, reject) => {
        left.addEventListener('abort', () => reject(left.reason), { once: true });
      });
    }
    if (behaviour.ending === 'cut') {
      response.destroy();
      return;
    }
    const { status = 200, body, mediaType } = behaviour.answer ?? bodyOf(wish, behaviour, pictures);
    const creditsHeader = behaviour.creditsHeader === undefined ? String(credits) : behaviour.creditsHeader;
    response.writeHead(status, {
      'content-type': mediaType ?? 'application/json',
      ...(creditsHeader !== null && { 'x-remaining-credits': creditsHeader }),
    });
    if (behaviour.ending === 'cut-in-answer') response.write(body.slice(0, body.length / 2), () => response.destroy());
    else {
      response.end(body);
      await once(response, 'close');
    }
  }

  return {
    url: `${origin}${PATH}`,
    runs,
    get credits() {
      return credits;
    },
    next(behaviour, times = 1) {
      behaviours.push(...Array.from({ length: times }, () => behaviour));
    },
    async close() {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, ...active]);
    },
  };
}

function refuse(status: number, error: string): Refusal {
  return new Refusal(status, JSON.stringify({ error }));
}

async function wishOf(text: string): Promise<Wish> {
  try {
    return await readWish(text);
  } catch (error) {
    if (error instanceof Complaint) throw refuse(400, error.message);
    throw error;
  }
}

interface Body {
  readonly status?: number;
  readonly body: string | Buffer;
  readonly mediaType?: string;
}

function bodyOf({ base64, format }: Wish, behaviour: Behaviour, pictures: readonly Buffer[]): Body {
  const [first = Buffer.alloc(0)] = pictures;
  // The page's own example: a PNG under the name of a JPEG.
  if (!base64) return { body: first, mediaType: 'image/jpeg' };
  const head = behaviour.dataUrls ? `data:image/${format};base64,` : '';
  const texts = pictures.map((picture) => head + picture.toString('base64'));
  const [text = ''] = texts;
  const form = behaviour.form ?? (pictures.length === 1 ? 'image' : 'images');
  if (form === 'text') return { body: text, mediaType: 'text/plain' };
  if (form === 'string') return { body: JSON.stringify(text) };
  const extras = behaviour.extras ? { unheard_of: { image: 'not this', images: ['nor this'], list: [1, '"'] } } : {};
  return { body: JSON.stringify({ ...extras, ...(form === 'image' ? { image: text } : { images: texts }) }) };
}
