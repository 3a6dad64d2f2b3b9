import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal } from '../viewcomfy/refusal.ts';
import { plain } from './answers.ts';
import type { Engine } from './engine.ts';
import type { Entry } from './run.ts';

/** The fork's REST API, as it is with workers and as it is without. */
export interface Rest {
  /** @param path without `/api` */
  handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void>;
}

export interface RestOptions {
  readonly engine: Engine;
  readonly hasWorkers: boolean;
  readonly accept: (
    prompt: unknown,
    about: Pick<Entry, 'id' | 'client' | 'extra'> & { isFirst: boolean },
  ) => { readonly entry: Entry };
  readonly readBody: (request: IncomingMessage) => Promise<string>;
}

const ACCEPTED = new Set(['application/json', 'image/png', '*/*', 'application/json+respond-async', undefined]);

export function createRest({ engine, hasWorkers, accept, readBody }: RestOptions): Rest {
  return {
    async handle(request, response, path) {
      const [, id] = /^\/v1\/prompts\/(.+)$/.exec(path) ?? [];
      if (request.method === 'POST' && path === '/v1/prompts') await post(request, response);
      else if (request.method === 'GET' && id !== undefined) get(decodeURIComponent(id), response);
      else throw plain(405, '405: Method Not Allowed');
    },
  };

  async function post(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { accept: wanted, prefer, 'content-type': type } = request.headers;
    const body = await readBody(request);
    if (!ACCEPTED.has(wanted)) return empty(response, 400, 'invalid accept content type');
    if (type !== 'application/json') return empty(response, 400, 'no prompt was specified');
    const prompt: unknown = JSON.parse(body);
    if (Object.keys(Object(prompt)).length === 0) return empty(response, 400, 'no prompt was specified');
    const isAsync = prefer === 'respond-async' || wanted === 'application/json+respond-async';
    const { entry } = acceptBare(prompt);
    if (entry.behaviour.answerLost) {
      response.destroy();
      return;
    }
    if (!isAsync) throw plain(500, 'only respond-async is stood for here');
    // The job runs all the same.
    if (!hasWorkers) throw plain(500, 'a coroutine was expected, got <Future pending>');
    answer(response, 202, JSON.stringify({ prompt_id: entry.id }), {
      location: `api/v1/prompts/${entry.id}`,
      'retry-after': '60',
    });
  }

  /** Its refusals are the error alone, with what is wrong with the nodes inside. */
  function acceptBare(prompt: unknown): { readonly entry: Entry } {
    try {
      return accept(prompt, { id: randomUUID(), client: undefined, extra: {}, isFirst: false });
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 400) throw error;
      const { error: inner, node_errors: nodes } = Object(JSON.parse(error.body));
      if (!inner) throw error;
      const info =
        Object.keys(Object(nodes)).length > 0 ? { exception_type: 'ValidationError', node_errors: nodes } : {};
      const body = { ...inner, extra_info: { ...inner.extra_info, ...info, traceback: ['  File "/opt/x.py"'] } };
      throw new Refusal(400, JSON.stringify(body), { 'content-type': 'application/json' });
    }
  }

  function get(id: string, response: ServerResponse): void {
    const ended = engine.finished.get(id);
    if (!ended) {
      const isKnown = [...engine.waiting, ...engine.running].some((entry) => entry.id === id);
      response.writeHead(isKnown ? 204 : 404, { 'content-type': 'application/json' }).end();
      return;
    }
    const { outputs, status, messages } = ended.result;
    if (status === 'success') return answer(response, 200, JSON.stringify(outputs));
    const text = messages.map(([, data]) => data['exception_message']).findLast((text) => typeof text === 'string');
    const words = typeof text === 'string' ? text.trim() : 'interrupted';
    answer(response, 500, JSON.stringify({ status_str: 'error', completed: false, messages: [words] }));
  }
}

function empty(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, reason, { 'content-type': 'application/octet-stream', 'content-length': 0 }).end();
}

function answer(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  const length = Buffer.byteLength(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers }).end(body);
}
