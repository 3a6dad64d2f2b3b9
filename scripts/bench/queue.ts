import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import type { Backend } from '../../src/backends/backend.ts';
import { systemClock } from '../../src/clock.ts';
import { acceptJob } from '../../src/jobs/job.ts';
import type { Queue } from '../../src/jobs/queue.ts';
import { createStoreQueue } from '../../src/jobs/store-queue.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { createSpool } from '../../src/storage/spool.ts';
import { createStore } from '../../src/storage/store.ts';

/**
 * What a long line costs: the same operations with few and with many jobs in it, side by side, and beside them one bare
 * commit of SQLite on the same disk, which is the least that anything durable can take.
 */

const LINES = [100, 10_000];
const JOBS_A_USER = 3;

interface QueueLine {
  readonly operation: string;
  /** jobs in line */
  readonly jobs: number;
  readonly rounds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** of the median, above one bare commit for each commit that it makes */
  readonly withoutDiskMs: number;
}

export interface QueueReport {
  readonly lines: readonly QueueLine[];
  readonly ratios: readonly { readonly operation: string; readonly manyToFew: number }[];
}

const recipe = {
  name: 'bench',
  description: 'Bench',
  options: { prompt: { kind: 'text', description: 'Words', required: true, parameters: ['1-inputs-text'] } },
  outputs: { main: [] },
} satisfies Recipe;

/** Runs end when they are told to, and never else. */
function createHeldBackend() {
  const ends: (() => void)[] = [];
  const backend: Backend = {
    name: 'held',
    capabilities: { progress: false, preview: false, cancel: true, resume: false, handleFirst: false },
    async *run({ folder, signal }) {
      await new Promise<void>((resolve) => {
        ends.push(resolve);
        signal.addEventListener('abort', () => resolve());
      });
      signal.throwIfAborted();
      yield { type: 'file-ready', name: 'a.png', mediaType: 'image/png', path: join(folder, 'a.png'), size: 1 };
    },
    close: async () => {},
  };
  return { backend, ends };
}

export async function benchQueue({
  quick,
  tell,
}: {
  quick: boolean;
  tell: (progress: string) => void;
}): Promise<QueueReport> {
  const rounds = quick ? 40 : 200;
  const lines: QueueLine[] = [];
  for (const jobs of LINES) {
    tell(`${jobs} jobs in line…`);
    lines.push(...(await measure(jobs, rounds)));
  }
  const few = lines.filter(({ jobs }) => jobs === LINES[0]);
  const ratios = few.map(({ operation, p50Ms }) => {
    const many = lines.find((line) => line.operation === operation && line.jobs === LINES[1]);
    return { operation, manyToFew: round((many?.p50Ms ?? NaN) / p50Ms) };
  });
  return { lines, ratios };
}

async function measure(jobs: number, rounds: number): Promise<QueueLine[]> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-queue-bench-'));
  try {
    const commitMs = await bareCommit(folder, rounds);
    fill(folder, jobs);
    const begun = performance.now();
    const store = createStore(folder);
    const spool = await createSpool(folder);
    const { backend, ends } = createHeldBackend();
    const limits = { runningPerUser: 1, waitingPerUser: 10, runningAtOnce: 1, runMs: 3_600_000 };
    const log = pino({ level: 'silent' });
    const queue = createStoreQueue({ backend, store, spool, limits, clock: systemClock, log });
    const startMs = performance.now() - begun;
    queue.start();

    const times = new Map<string, { ms: number[]; commits: number }>();
    async function time(operation: string, commits: number, work: () => unknown): Promise<void> {
      const begin = performance.now();
      await work();
      const spent = times.get(operation) ?? { ms: [], commits };
      spent.ms.push(performance.now() - begin);
      times.set(operation, spent);
    }

    const last = `job${jobs - 1}`;
    for (let index = 0; index < rounds; index += 1) {
      const id = `new${index}`;
      await time('place a job', 1, () => enter(queue, `newcomer${index}`, id));
      await time('tell the place of the last', 0, () => queue.view(last));
      await time('cancel a job', 1, () => queue.cancel(id));
      // From the end of one run to the next one at the backend: its result and its start are two commits.
      await time('take the next', 2, async () => {
        const running = ends.length;
        ends.at(-1)?.();
        while (ends.length === running) await new Promise((resolve) => void setImmediate(resolve));
      });
    }
    await queue.drain(AbortSignal.abort());
    store.close();
    const line = (operation: string, ms: readonly number[], commits: number): QueueLine => ({
      operation,
      jobs,
      rounds: ms.length,
      p50Ms: round(quantile(ms, 0.5)),
      p99Ms: round(quantile(ms, 0.99)),
      withoutDiskMs: round(Math.max(0, quantile(ms, 0.5) - commits * quantile(commitMs, 0.5))),
    });
    return [
      line('one bare commit', commitMs, 0),
      ...[...times].map(([operation, { ms, commits }]) => line(operation, ms, commits)),
      line('start', [startMs], 0),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function enter(queue: Queue, user: string, id: string): Promise<void> {
  const admission = await queue.admit(user);
  if ('refused' in admission) throw new Error(admission.refused);
  await admission.enter({ id, recipe, user, answers: { prompt: 'a woman in the rain' }, note: '{}' });
}

/** One row a job, made by SQLite itself: to enter ten thousand of them would take a minute of commits. */
function fill(folder: string, jobs: number): void {
  const store = createStore(folder);
  const answers = { prompt: 'a woman in the rain, with an umbrella that is larger than she is' };
  const first = { id: 'job0', user: 'user0', recipe, answers, note: '{}' };
  store.accept(acceptJob(first, Date.now()), 1);
  store.close();
  const db = new DatabaseSync(join(folder, 'troupe.db'));
  db.exec(`
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${jobs - 1})
    INSERT INTO jobs (id, user, recipe, state, turn, told, note, facts)
    SELECT 'job' || n, 'user' || (n / ${JOBS_A_USER}), recipe, state, 1 + n / ${JOBS_A_USER}, told, note, facts
    FROM numbers, jobs WHERE id = 'job0'`);
  db.close();
}

async function bareCommit(folder: string, rounds: number): Promise<number[]> {
  const path = join(folder, 'bare.db');
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (facts TEXT)');
  const insert = db.prepare('INSERT INTO rows VALUES (?)');
  const facts = 'x'.repeat(500);
  const ms: number[] = [];
  for (let index = 0; index < rounds; index += 1) {
    const begun = performance.now();
    insert.run(facts);
    ms.push(performance.now() - begun);
  }
  db.close();
  await rm(path);
  return ms;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
