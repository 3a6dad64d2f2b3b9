/**
 * A process of its own that stands for a service: `node backends-service.ts '{"service": "comfyui", …}'`. It answers as
 * soon as it can, and counts what it is asked.
 */
import { subscribe } from 'node:diagnostics_channel';
import { mkdir } from 'node:fs/promises';
import { IncomingMessage, Server } from 'node:http';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { createLocalComfyUI } from '../../src/playground/comfyui/server.ts';
import { createLocalWorker } from '../../src/playground/comfyui-worker/worker.ts';
import { createLocalSegmind } from '../../src/playground/segmind/server.ts';
import { createLocalViewComfy } from '../../src/playground/viewcomfy/server.ts';
import { KEYS, QUEUE, ServiceTask, Twist, type Counts, type Place } from './backends-messages.ts';

const [, , argument = '{}', home = '.'] = process.argv;
const { service, runMs, atOnce, broker } = ServiceTask.parse(JSON.parse(argument));
const none: Counts = { requests: 0, sockets: 0, connections: 0 };
let counts = { ...none };
let cutsAtMs: readonly number[] = [];
const sockets = new Set<Duplex>();
const known = new WeakSet<Server>();

subscribe('http.server.request.start', (message) => {
  counts.requests += 1;
  const { request } = Object(message);
  if (!(request instanceof IncomingMessage) || request.method !== 'POST' || !request.url?.includes('/prompt')) return;
  for (const ms of cutsAtMs) setTimeout(cut, ms);
  cutsAtMs = [];
});
subscribe('net.server.socket', (message) => {
  counts.connections += 1;
  const { socket } = Object(message);
  const server: unknown = socket instanceof Socket && 'server' in socket ? socket.server : undefined;
  // A server that knows no WebSockets must not be taken for one that does.
  if (!(server instanceof Server) || known.has(server) || server.listenerCount('upgrade') === 0) return;
  known.add(server);
  server.on('upgrade', (_, upgraded) => {
    counts.sockets += 1;
    sockets.add(upgraded);
    upgraded.once('close', () => sockets.delete(upgraded));
  });
});

function cut(): void {
  for (const socket of sockets) socket.destroy();
}

interface Started {
  readonly place: Place;
  readonly twist?: (twist: Omit<Twist, 'cutsAtMs'>) => void;
}

async function start(): Promise<Started> {
  switch (service) {
    case 'viewcomfy': {
      const small = { drawing: 'flat', pictureScale: 0.05 } as const;
      const { url, apiUrl } = await createLocalViewComfy({ ...KEYS, ...small, runMs, atOnce, coldStartMs: 0 });
      return { place: { url, apiUrl } };
    }
    case 'segmind': {
      const apiKey = KEYS.clientSecret;
      const { url } = await createLocalSegmind({ apiKey, runMs, drawing: 'flat', credits: 1_000_000 });
      return { place: { url } };
    }
    case 'amqp': {
      const folders = { inputDir: join(home, 'input'), outputDir: join(home, 'output') };
      for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
      const behaviours = Array.from({ length: 5000 }, () => ({ stepMs: runMs / 4 }));
      const worker = { url: broker ?? '', queue: QUEUE, ...folders, behaviours };
      for (let count = 0; count < atOnce; count += 1) await createLocalWorker(worker);
      return { place: { url: worker.url, folders } };
    }
    case 'comfyui':
    case 'fork-with-workers': {
      const comfyui = await createLocalComfyUI({ flavour: service, runMs, atOnce, drawing: 'flat' });
      return {
        place: { url: comfyui.url },
        twist: ({ runMs, ending }) =>
          comfyui.next({ ...(runMs !== undefined && { runMs }), ...(ending !== undefined && { ending }) }),
      };
    }
  }
}

const { place, twist } = await start();
process.on('message', (message) => {
  if (message === 'count') {
    process.send?.(counts);
    counts = { ...none };
    return;
  }
  const { cutsAtMs: at = [], ...rest } = Twist.parse(message);
  cutsAtMs = at;
  twist?.(rest);
  process.send?.('done');
});
process.on('disconnect', () => process.exit());
process.send?.(place);
