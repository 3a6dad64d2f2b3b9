/**
 * A worker as a process of its own, which can be killed: `node process.ts '{"url": "amqp://…", "outputDir": "…", …}'`.
 * It writes a word on a line for everything that happens, `ready` first.
 */
import { z } from 'zod';
import { createLocalWorker } from './worker.ts';

const Options = z.object({
  url: z.string(),
  queue: z.string().optional(),
  outputDir: z.string(),
  inputDir: z.string(),
  stepMs: z.number().optional(),
});

const { queue, stepMs, ...options } = Options.parse(JSON.parse(process.argv[2] ?? '{}'));
await createLocalWorker({
  ...options,
  ...(queue !== undefined && { queue }),
  ...(stepMs !== undefined && { behaviours: Array.from({ length: 1000 }, () => ({ stepMs })) }),
  onChange: (what) => void process.stdout.write(`${what}\n`),
});
process.stdout.write('ready\n');
