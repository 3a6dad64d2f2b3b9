/** What the processes of a benchmark tell each other. */
import { z } from 'zod';

export const MB = 1_000_000;

export const APPROACHES = ['files', 'memory', 'drain'] as const;
export type ApproachName = (typeof APPROACHES)[number];

export const Addresses = z.object({ plain: z.string(), tls: z.string(), cert: z.string() });

export const Ready = z.object({ port: z.number() });

export const Task = z.object({
  approach: z.enum(APPROACHES),
  url: z.string(),
  /** what comes before, so that code is compiled and connections are known to work */
  warmUpUrl: z.string(),
  /** how many at once */
  jobs: z.number(),
  /** megabytes of live objects, as the cache of a large bot's gateway is */
  heapMb: z.number(),
});
export type Task = z.infer<typeof Task>;

export const Measurement = z.object({
  ms: z.number(),
  cpuMs: z.number(),
  bytes: z.number(),
  peakMb: z.number(),
  stallMs: z.number(),
});
export type Measurement = z.infer<typeof Measurement>;

export const Pings = z.object({ count: z.number(), p50: z.number(), p99: z.number(), max: z.number() });
export type Pings = z.infer<typeof Pings>;
