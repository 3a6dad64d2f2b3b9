/** What the processes of the benchmark of backends tell each other, and the job that all of them do. */
import { z } from 'zod';
import type { Workflow } from '../../src/recipes/workflow.ts';

const SERVICES = ['viewcomfy', 'comfyui', 'fork-with-workers', 'segmind', 'amqp'] as const;

/** What a stand-in is started with. */
export const ServiceTask = z.object({
  service: z.enum(SERVICES),
  /** how long a run takes; 0 for at once */
  runMs: z.number(),
  /** how many runs at the same time */
  atOnce: z.number(),
  /** of RabbitMQ, for workers behind it */
  broker: z.string().optional(),
});
export type ServiceTask = z.infer<typeof ServiceTask>;

/** Where a stand-in is, and what opens it. */
export const Place = z.object({
  url: z.string(),
  apiUrl: z.string().optional(),
  folders: z.object({ inputDir: z.string(), outputDir: z.string() }).optional(),
});
export type Place = z.infer<typeof Place>;

/** To a stand-in: how the next run goes, and when every WebSocket is cut, from the moment in which it is asked for. */
export const Twist = z.object({
  runMs: z.number().optional(),
  ending: z.enum(['error', 'interrupted']).optional(),
  cutsAtMs: z.array(z.number()).optional(),
});
export type Twist = z.infer<typeof Twist>;

export const Counts = z.object({ requests: z.number(), sockets: z.number(), connections: z.number() });
export type Counts = z.infer<typeof Counts>;

const CLIENTS = [
  'viewcomfy-stream',
  'viewcomfy-poll',
  'comfyui',
  'comfyui-v1',
  'segmind',
  'amqp',
  'bare',
  'stable-canvas',
  'saintno',
] as const;
export type ClientName = (typeof CLIENTS)[number];

/** What a client is started with. */
export const ClientTask = z.object({
  client: z.enum(CLIENTS),
  place: Place,
  /** where it writes, and its picture lies */
  home: z.string(),
  /** where the SDKs are */
  sdks: z.string().optional(),
});
export type ClientTask = z.infer<typeof ClientTask>;

/** To a client: do so many jobs, so many at once; each may take so long. */
export const Round = z.object({
  jobs: z.number(),
  atOnce: z.number(),
  limitMs: z.number(),
  /** every job is the same, so that ComfyUI has its result already */
  same: z.boolean().optional(),
  workflow: z.enum(['good', 'two-outputs', 'refused']).optional(),
});
export type Round = z.infer<typeof Round>;

export const RoundResult = z.object({
  ms: z.number(),
  cpuMs: z.number(),
  peakMb: z.number(),
  /** of all jobs together */
  files: z.number(),
  done: z.number(),
  /** not settled when their time was over */
  hung: z.number(),
  failed: z.number(),
  /** of the last one that failed */
  words: z.string(),
});
export type RoundResult = z.infer<typeof RoundResult>;

export const KEYS = { clientId: 'id', clientSecret: 'secret-of-the-bench' } as const;
export const QUEUE = 'bench';
/** Where a job's picture, words and seed go. */
export const PARAMETERS = { image: '1-inputs-image', text: '2-inputs-text', seed: '4-inputs-seed' } as const;

/** One picture in, four out; workers make one. */
export const WORKFLOW: Workflow = {
  '1': { class_type: 'LoadImage', inputs: { image: 'example.png' } },
  '2': { class_type: 'CLIPTextEncode', inputs: { text: '', pixels: ['1', 0] } },
  '3': { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 64, batch_size: 4 } },
  '4': { class_type: 'KSampler', inputs: { seed: 0, steps: 4, positive: ['2', 0], latent_image: ['3', 0] } },
  '9': { class_type: 'SaveImage', inputs: { images: ['4', 0], filename_prefix: 'bench' } },
};
/** Two nodes save, four files each. */
export const TWO_OUTPUTS: Workflow = {
  ...WORKFLOW,
  '10': { class_type: 'SaveImage', inputs: { images: ['4', 0], filename_prefix: 'other' } },
};
/** A picture is missing from it. */
export const REFUSED: Workflow = {
  ...WORKFLOW,
  '5': { class_type: 'LoadImage', inputs: { image: 'nowhere.png' } },
  '4': { class_type: 'KSampler', inputs: { seed: 0, steps: 4, positive: ['2', 0], latent_image: ['5', 0] } },
};
