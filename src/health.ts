import { once } from 'node:events';
import { createServer } from 'node:http';
import type { BackendHealth } from './backends/backend.ts';

/** How the bot does, for whoever or whatever watches it. Nothing in it is secret or about a person. */
export interface Health {
  readonly discord: 'connected' | 'connecting';
  readonly jobs: { readonly waiting: number; readonly running: number; readonly delivering: number };
  readonly backends: readonly BackendHealth[];
  readonly disk: 'ok' | 'full';
}

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Answers `GET /healthz`: 200 when jobs are taken and run, else 503, both with the whole of it as JSON. */
export async function serveHealth(
  address: { readonly host: string; readonly port: number },
  look: () => Health,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path !== '/healthz' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404).end();
      return;
    }
    const health = look();
    const isWell =
      health.discord === 'connected' &&
      health.disk === 'ok' &&
      health.backends.some(({ state }) => state === 'up' || state === 'failing');
    response.writeHead(isWell ? 200 : 503, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify({ status: isWell ? 'ok' : 'unwell', ...health }));
  });
  server.listen(address.port, address.host);
  await once(server, 'listening');
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : address.port;
  return {
    url: `http://${address.host}:${port}/healthz`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
