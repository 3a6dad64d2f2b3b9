import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend, ResumeRequest } from '../../src/backends/backend.ts';
import { BackendError } from '../../src/errors.ts';
import type { Job } from '../../src/jobs/job.ts';
import type { JobView, Queue, QueueLimits } from '../../src/jobs/queue.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { eventually } from '../eventually.ts';
import { createManualClock, type ManualClock } from '../manual-clock.ts';

/** A queue on what its last process has left. */
interface OpenQueue {
  readonly queue: Queue;
  /** Ends it as a kill would: nothing is drained. */
  kill(): Promise<void>;
}

export interface QueueHouse {
  open(backend: Backend, limits: QueueLimits, clock: ManualClock): Promise<OpenQueue>;
  /** The folder in which a job's inputs are put before it enters. */
  inputs(job: string): Promise<string>;
  clear(): Promise<void>;
}

const echo = {
  name: 'echo',
  description: 'Echo',
  options: { prompt: { kind: 'text', description: 'Words', required: true, parameters: ['1-inputs-text'] } },
  outputs: { main: [] },
} satisfies Recipe;

interface Run {
  readonly words: unknown;
  readonly request: ResumeRequest;
  /** the handle by which it was found again */
  readonly found?: string;
  tell(line: string): void;
  assign(handle: string): void;
  end(error?: unknown): void;
}

interface HeldOptions {
  readonly resumes?: boolean;
  readonly handleFirst?: boolean;
}

/** A backend whose runs do what the test says. What was assigned a handle is found again where it may be. */
function createHeldBackend({ resumes = true, handleFirst = false }: HeldOptions) {
  const runs: Run[] = [];
  let close = (): void => {};
  const closed = new Promise<void>((resolve) => (close = resolve));

  async function* hold(request: ResumeRequest, words: unknown, found?: string) {
    type Step = { line: string } | { handle: string } | { error: unknown } | 'end';
    const steps: Step[] = [];
    let news = Promise.withResolvers<void>();
    function add(step: Step): void {
      steps.push(step);
      news.resolve();
    }
    request.signal.addEventListener('abort', () => add({ error: new BackendError('stopped', { type: 'cancelled' }) }));
    void closed.then(() => add({ error: new BackendError('closed', { type: 'cancelled' }) }));
    runs.push({
      words,
      request,
      ...(found !== undefined && { found }),
      tell: (line) => add({ line }),
      assign: (handle) => add({ handle }),
      end: (error) => add(error === undefined ? 'end' : { error }),
    });
    for (;;) {
      const step = steps.shift();
      if (step === undefined) {
        await news.promise;
        news = Promise.withResolvers();
      } else if (step === 'end') break;
      else if ('error' in step) throw step.error;
      else if ('line' in step) yield { type: 'log-line', line: step.line } as const;
      else yield { type: 'handle-assigned', handle: step.handle } as const;
    }
    const path = join(request.folder, 'out.png');
    await writeFile(path, 'picture');
    yield { type: 'file-ready', name: 'out.png', mediaType: 'image/png', path, size: 7 } as const;
  }

  const backend: Backend = {
    name: 'Held',
    capabilities: { progress: false, preview: false, cancel: true, resume: resumes, handleFirst },
    run: (request) => hold(request, request.parameters['1-inputs-text']),
    ...(resumes && { resume: (handle, request) => hold(request, undefined, handle) }),
    async close() {
      close();
    },
  };
  return { backend, runs };
}

const standard: QueueLimits = { runningPerUser: 1, waitingPerUser: 3, runningAtOnce: 1, runMs: 60_000 };

/** The cases that every queue passes. */
export function describeQueue(name: string, build: () => Promise<QueueHouse>): void {
  describe(`${name}, as every queue`, () => {
    let house: QueueHouse;
    let clock: ManualClock;
    const openQueues: OpenQueue[] = [];
    let count: number;

    beforeEach(async () => {
      house = await build();
      clock = createManualClock();
      count = 0;
    });
    afterEach(async () => {
      for (const open of openQueues.splice(0)) await open.kill();
      await house.clear();
    });

    async function begin(limits: Partial<QueueLimits> = {}, options: HeldOptions = {}) {
      const held = createHeldBackend(options);
      const open = await house.open(held.backend, { ...standard, ...limits }, clock);
      openQueues.push(open);
      const { queue } = open;

      async function enter(user: string, prompt: string, againOf?: Job): Promise<string> {
        const admission = await queue.admit(user);
        if ('refused' in admission) return admission.refused;
        count += 1;
        const id = `job${count}`;
        await writeFile(join(await house.inputs(id), 'words.txt'), prompt);
        return (await admission.enter({ id, recipe: echo, user, answers: { prompt }, note: '' }, againOf)).id;
      }
      async function state(job: string) {
        return (await queue.get(job))?.state;
      }
      async function places(): Promise<(number | undefined)[]> {
        const ids = Array.from({ length: count }, (_, index) => `job${index + 1}`);
        return await Promise.all(ids.map(async (id) => (await queue.view(id))?.ahead));
      }
      function run(words: string): Run {
        const found = held.runs.findLast((candidate) => candidate.words === words);
        if (!found) throw new Error(`no run of ${words}`);
        return found;
      }
      return { queue, enter, state, places, run, runs: held.runs, kill: open.kill };
    }

    async function started(limits?: Partial<QueueLimits>, options?: HeldOptions) {
      const house = await begin(limits, options);
      house.queue.start();
      return house;
    }

    it('runs what the limits allow, and the next when a place is free', async () => {
      const { enter, state, runs, run, queue, places } = await started({ runningAtOnce: 2 });
      const [a, b, c] = [await enter('ana', 'a'), await enter('bo', 'b'), await enter('cy', 'c')];
      await eventually(() => expect(runs).toHaveLength(2));
      expect([await state(a), await state(b), await state(c)]).toEqual(['running', 'running', 'waiting']);
      expect(queue.counts()).toEqual({ waiting: 1, running: 2, delivering: 0 });
      expect(await places()).toEqual([undefined, undefined, 0]);
      run('a').end();
      await eventually(async () => expect(await state(a)).toBe('delivering'));
      await eventually(() => expect(runs).toHaveLength(3));
      expect(await state(c)).toBe('running');
      await queue.delivered(a, 'done');
      await queue.told(a);
      expect(await queue.get(a)).toMatchObject({ state: 'done', told: true, backend: 'Held' });
    });

    it('refuses what is over the limit, counting places that are only held', async () => {
      const { enter, queue } = await started({ waitingPerUser: 1 });
      const admission = await queue.admit('ana');
      await enter('ana', 'a1');
      expect(await queue.admit('ana')).toEqual({ refused: 'full', checking: 1 });
      if ('leave' in admission) admission.leave();
      expect(await enter('ana', 'a2')).toBe('job2');
      expect(await enter('ana', 'a3')).toBe('full');
      expect(await enter('bo', 'b1')).toBe('job3');
    });

    it('never runs more of one user than the limit while others may run', async () => {
      const { enter, runs } = await started({ runningAtOnce: 3 });
      await enter('ana', 'a1');
      await enter('ana', 'a2');
      await enter('bo', 'b1');
      await eventually(() => expect(runs).toHaveLength(2));
      expect(new Set(runs.map(({ words }) => words))).toEqual(new Set(['a1', 'b1']));
    });

    it('cancels a waiting job at once, a running one at the backend, and one that is being delivered', async () => {
      const { enter, state, run, runs, queue } = await started();
      const [a, b, c] = [await enter('ana', 'a'), await enter('bo', 'b'), await enter('cy', 'c')];
      await eventually(() => expect(runs).toHaveLength(1));
      expect(await queue.cancel(b)).toBe(true);
      expect(await state(b)).toBe('cancelled');
      expect(await queue.cancel(a)).toBe(true);
      expect(await state(a)).toBe('cancelled');
      expect(run('a').request.signal.aborted).toBe(true);
      expect(await queue.cancel(a)).toBe(false);
      await eventually(() => expect(runs).toHaveLength(2));
      run('c').end();
      await eventually(async () => expect(await state(c)).toBe('delivering'));
      expect(await queue.cancel(c)).toBe(true);
      await queue.delivered(c, 'done');
      expect(await state(c)).toBe('cancelled');
      expect(await queue.cancel('never there')).toBe(false);
    });

    it('gives a run up that takes too long', async () => {
      const { enter, queue, runs } = await started();
      const a = await enter('ana', 'a');
      await eventually(() => expect(runs).toHaveLength(1));
      clock.advance(60_000);
      await eventually(async () => expect((await queue.get(a))?.state).toBe('failed'));
      expect((await queue.get(a))?.failure).toMatchObject({ by: 'backend', fault: { type: 'timeout' } });
    });

    it('tells the ways to fail apart', async () => {
      const { enter, queue, run, runs } = await started();
      async function failureOf(prompt: string, error: Error) {
        const job = await enter('ana', prompt);
        await eventually(() => expect(runs.some(({ words }) => words === prompt)).toBe(true));
        run(prompt).end(error);
        await eventually(async () => expect((await queue.get(job))?.state).not.toBe('running'));
        return await queue.get(job);
      }
      const fault = {
        type: 'failed',
        detail: 'out of memory',
        billed: 'maybe',
        parameters: ['1-inputs-text'],
      } as const;
      expect(await failureOf('a', new BackendError('no memory', fault))).toMatchObject({
        state: 'failed',
        failure: { by: 'backend', fault },
      });
      expect(await failureOf('b', new TypeError('a mistake of ours'))).toMatchObject({ failure: { by: 'us' } });
      const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      expect(await failureOf('c', full)).toMatchObject({ failure: { by: 'disk' } });
      const lost = new BackendError('never heard of it', { type: 'unknown' });
      expect(await failureOf('d', lost)).toMatchObject({ state: 'interrupted' });
    });

    it('finds a run again that broke off after its handle was assigned, and begins none anew', async () => {
      const { enter, runs, run, state, queue } = await started();
      const a = await enter('ana', 'a');
      await eventually(() => expect(runs).toHaveLength(1));
      run('a').assign('the handle');
      run('a').end(new BackendError('line cut', { type: 'cut' }));
      await eventually(() => expect(clock.pending()).toBe(2));
      clock.advance(2000);
      await eventually(() => expect(runs).toHaveLength(2));
      expect(runs[1]).toMatchObject({ found: 'the handle' });
      runs[1]?.end();
      await eventually(async () => expect(await state(a)).toBe('delivering'));
      expect((await queue.get(a))?.files).toHaveLength(1);
    });

    it('tells whoever watches what changes, and the places once for many changes', async () => {
      const { enter, queue, run, runs } = await started();
      await enter('ana', 'a');
      const b = await enter('bo', 'b');
      const c = await enter('cy', 'c');
      const views: JobView[] = [];
      const unwatch = queue.watch(c, (view) => views.push(view));
      await queue.cancel(b);
      expect(views).toEqual([]);
      clock.advance(1000);
      expect(views).toMatchObject([{ ahead: 0, job: { id: c } }]);
      await eventually(() => expect(runs).toHaveLength(1));
      run('a').end();
      await eventually(() => expect(views.at(-1)?.job.state).toBe('running'));
      await eventually(() => expect(runs).toHaveLength(2));
      run('c').tell('loading');
      await eventually(() => expect(views.at(-1)?.job.progress.line).toBe('loading'));
      unwatch();
      const seen = views.length;
      run('c').end();
      await eventually(async () => expect((await queue.get(c))?.state).toBe('delivering'));
      expect(views).toHaveLength(seen);
    });

    it('expects turns and ends by its own measured times, and says nothing before there are enough', async () => {
      const { enter, queue, run, runs } = await started();
      for (const [index, seconds] of [20, 10, 12].entries()) {
        const job = await enter('ana', `run ${index}`);
        await eventually(() => expect(runs).toHaveLength(index + 1));
        expect((await queue.view(job))?.endsAt).toBeUndefined();
        clock.advance(seconds * 1000);
        run(`run ${index}`).end();
        await eventually(async () => expect((await queue.get(job))?.state).toBe('delivering'));
      }
      const a = await enter('ana', 'a');
      const [b, c] = [await enter('bo', 'b'), await enter('cy', 'c')];
      await eventually(() => expect(runs).toHaveLength(4));
      const now = clock.now();
      expect((await queue.view(a))?.endsAt).toBe(now + 12_000);
      expect(await queue.view(b)).toMatchObject({ ahead: 0, startsAt: now + 12_000 });
      expect(await queue.view(c)).toMatchObject({ ahead: 1, startsAt: now + 24_000 });
      clock.advance(60_000 - 1);
      expect((await queue.view(b))?.startsAt).toBe(clock.now());
    });

    it('tells a cold start from the run itself', async () => {
      const { enter, queue, run, runs } = await started();
      for (const [index, coldMs] of [30_000, 0, 0].entries()) {
        const job = await enter('ana', `run ${index}`);
        await eventually(() => expect(runs).toHaveLength(index + 1));
        clock.advance(coldMs);
        run(`run ${index}`).tell('begun');
        await eventually(async () => expect((await queue.view(job))?.job.signAt).toBeDefined());
        clock.advance(10_000);
        run(`run ${index}`).end();
        await eventually(async () => expect((await queue.get(job))?.state).toBe('delivering'));
      }
      const a = await enter('ana', 'a');
      await eventually(() => expect(runs).toHaveLength(4));
      const begun = clock.now();
      expect(await queue.view(a)).toMatchObject({ coldMs: 30_000, endsAt: begun + 10_000 });
      clock.advance(9000);
      expect((await queue.view(a))?.endsAt).toBe(begun + 40_000);
      run('a').tell('begun');
      await eventually(async () => expect((await queue.view(a))?.coldMs).toBeUndefined());
      expect((await queue.view(a))?.endsAt).toBe(clock.now() + 10_000);
    });

    describe('after a kill', () => {
      it('what waited keeps its place, and nothing runs before the start', async () => {
        const before = await started();
        await before.enter('ana', 'a1');
        for (const [user, words] of [
          ['ana', 'a2'],
          ['ana', 'a3'],
          ['bo', 'b1'],
          ['cy', 'c1'],
          ['bo', 'b2'],
        ] as const) {
          await before.enter(user, words);
        }
        await before.queue.cancel('job5');
        const places = await before.places();
        await before.kill();
        const after = await begin();
        expect((await after.places()).slice(1)).toEqual(places.slice(1));
        expect(after.runs).toEqual([]);
        expect((await after.queue.untold()).map(({ id }) => id).toSorted()).toEqual(
          Array.from({ length: 6 }, (_, index) => `job${index + 1}`),
        );
        after.queue.start();
        const order: unknown[] = [];
        for (let taken = 1; taken <= 4; taken += 1) {
          await eventually(() => expect(after.runs).toHaveLength(taken));
          order.push(after.runs[taken - 1]?.words);
          after.runs[taken - 1]?.end();
        }
        expect(order).toEqual(['a2', 'b1', 'a3', 'b2']);
      });

      it('a run without a handle is interrupted and never begun again', async () => {
        const before = await started();
        const a = await before.enter('ana', 'a');
        await eventually(() => expect(before.runs).toHaveLength(1));
        await before.kill();
        const after = await started();
        expect(await after.state(a)).toBe('interrupted');
        expect(after.runs).toEqual([]);
        expect(await after.queue.untold()).toMatchObject([{ id: a }]);
      });

      it('a run of which nothing can have been sent yet has its turn again', async () => {
        const before = await started({}, { handleFirst: true });
        const a = await before.enter('ana', 'a');
        const b = await before.enter('bo', 'b');
        await eventually(() => expect(before.runs).toHaveLength(1));
        await before.kill();
        // Whatever the next backend is like: what counts is what the run was begun with.
        const after = await started();
        await eventually(() => expect(after.runs).toMatchObject([{ words: 'a' }]));
        expect([await after.state(a), await after.state(b)]).toEqual(['running', 'waiting']);
        expect((await after.queue.get(a))?.handle).toBeUndefined();
        await after.kill();
        const last = await started();
        expect(await last.state(a)).toBe('interrupted');
      });

      it('a run with a handle is found again, with what is left of its time', async () => {
        const before = await started();
        const a = await before.enter('ana', 'a');
        await eventually(() => expect(before.runs).toHaveLength(1));
        before.run('a').assign('first');
        before.run('a').assign('second');
        await eventually(async () => expect((await before.queue.get(a))?.handle).toBe('second'));
        await before.kill();
        clock.advance(10 * 60_000);
        const after = await started();
        await eventually(() => expect(after.runs).toMatchObject([{ found: 'second' }]));
        expect(await after.state(a)).toBe('running');
        after.runs[0]?.end();
        await eventually(async () => expect(await after.state(a)).toBe('delivering'));
      });

      it('a run that was cancelled stays so, though the backend had not stopped it yet', async () => {
        const before = await started();
        const a = await before.enter('ana', 'a');
        await eventually(() => expect(before.runs).toHaveLength(1));
        before.run('a').assign('a handle');
        await eventually(async () => expect((await before.queue.get(a))?.handle).toBe('a handle'));
        const cancelled = before.queue.cancel(a);
        await Promise.all([cancelled, before.kill()]);
        const after = await started();
        expect(await after.state(a)).toBe('cancelled');
        expect(after.runs).toEqual([]);
        expect(await after.queue.untold()).toMatchObject([{ id: a, state: 'cancelled' }]);
      });

      it('a run whose backend finds nothing again is interrupted, handle or not', async () => {
        const before = await started();
        const a = await before.enter('ana', 'a');
        await eventually(() => expect(before.runs).toHaveLength(1));
        before.run('a').assign('a handle');
        await eventually(async () => expect((await before.queue.get(a))?.handle).toBe('a handle'));
        await before.kill();
        const after = await started({}, { resumes: false });
        expect(await after.state(a)).toBe('interrupted');
        expect(after.runs).toEqual([]);
      });

      it('what was being delivered still is, with its files and what Discord has to remember', async () => {
        const before = await started();
        const a = await before.enter('ana', 'a');
        await eventually(() => expect(before.runs).toHaveLength(1));
        before.run('a').end();
        await eventually(async () => expect(await before.state(a)).toBe('delivering'));
        await before.queue.note(a, 'half of it');
        await before.kill();
        const after = await started();
        const [job] = await after.queue.untold();
        expect(job).toMatchObject({ id: a, state: 'delivering', note: 'half of it', files: [{ name: 'out.png' }] });
        await after.queue.delivered(a, 'failed');
        await after.queue.told(a);
        expect(await after.queue.untold()).toEqual([]);
        expect(await after.queue.get(a)).toMatchObject({ state: 'failed', failure: { by: 'delivery' } });
        expect((await after.queue.jobsOf('ana', 10)).map(({ job: { id } }) => id)).toEqual([a]);
      });

      it('a job that was run again is marked with it, in the same moment', async () => {
        const before = await started();
        const a = await before.enter('ana', 'a');
        await before.kill();
        const middle = await started();
        expect(await middle.state(a)).toBe('interrupted');
        const old = await middle.queue.get(a);
        const again = await middle.enter('ana', 'a', old);
        await middle.kill();
        const after = await begin();
        expect((await after.queue.get(a))?.again).toBe(again);
        // The old job as it was seen before: a second press of the same button.
        await expect(after.enter('ana', 'a', old)).rejects.toThrow('being run again already');
        expect((await after.queue.unfinishedOf('ana')).map(({ job: { id } }) => id)).toEqual([again]);
      });
    });

    it('runs a job again once, also before its owner was told of its end, and keeps the mark', async () => {
      const { enter, state, runs, run, queue } = await started();
      const a = await enter('ana', 'a');
      await eventually(() => expect(runs).toHaveLength(1));
      run('a').end(new BackendError('broken', { type: 'failed' }));
      await eventually(async () => expect(await state(a)).toBe('failed'));
      const old = await queue.get(a);
      const again = await enter('ana', 'a', old);
      await expect(enter('ana', 'a', old)).rejects.toThrow('being run again already');
      await queue.told(a);
      expect(await queue.get(a)).toMatchObject({ state: 'failed', again });
    });

    it('drains: what waits stays, what can be found again is left, the rest may end', async () => {
      const { enter, state, runs, run, queue } = await started({ runningAtOnce: 2 });
      const [a, b, c] = [await enter('ana', 'a'), await enter('bo', 'b'), await enter('cy', 'c')];
      await eventually(() => expect(runs).toHaveLength(2));
      run('a').assign('of a');
      await eventually(async () => expect((await queue.get(a))?.handle).toBe('of a'));
      const drained = queue.drain(new AbortController().signal);
      expect(await enter('di', 'd')).toBe('closing');
      run('b').end();
      await drained;
      expect([await state(a), await state(b), await state(c)]).toEqual(['running', 'delivering', 'waiting']);
      expect(run('a').request.signal.aborted).toBe(false);
      expect(clock.pending()).toBe(0);
    });

    it('interrupts what cannot be found again when the patience ends', async () => {
      const { enter, state, runs, queue } = await started();
      const a = await enter('ana', 'a');
      await eventually(() => expect(runs).toHaveLength(1));
      const patience = new AbortController();
      const drained = queue.drain(patience.signal);
      patience.abort();
      await drained;
      expect(await state(a)).toBe('interrupted');
    });

    it('keeps the turn of what nothing was sent of when the patience ends', async () => {
      const { enter, state, runs, queue } = await started({}, { handleFirst: true });
      const a = await enter('ana', 'a');
      await eventually(() => expect(runs).toHaveLength(1));
      await queue.drain(AbortSignal.abort());
      expect(await state(a)).toBe('waiting');
    });

    it('leaves no half result of an earlier try beside a whole one', async () => {
      const { enter, runs, run, state, queue } = await started();
      const a = await enter('ana', 'a');
      await eventually(() => expect(runs).toHaveLength(1));
      await writeFile(join(run('a').request.folder, 'half.part'), 'half');
      run('a').assign('h');
      run('a').end(new BackendError('line cut', { type: 'cut' }));
      await eventually(() => expect(clock.pending()).toBe(2));
      clock.advance(2000);
      await eventually(() => expect(runs).toHaveLength(2));
      runs[1]?.end();
      await eventually(async () => expect(await state(a)).toBe('delivering'));
      const [file] = (await queue.get(a))?.files ?? [];
      expect(await readdir(join(file?.path ?? '', '..'))).toEqual(['out.png']);
    });
  });
}
