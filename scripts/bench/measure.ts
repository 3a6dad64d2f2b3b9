/** A process of its own that measures one approach once, so that no measurement finds the memory of the one before. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { createApproach } from './approaches.ts';
import { MB, Task, type Measurement } from './messages.ts';

const [message]: unknown[] = await once(process, 'message');
const task = Task.parse(message);
const approach = createApproach(task.approach);
const ballast = Array.from({ length: (task.heapMb * MB) / 200 }, (_, index) => ({
  index,
  name: `member ${index}`,
  roles: [index],
}));
const server = createServer((_, response) => response.end('pong')).listen(0, '127.0.0.1');
await once(server, 'listening');
for (let round = 0; round < 3; round += 1) await approach(task.warmUpUrl);
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
  const sizes = await Promise.all(Array.from({ length: task.jobs }, () => approach(task.url)));
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

/** Linux keeps the highest resident size of a process, and forgets it when asked to (proc(5), `clear_refs`). */
function forgetPeak(): void {
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
}

function peakRss(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}
