import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';

/** One answer, to the byte. */
export interface Reply {
  /** 201 when absent */
  readonly status?: number;
  /** an event stream when absent */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** nothing is answered before */
  readonly after?: Promise<unknown>;
  /** each piece is written and flushed by itself; a promise is waited for */
  readonly body?: string | readonly (string | Buffer | Promise<unknown>)[];
  /** how the connection ends: `whole` when absent; `cut` is a lost connection; `open` stays open */
  readonly end?: 'whole' | 'cut' | 'open';
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A server that gives the replies in their order, and shows what it was asked. */
export interface Service {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** connections that are open now */
  readonly open: () => number;
  close(): Promise<void>;
}

export async function createService(replies: readonly (Reply | ((seen: Seen) => Reply))[]): Promise<Service> {
  const seen: Seen[] = [];
  let open = 0;
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = await Array.fromAsync(request).catch(() => []);
    const { method = '', url = '', headers } = request;
    const about = { method, url, headers, body: Buffer.concat(chunks) };
    const next = replies[seen.length] ?? { status: 500, contentType: 'text/plain', body: 'no reply left' };
    seen.push(about);
    const reply = typeof next === 'function' ? next(about) : next;
    response.on('error', () => {});
    await reply.after;
    response.writeHead(reply.status ?? 201, {
      'content-type': reply.contentType ?? 'text/event-stream; charset=utf-8',
      ...reply.headers,
    });
    response.flushHeaders();
    for (const piece of typeof reply.body === 'string' ? [reply.body] : (reply.body ?? [])) {
      if (piece instanceof Promise) await piece;
      else response.write(piece);
      await setImmediate();
    }
    if (reply.end === 'cut') response.destroy();
    else if (reply.end !== 'open') response.end();
  }

  server.on('connection', (socket) => {
    open += 1;
    socket.on('close', () => {
      open -= 1;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/infer`,
    seen,
    open: () => open,
    async close() {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
}
