import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Backend, RunRequest } from '../src/backends/backend.ts';
import { BackendError } from '../src/errors.ts';
import { createQueue, type QueueLimits } from '../src/queue.ts';
import type { Recipe } from '../src/recipe.ts';
import { createSpool } from '../src/spool.ts';
import { createManualClock } from './manual-clock.ts';
import { eventually } from './eventually.ts';

const recipe = {
  name: 'echo',
  description: 'Echo',
  options: { prompt: { kind: 'text', description: 'Words', required: true, parameters: ['1-inputs-text'] } },
  outputs: { main: [] },
} satisfies Recipe;

/** A backend whose runs end when the test says so. */
function createHeldBackend() {
  const runs: { words: unknown; request: RunRequest; end: (error?: unknown) => void }[] = [];
  const backend: Backend = {
    name: 'Held',
    capabilities: { progress: false, preview: false, cancel: true, resume: false },
    async *run(request) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const words = request.parameters['1-inputs-text'];
      runs.push({ words, request, end: (error) => (error ? reject(error) : resolve()) });
      request.signal.addEventListener('abort', () => reject(new BackendError('stopped', { type: 'cancelled' })));
      await promise;
      const path = join(request.folder, 'out.png');
      await writeFile(path, 'picture');
      yield { type: 'file-ready', name: 'out.png', mediaType: 'image/png', path, size: 7 };
    },
    close: () => Promise.resolve(),
  };
  return { backend, runs };
}

const standard = { runningPerUser: 1, waitingPerUser: 3, runningAtOnce: 1, runMs: 60_000, keptJobs: 10 };

describe('the queue', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-queue-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function setUp(limits: Partial<QueueLimits> = {}) {
    const clock = createManualClock();
    const held = createHeldBackend();
    const spool = await createSpool(folder);
    const log = pino({ level: 'silent' });
    const queue = createQueue({ backend: held.backend, spool, limits: { ...standard, ...limits }, clock, log });
    let count = 0;
    function enter(user: string, prompt: string) {
      const admission = queue.admit(user);
      if ('refused' in admission) return admission.refused;
      count += 1;
      return admission.enter({ id: `job${count}`, recipe: 'echo', user, answers: { prompt } }, recipe).id;
    }
    function state(job: string) {
      return queue.get(job)?.state;
    }
    return { clock, queue, enter, state, runs: held.runs };
  }

  it('runs what the limits allow, and the next when a place is free', async () => {
    const { enter, state, runs, queue } = await setUp({ runningAtOnce: 2 });
    const [a, b, c] = [enter('ana', 'a'), enter('bo', 'b'), enter('cy', 'c')];
    await eventually(() => expect(runs).toHaveLength(2));
    expect([state(a), state(b), state(c)]).toEqual(['running', 'running', 'waiting']);
    expect(queue.ahead(c)).toBe(0);
    // Two that begin at once come to the backend in any order.
    runs.find(({ words }) => words === 'a')?.end();
    await eventually(() => expect(state(a)).toBe('delivering'));
    await eventually(() => expect(runs).toHaveLength(3));
    expect(state(c)).toBe('running');
    queue.delivered(a, 'done');
    expect(state(a)).toBe('done');
  });

  it('refuses what is over the limit, counting places that are only held', async () => {
    const { enter, queue } = await setUp({ waitingPerUser: 1 });
    const admission = queue.admit('ana');
    enter('ana', 'a1');
    expect(queue.admit('ana')).toEqual({ refused: 'full', checking: 1 });
    if ('leave' in admission) admission.leave();
    expect(enter('ana', 'a2')).toBe('job2');
    expect(enter('ana', 'a3')).toBe('full');
    expect(enter('bo', 'b1')).toBe('job3');
  });

  it('never runs more of one user than the limit while others may run', async () => {
    const { enter, runs } = await setUp({ runningAtOnce: 3 });
    enter('ana', 'a1');
    enter('ana', 'a2');
    enter('bo', 'b1');
    await eventually(() => expect(runs).toHaveLength(2));
    expect(runs.map(({ words }) => words).toSorted()).toEqual(['a1', 'b1']);
  });

  it('cancels a waiting job at once and a running one at the backend', async () => {
    const { enter, state, runs, queue } = await setUp();
    const [a, b] = [enter('ana', 'a'), enter('bo', 'b')];
    await eventually(() => expect(runs).toHaveLength(1));
    expect(queue.cancel(b)).toBe(true);
    expect(state(b)).toBe('cancelled');
    expect(queue.cancel(a)).toBe(true);
    await eventually(() => expect(state(a)).toBe('cancelled'));
    expect(runs[0]?.request.signal.aborted).toBe(true);
    expect(queue.cancel(a)).toBe(false);
  });

  it('gives a run up that takes too long', async () => {
    const { clock, enter, queue, runs } = await setUp();
    const a = enter('ana', 'a');
    await eventually(() => expect(runs).toHaveLength(1));
    clock.advance(60_000);
    await eventually(() => expect(queue.get(a)?.state).toBe('failed'));
    expect(queue.get(a)?.failure).toMatchObject({ by: 'backend', error: { type: 'timeout' } });
  });

  it('tells the three ways to fail apart', async () => {
    const { enter, queue, runs } = await setUp();
    const a = enter('ana', 'a');
    await eventually(() => expect(runs).toHaveLength(1));
    runs[0]?.end(new BackendError('out of memory', { type: 'failed' }));
    await eventually(() => expect(queue.get(a)?.failure).toMatchObject({ by: 'backend' }));
    const b = enter('ana', 'b');
    await eventually(() => expect(runs).toHaveLength(2));
    runs[1]?.end(new TypeError('a mistake of ours'));
    await eventually(() => expect(queue.get(b)?.failure).toEqual({ by: 'us' }));
  });

  it('drains: waiting jobs are told, running ones may end, new ones are refused', async () => {
    const { enter, state, runs, queue } = await setUp();
    const [a, b] = [enter('ana', 'a'), enter('bo', 'b')];
    await eventually(() => expect(runs).toHaveLength(1));
    const drained = queue.drain(new AbortController().signal);
    expect(enter('cy', 'c')).toBe('closing');
    expect(queue.get(b)?.failure).toEqual({ by: 'shutdown' });
    runs[0]?.end();
    await eventually(() => expect(state(a)).toBe('delivering'));
    queue.delivered(a, 'done');
    await drained;
  });

  it('interrupts what still runs when the patience ends', async () => {
    const { enter, state, runs, queue } = await setUp();
    const a = enter('ana', 'a');
    await eventually(() => expect(runs).toHaveLength(1));
    const patience = new AbortController();
    const drained = queue.drain(patience.signal);
    patience.abort();
    await drained;
    expect(state(a)).toBe('interrupted');
  });

  it('keeps only the jobs that ended last', async () => {
    const { enter, queue, runs, state } = await setUp({ keptJobs: 1 });
    const [a, b] = [enter('ana', 'a'), enter('bo', 'b')];
    await eventually(() => expect(runs).toHaveLength(1));
    queue.cancel(b);
    queue.cancel(a);
    await eventually(() => expect(state(a)).toBe('cancelled'));
    expect(queue.get(b)).toBeUndefined();
  });
});
