/** A process of its own that does one task once, and looks up names and files all the while. */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import type { Gate } from '../../src/gate.ts';
import { fitPicture } from '../../src/pictures/fit.ts';
import { stripPngText } from '../../src/pictures/png-text.ts';
import { FitTask, type FitMeasurement } from './fit-tasks.ts';
import { MB } from './messages.ts';
import { forgetPeak, peakRss } from './rss.ts';

const PROBE_EVERY_MS = 5;

const [message]: unknown[] = await once(process, 'message');
const { kind, paths, folder, limitBytes } = FitTask.parse(message);
// So that code is compiled, and libvips loaded, before anything is measured.
const small = { create: { width: 256, height: 256, channels: 3, background: '#446688' } } as const;
await sharp(small).webp({ effort: 2 }).toBuffer();
for (let round = 0; round < 10; round += 1) await Promise.all([lookup('localhost'), stat(folder)]);
globalThis.gc?.();
await setTimeout(100);
process.send?.(await measure());
await once(process, 'message');
process.exit();

async function measure(): Promise<FitMeasurement> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = process.memoryUsage.rss();
  forgetPeak();
  const cpu = process.cpuUsage();
  const probes = startProbes();
  const held = startHeld();
  delay.enable();
  const began = performance.now();
  const sizes = await work();
  const ms = performance.now() - began;
  // One more turn, so that a stall at the very end counts too.
  await setTimeout(5);
  delay.disable();
  const heldMs = held.stop();
  const { user, system } = process.cpuUsage(cpu);
  const { lookups, stats } = await probes.stop();
  return {
    ms,
    cpuMs: (user + system) / 1000,
    outBytes: sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, sizes.length),
    peakMb: Math.max(0, peakRss() - before) / MB,
    stallMs: delay.max / 1e6,
    stallP99Ms: delay.percentile(99) / 1e6,
    heldMs,
    lookupP50Ms: at(lookups, 0.5),
    lookupMaxMs: at(lookups, 1),
    statP50Ms: at(stats, 0.5),
    statMaxMs: at(stats, 1),
  };
}

/** @returns bytes of what came out, of each */
async function work(): Promise<number[]> {
  switch (kind) {
    case 'idle':
      await setTimeout(2000);
      return [];
    case 'fit':
      return Promise.all(paths.map((path) => fit(path)));
    case 'fit-ungated':
      return Promise.all(paths.map((path) => fit(path, (encode) => encode())));
    case 'strip':
      return oneByOne(stripPngText);
    case 'copy':
      return oneByOne(async (path) => {
        const copy = join(folder, 'copy');
        await pipeline(createReadStream(path), createWriteStream(copy, { flush: true }));
        return (await stat(copy)).size;
      });
  }
}

async function fit(path: string, turn?: Gate): Promise<number> {
  const fitted = await fitPicture(path, limitBytes, folder, turn);
  // A step that fails at once would be quick.
  if (fitted === 'too-large') throw new Error(`${path} was not made to fit`);
  return fitted.size;
}

async function oneByOne(work: (path: string) => Promise<number>): Promise<number[]> {
  const sizes: number[] = [];
  for (const path of paths) sizes.push(await work(path));
  return sizes;
}

/** How long the main thread was at work between two turns of a timer, which waits for it as everybody else does. */
function startHeld() {
  let last = process.threadCpuUsage();
  let longest = 0;
  const turn = () => {
    const now = process.threadCpuUsage();
    longest = Math.max(longest, now.user + now.system - last.user - last.system);
    last = now;
  };
  const timer = setInterval(turn, 1);
  return {
    /** @returns milliseconds */
    stop(): number {
      clearInterval(timer);
      return longest / 1000;
    },
  };
}

/** What else needs libuv's pool: a new connection to Discord begins with a look-up. */
function startProbes() {
  const lookups: number[] = [];
  const stats: number[] = [];
  const open = new Set<Promise<void>>();
  const probe = (times: number[], ask: () => Promise<unknown>) => {
    const asked = performance.now();
    const answered = ask().then(() => {
      times.push(performance.now() - asked);
      open.delete(answered);
    });
    open.add(answered);
  };
  const timer = setInterval(() => {
    probe(lookups, () => lookup('localhost'));
    probe(stats, () => stat(folder));
  }, PROBE_EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      return { lookups: lookups.toSorted((a, b) => a - b), stats: stats.toSorted((a, b) => a - b) };
    },
  };
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
