/** A process of its own that measures one approach once, so that no measurement finds the memory of the one before. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { createApproach } from './approaches.ts';
import { MB, Task, type Measurement } from './messages.ts';
import { forgetPeak, peakRss } from './rss.ts';

const [message]: unknown[] = await once(process, 'message');
const task = Task.parse(message);
const approach = await createApproach(task.approach, task.url);
const ballast = Array.from({ length: (task.heapMb * MB) / 200 }, (_, index) => ({
  index,
  name: `member ${index}`,
  roles: [index],
}));
const server = createServer((_, response) => response.end('pong')).listen(0, '127.0.0.1');
// After a stall of seconds the connections are no reason to lose a ping.
server.keepAliveTimeout = 0;
await once(server, 'listening');
// So that code is compiled and the way is known to be free.
for (let round = 0; round < 3; round += 1) await approach();
globalThis.gc?.();
await setTimeout(100);
process.send?.(server.address());
await once(process, 'message');
process.send?.(await measure());
await once(process, 'message');
process.exit(ballast.length >= 0 ? 0 : 1);

async function measure(): Promise<Measurement> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = process.memoryUsage.rss();
  forgetPeak();
  const cpu = process.cpuUsage();
  delay.enable();
  const began = performance.now();
  const sizes = await Promise.all(Array.from({ length: task.jobs }, () => approach()));
  const ms = performance.now() - began;
  // One more turn, so that a stall at the very end counts too.
  await setTimeout(5);
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  return {
    ms,
    cpuMs: (user + system) / 1000,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    peakMb: Math.max(0, peakRss() - before) / MB,
    stallMs: delay.max / 1e6,
  };
}
