/** What the processes of a benchmark tell each other. */
import { z } from 'zod';

export const MB = 1_000_000;

export const APPROACHES = ['files', 'files-unthreaded', 'memory', 'drain'] as const;
export type ApproachName = (typeof APPROACHES)[number];

/** What the server is to answer with from now on. */
export const Load = z.object({
  mb: z.number(),
  /** bytes of an HTTP chunk */
  chunk: z.number(),
  /** of each answer; absent for as fast as can be */
  mbPerSecond: z.number().optional(),
});
export type Load = z.infer<typeof Load>;

export const Addresses = z.object({ plain: z.string(), tls: z.string(), cert: z.string() });

export const Ready = z.object({ port: z.number() });

export const Done = z.literal('done');

export const Task = z.object({
  approach: z.enum(APPROACHES),
  url: z.string(),
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

/** What the bot of a journey is started with. */
export const JourneyTask = z.object({
  viewcomfy: z.string(),
  url: z.string(),
  api: z.string(),
  token: z.string(),
  folder: z.string(),
});

export const JourneyMeasurement = z.object({ peakMb: z.number(), stallMs: z.number() });
