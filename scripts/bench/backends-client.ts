/** A process of its own that does jobs with one client, so that nothing else is in its time and its memory. */
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createClient } from './backends-clients.ts';
import { ClientTask, Round, type RoundResult } from './backends-messages.ts';
import { MB } from './messages.ts';
import { forgetPeak, peakRss } from './rss.ts';

/** Who hangs again and again need not be waited for a thousand times. */
const MOST_HUNG = 5;
/** Connecting and looking around takes no longer. */
const READY_MS = 30_000;

const [message]: unknown[] = await once(process, 'message');
const task = ClientTask.parse(message);
let stray = '';
// What an SDK throws where nobody can catch it would end a bot; here it is told instead.
process.on('unhandledRejection', (error) => (stray ||= wordsOf(error)));
process.on('uncaughtException', (error) => (stray ||= wordsOf(error)));
const giveUp = new AbortController();
void setTimeout(READY_MS, undefined, { signal: giveUp.signal }).then(
  () => process.exit(1),
  () => {},
);
const client = await createClient(task);
giveUp.abort();
let rounds = 0;
process.on('message', (message) => void perform(Round.parse(message)).then((result) => process.send?.(result)));
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function perform(round: Round): Promise<RoundResult> {
  rounds += 1;
  const home = join(task.home, `round-${rounds}`);
  const folders = Array.from({ length: round.jobs }, (_, index) => join(home, String(index)));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  globalThis.gc?.();
  await setTimeout(100);
  const before = process.memoryUsage.rss();
  forgetPeak();
  const counts = { files: 0, done: 0, hung: 0, failed: 0, words: '' };
  const waiting = folders.entries();
  const cpu = process.cpuUsage();
  const began = performance.now();
  await Promise.all(Array.from({ length: round.atOnce }, work));
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  const peakMb = Math.max(0, peakRss() - before) / MB;
  await rm(home, { recursive: true, force: true });
  if (stray !== '') counts.words = `${counts.words} (and nobody caught: ${stray})`.trim();
  return { ms, cpuMs: (user + system) / 1000, peakMb, ...counts };

  async function work(): Promise<void> {
    for (const [index, folder] of waiting) {
      const seed = round.same === true ? 7 : rounds * 100_000 + index;
      const late = new AbortController();
      const outcome = await Promise.race([
        client.run({ seed, folder, workflow: round.workflow ?? 'good' }).catch(wordsOf),
        setTimeout(round.limitMs, undefined, { signal: late.signal }).catch(() => undefined),
      ]);
      late.abort();
      if (outcome === undefined) counts.hung += 1;
      else if (typeof outcome === 'string') {
        counts.failed += 1;
        counts.words = outcome;
      } else {
        counts.done += 1;
        counts.files += outcome;
      }
      if (counts.hung >= MOST_HUNG) return;
    }
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const detail = 'detail' in error && typeof error.detail === 'string' ? `: ${error.detail}` : '';
  return `${error.message}${detail}`.replaceAll(/\s+/g, ' ').slice(0, 60);
}
