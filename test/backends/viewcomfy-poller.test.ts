import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createPatience } from '../../src/backends/patience.ts';
import { createPoller } from '../../src/backends/viewcomfy/poller.ts';
import type { Result } from '../../src/backends/viewcomfy/result.ts';
import { BackendError } from '../../src/errors.ts';
import { createManualClock } from '../manual-clock.ts';

type Records = ReadonlyMap<string, Result | BackendError>;

/** A poller whose questions are answered by `answer`, on a clock that stands still. */
function ask(answer: (promptIds: readonly string[]) => Records) {
  const clock = createManualClock();
  const start = clock.now();
  const asked: { readonly at: number; readonly promptIds: readonly string[] }[] = [];
  const poller = createPoller({
    clock,
    log: { debug() {}, warn() {} },
    async ask(promptIds) {
      asked.push({ at: clock.now() - start, promptIds });
      return answer(promptIds);
    },
  });
  function watch(promptId: string, limits = { idleTimeoutMs: 600_000, totalTimeoutMs: 2_400_000 }) {
    const cancel = new AbortController();
    const patience = createPatience({ clock, ...limits, signal: cancel.signal });
    onTestFinished(() => patience.end(new BackendError('over', { type: 'cancelled' })));
    const end = poller.watch(promptId, patience).catch((error: unknown) => error);
    return { end, cancel };
  }
  async function pass(seconds: number): Promise<void> {
    for (let tenths = 0; tenths < seconds * 10; tenths += 1) {
      clock.advance(100);
      await setImmediate();
    }
  }
  return { asked, watch, pass, clock };
}

const running: Result = { status: 'running', completed: false };
const done: Result = { status: 'success', completed: true, outputs: [] };

test('all runs are asked for in one question, 50 at most', async () => {
  const { asked, watch, pass } = ask((promptIds) => new Map(promptIds.map((promptId) => [promptId, running])));
  for (let run = 0; run < 60; run += 1) watch(`run-${run}`);
  await pass(1);
  expect(asked.map(({ promptIds }) => promptIds.length)).toEqual([50, 10]);
  expect(new Set(asked.flatMap(({ promptIds }) => promptIds)).size).toBe(60);
});

test('the pauses grow with the run from one second to ten, and begin anew with a new run', async () => {
  const { asked, watch, pass } = ask((promptIds) => new Map(promptIds.map((promptId) => [promptId, running])));
  watch('old');
  await pass(400);
  const pauses = asked.slice(1).map(({ at }, index) => Math.round((at - (asked[index]?.at ?? 0)) / 1000));
  expect(pauses.slice(0, 10).every((pause) => pause === 1)).toBe(true);
  expect(pauses.toSorted((a, b) => a - b)).toEqual(pauses);
  expect(pauses.at(-1)).toBe(10);
  expect(asked.length).toBeLessThan(90);
  asked.length = 0;
  watch('new');
  await pass(1.5);
  expect(asked.map(({ promptIds }) => promptIds)).toEqual([['old', 'new']]);
});

test('each run ends with its own record, and nobody is asked for any more when none is left', async () => {
  const records = new Map<string, Result>([
    ['a', running],
    ['b', running],
  ]);
  const { asked, watch, pass, clock } = ask(() => records);
  const [a, b] = [watch('a'), watch('b')];
  await pass(3);
  records.set('b', done);
  await pass(3);
  expect(await b.end).toBe(done);
  expect(asked.at(-1)?.promptIds).toEqual(['a']);
  a.cancel.abort();
  expect(await a.end).toMatchObject({ type: 'cancelled' });
  const count = asked.length;
  await pass(60);
  expect(asked.length).toBe(count);
  // What is left are the two timers of the patience of `b`, which is not the poller's.
  expect(clock.pending()).toBe(2);
});

test('a run may be missing for less than a minute', async () => {
  let known = false;
  const { watch, pass } = ask(() => new Map(known ? [['a', done]] : []));
  const found = watch('a');
  await pass(50);
  known = true;
  await pass(5);
  expect(await found.end).toBe(done);
  known = false;
  const lost = watch('a');
  await pass(70);
  expect(await lost.end).toMatchObject({ type: 'unknown', billed: 'maybe' });
});

test.for([
  new BackendError('bad gateway', { type: 'cut', status: 502 }),
  new BackendError('a page', { type: 'unintelligible' }),
  new BackendError('too many', { type: 'refused', status: 429 }),
])('trouble on the way is waited out with longer pauses: $message', async (trouble) => {
  let broken = true;
  const { asked, watch, pass } = ask(() => {
    if (broken) throw trouble;
    return new Map([['a', done]]);
  });
  const run = watch('a');
  await pass(120);
  expect(asked.length).toBeLessThan(9);
  broken = false;
  await pass(31);
  expect(await run.end).toBe(done);
});

test('a time to come back is kept, within reason', async () => {
  const { asked, watch, pass } = ask(() => {
    throw new BackendError('busy', { type: 'cut', retryAfterMs: asked.length === 1 ? 20_000 : 3_600_000 });
  });
  watch('a');
  await pass(90);
  expect(asked.map(({ at }) => at)).toEqual([1000, 21_000, 81_000]);
});

test('a service that cannot be asked for ten minutes is silent', async () => {
  const { watch, pass } = ask(() => {
    throw new BackendError('bad gateway', { type: 'cut' });
  });
  const run = watch('a');
  await pass(601);
  expect(await run.end).toMatchObject({ type: 'timeout' });
});

test('a refusal ends every run', async () => {
  const { watch, pass } = ask(() => {
    throw new BackendError('no', { type: 'refused', status: 401 });
  });
  const runs = [watch('a'), watch('b')];
  await pass(2);
  for (const { end } of runs) expect(await end).toMatchObject({ type: 'refused' });
});
