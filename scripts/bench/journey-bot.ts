/** A process of its own that is the whole bot, and says how much memory and time it took between `start` and `stop`. */
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { createThreadedBackend } from '../../src/backends/thread.ts';
import { startBot } from '../../src/bot.ts';
import { systemClock } from '../../src/clock.ts';
import { COMMANDS_DIRECTORY, loadRecipes } from '../../src/recipes/recipe-loader.ts';
import { createLogger } from '../../src/log.ts';
import { JourneyTask, MB } from './messages.ts';
import { forgetPeak, peakRss } from './rss.ts';

const [message]: unknown[] = await once(process, 'message');
const task = JourneyTask.parse(message);
const log = createLogger('silent');
const keys = { clientId: 'id', clientSecret: 'secret' };
const backend = await createThreadedBackend(
  { type: 'viewcomfy', url: task.viewcomfy, mode: 'stream', ...keys },
  { clock: systemClock, log },
);
await startBot({
  config: {
    limits: { runningPerUser: 1, waitingPerUser: 3, runningAtOnce: 1, runMs: 600_000 },
    pictures: { maxBytes: 20 * MB, maxPixels: 50_000_000 },
    media: { maxBytes: 100 * MB },
    dataDir: task.folder,
    results: { keepMs: 0, maxBytes: 1024 * MB, keepWorkflow: false },
  },
  recipes: await loadRecipes({ directories: [COMMANDS_DIRECTORY] }),
  backend,
  discord: { token: task.token, api: task.api, fileOrigins: [task.url], register: true },
  clock: systemClock,
  log,
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
for (;;) {
  await once(process, 'message');
  globalThis.gc?.();
  await setTimeout(200);
  const before = process.memoryUsage.rss();
  forgetPeak();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.send?.('started');
  await once(process, 'message');
  delay.disable();
  process.send?.({ peakMb: Math.max(0, peakRss() - before) / MB, stallMs: delay.max / 1e6 });
}
