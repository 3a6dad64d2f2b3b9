/** The bot in a process of its own, to be killed. It is told how to begin, and when its time moves on. */
import { once } from 'node:events';
import { pino } from 'pino';
import { z } from 'zod';
import { createBackend } from '../../src/backends/index.ts';
import { startBot } from '../../src/bot.ts';
import { systemClock } from '../../src/clock.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { RecipeFile } from '../../src/recipes/recipe-file.ts';
import { COMMANDS_DIRECTORY, loadRecipes } from '../../src/recipes/recipe-loader.ts';
import { createMovableClock } from '../../src/playground/clock.ts';

const number = z.number();
const Task = z.object({
  config: z.object({
    limits: z.object({ runningPerUser: number, waitingPerUser: number, runningAtOnce: number, runMs: number }),
    pictures: z.object({ maxBytes: number, maxPixels: number }),
    media: z.object({ maxBytes: number }),
    dataDir: z.string(),
    results: z.object({
      keepMs: number,
      maxBytes: number,
      keepWorkflow: z.boolean(),
      publicUrl: z.string().exactOptional(),
    }),
  }),
  backend: z.object({
    type: z.literal('viewcomfy'),
    url: z.string(),
    apiUrl: z.string().exactOptional(),
    mode: z.enum(['stream', 'poll']).exactOptional(),
    clientId: z.string(),
    clientSecret: z.string(),
    idleTimeoutMs: number.exactOptional(),
  }),
  discord: z.object({
    token: z.string(),
    api: z.string(),
    fileOrigins: z.array(z.string()),
    register: z.boolean(),
    patience: z.object({
      firstAnswerMs: number,
      wordsMs: number,
      filesMs: number,
      pausesMs: z.array(number).readonly(),
    }),
  }),
  /** other than those of commands/ */
  recipes: z.array(RecipeFile).exactOptional(),
  /** how far its time is ahead */
  aheadMs: number,
});
export type BotTask = Omit<z.infer<typeof Task>, 'recipes'> & { readonly recipes?: readonly Recipe[] };
const Told = z.union([z.object({ advanceMs: number }), z.literal('stop')]);

const [message]: unknown[] = await once(process, 'message');
const task = Task.parse(message);
const clock = createMovableClock();
clock.advance(task.aheadMs);
const log = pino({ level: process.env['STAGE_LOG'] ?? 'silent' }, pino.destination({ dest: 2, sync: true }));
const bot = await startBot({
  config: task.config,
  recipes: task.recipes
    ? new Map(task.recipes.map((recipe) => [recipe.name, recipe]))
    : await loadRecipes({ directories: [COMMANDS_DIRECTORY] }),
  backend: await createBackend(task.backend, { clock: systemClock, log }),
  discord: task.discord,
  clock,
  log,
});
process.on('message', (told) => {
  const parsed = Told.parse(told);
  if (parsed !== 'stop') return clock.advance(parsed.advanceMs);
  void bot.stop(AbortSignal.abort()).then(() => process.disconnect());
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
