/** A process of its own that asks another for a word every 10 ms, whether or not the last answer has come. */
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { z } from 'zod';

const EVERY_MS = 10;

const [port]: unknown[] = await once(process, 'message');
const agent = new Agent({ keepAlive: true });
const times: number[] = [];
const open = new Set<Promise<void>>();
const timer = setInterval(() => {
  const asked = ping().finally(() => open.delete(asked));
  open.add(asked);
}, EVERY_MS);
await once(process, 'message');
clearInterval(timer);
await Promise.all(open);
times.sort((a, b) => a - b);
process.send?.({ count: times.length, p50: at(0.5), p99: at(0.99), max: at(1) });
await once(process, 'message');
process.exit();

async function ping(): Promise<void> {
  const began = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  get({ host: '127.0.0.1', port: z.number().parse(port), agent }, (response) =>
    response.resume().on('end', resolve),
  ).on('error', reject);
  await promise;
  times.push(performance.now() - began);
}

function at(share: number): number {
  return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
}
