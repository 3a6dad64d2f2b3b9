/** What the processes of a torture tell each other. */
import { z } from 'zod';

export const MODES = ['poll', 'stream', 'mixed'] as const;

export const FAULTS = ['none', 'discord', 'backend', 'all'] as const;

export const DiscordPlace = z.object({
  url: z.string(),
  api: z.string(),
  token: z.string(),
  /** as faults name them */
  routes: z.array(z.string()),
});
export type DiscordPlace = z.infer<typeof DiscordPlace>;

export const BackendTask = z.object({
  mode: z.enum(MODES),
  faults: z.boolean(),
  seed: z.number(),
  clientId: z.string(),
  clientSecret: z.string(),
});
export type BackendTask = z.infer<typeof BackendTask>;

export const BackendPlace = z.object({ url: z.string(), apiUrl: z.string() });
export type BackendPlace = z.infer<typeof BackendPlace>;

/** Told when a run has been taken, and when it has ended. */
export const RunNews = z.object({ run: z.string(), is: z.enum(['taken', 'over']) });

/** Every run that was ever taken. */
export const RunList = z.object({
  runs: z.array(z.object({ id: z.string(), prompt: z.string(), outcome: z.string(), receivedAt: z.number() })),
});
export type RunList = z.infer<typeof RunList>['runs'];
