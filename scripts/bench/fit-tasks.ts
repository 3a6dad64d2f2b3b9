/** What the benchmark of fitting and its measuring process tell each other. */
import { z } from 'zod';

/**
 * - `idle`: nothing, for two seconds: what the machine itself does to the figures
 * - `fit`: pictures made to fit, as the bot does it
 * - `fit-ungated`: the same, all at once
 * - `strip`: the texts taken out of PNG files, one after the other
 * - `copy`: the same files copied, as the least that reading and writing them takes
 */
const KINDS = ['idle', 'fit', 'fit-ungated', 'strip', 'copy'] as const;
export type Kind = (typeof KINDS)[number];

export const FitTask = z.object({
  kind: z.enum(KINDS),
  paths: z.array(z.string()),
  /** for what is made */
  folder: z.string(),
  limitBytes: z.number(),
});
export type FitTask = z.infer<typeof FitTask>;

export const FitMeasurement = z.object({
  ms: z.number(),
  cpuMs: z.number(),
  /** of the files that came out, on an average */
  outBytes: z.number(),
  peakMb: z.number(),
  /** between two turns of the event loop, by the clock: what else the machine did is in it */
  stallMs: z.number(),
  stallP99Ms: z.number(),
  /** the longest that the main thread itself computed between two turns: nothing of others is in it */
  heldMs: z.number(),
  /** of a name looked up and of a file asked for its size, every 5 ms */
  lookupP50Ms: z.number(),
  lookupMaxMs: z.number(),
  statP50Ms: z.number(),
  statMaxMs: z.number(),
});
export type FitMeasurement = z.infer<typeof FitMeasurement>;
