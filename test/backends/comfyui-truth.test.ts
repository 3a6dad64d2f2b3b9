import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ask } from '../../src/backends/comfyui/ask.ts';
import { follow } from '../../src/backends/comfyui/follow.ts';
import type { Hint } from '../../src/backends/comfyui/frames.ts';
import { createInbox, type Inbox } from '../../src/backends/comfyui/inbox.ts';
import { createServer } from '../../src/backends/comfyui/server.ts';
import type { Socket } from '../../src/backends/comfyui/socket.ts';
import { createPatience, type Patience } from '../../src/backends/patience.ts';
import { BackendError } from '../../src/errors.ts';
import { eventually } from '../eventually.ts';
import { createManualClock, type ManualClock } from '../manual-clock.ts';
import { quietLog } from './_comfyui.ts';

const HISTORY = { id1: { outputs: { '9': { images: [{ filename: 'a.png', subfolder: '', type: 'output' }] } } } };
const RUNNING = { queue_running: [[1, 'id1', {}, {}, []]], queue_pending: [] };
const NOWHERE = { queue_running: [], queue_pending: [] };

describe('the truth about a run, asked for question by question', () => {
  let clock: ManualClock;
  let inbox: Inbox;
  let patience: Patience;
  let heard: ReturnType<Socket['heard']>;
  let isOpen: boolean;
  let asked: string[];
  /** the answers to the next questions */
  let answers: unknown[];

  beforeEach(() => {
    clock = createManualClock();
    inbox = createInbox(clock);
    patience = createPatience({
      clock,
      idleTimeoutMs: 600_000,
      totalTimeoutMs: 2_400_000,
      signal: new AbortController().signal,
    });
    [heard, isOpen, asked, answers] = ['nothing', false, [], []];
  });
  afterEach(() => {
    patience.end(new BackendError('the test is over', { type: 'cancelled' }));
    if (clock.pending() > 0) throw new Error('a timer is left');
  });

  const ask: Ask = async ({ path }) => {
    asked.push(path);
    const answer = answers.shift() ?? {};
    if (answer instanceof Error) throw answer;
    return answer;
  };

  function watch() {
    const events: object[] = [];
    const over = (async () => {
      const run = follow({
        promptId: 'id1',
        workflow: undefined,
        server: createServer({ url: new URL('http://127.0.0.1:8188'), headers: {}, secrets: [] }),
        patience,
        socket: { isOpen: () => isOpen, heard: () => heard },
        inbox,
        ask,
        clean: (text) => text,
        clock,
        log: quietLog,
      });
      for (let next = await run.next(); ; next = await run.next()) {
        if (next.done) return next.value;
        events.push(next.value);
      }
    })().catch((error: unknown) => error);
    return { events, over };
  }

  /** Lets time pass until so many questions were asked. */
  async function pass(ms: number, questions: number): Promise<void> {
    await eventually(() => expect(clock.pending()).toBe(3));
    clock.advance(ms);
    await eventually(() => expect(asked).toHaveLength(questions));
  }

  test('a run that moves to the history between two questions is not lost', async () => {
    const { over } = watch();
    answers = [{}, NOWHERE, HISTORY];
    await pass(1000, 2);
    await pass(1000, 3);
    expect(await over).toMatchObject({ files: [{ filename: 'a.png' }] });
    expect(asked).toEqual(['history/id1', 'queue', 'history/id1']);
  });

  test('a run that is in neither three times is lost', async () => {
    const { over } = watch();
    answers = [{}, NOWHERE, {}, NOWHERE, {}, NOWHERE];
    for (const questions of [2, 4, 6]) await pass(1000, questions);
    expect(await over).toMatchObject({ type: 'unknown', billed: 'maybe' });
  });

  test('one that is seen again in between is not', async () => {
    const { over } = watch();
    answers = [{}, NOWHERE, {}, NOWHERE, {}, RUNNING, {}, NOWHERE, {}, NOWHERE, HISTORY];
    await pass(1000, 2);
    await pass(1000, 4);
    await pass(1000, 6);
    await pass(2000, 8);
    await pass(1000, 10);
    await pass(1000, 11);
    expect(await over).toHaveProperty('files');
  });

  test('a word that it is written down is acted on at once, and one that it has ended nearly so', async () => {
    [heard, isOpen] = ['now', true];
    const { over, events } = watch();
    answers = [{}, HISTORY];
    inbox.push({ type: 'started' });
    await setImmediate();
    expect(events).toEqual([{ type: 'queue-changed', ahead: 0 }]);
    inbox.push({ type: 'ended', isWritten: false });
    await setImmediate();
    await pass(149, 0);
    await pass(1, 1);
    inbox.push({ type: 'ended', isWritten: true });
    expect(await over).toHaveProperty('files');
    // While it is heard that it runs, the queue need not say so.
    expect(asked).toEqual(['history/id1', 'history/id1']);
  });

  test('is asked again soon where the word that it is written never comes', async () => {
    [heard, isOpen] = ['now', true];
    const { over } = watch();
    answers = [{}, {}, {}, HISTORY];
    inbox.push({ type: 'ended', isWritten: false });
    await setImmediate();
    await pass(150, 1);
    await pass(300, 2);
    await pass(600, 3);
    await pass(1200, 4);
    expect(await over).toHaveProperty('files');
  });

  test('where the queue changes all the time it is asked once a second', async () => {
    [heard, isOpen] = ['now', true];
    const { over } = watch();
    answers = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? {} : RUNNING_ELSEWHERE));
    const moved: Hint = { type: 'queue-moved' };
    for (let count = 0; count < 50; count += 1) inbox.push(moved);
    await pass(1000, 2);
    for (let count = 0; count < 50; count += 1) inbox.push(moved);
    await pass(500, 2);
    await pass(500, 4);
    patience.end(new BackendError('enough', { type: 'cancelled' }));
    expect(await over).toMatchObject({ type: 'cancelled' });
  });

  test.each([
    new BackendError('away', { type: 'unreachable', retryable: true, billed: 'no' }),
    new BackendError('lost', { type: 'cut' }),
    new BackendError('slow', { type: 'timeout' }),
    new BackendError('a page', { type: 'unintelligible' }),
    new BackendError('HTTP 500', { type: 'failed', status: 500 }),
    new BackendError('HTTP 429', { type: 'refused', status: 429 }),
  ])('trouble on the way passes: %s', async (trouble) => {
    const { over } = watch();
    answers = [trouble, HISTORY];
    await pass(1000, 1);
    await pass(2000, 2);
    expect(await over).toHaveProperty('files');
  });

  test('a refusal is meant for the run', async () => {
    const { over } = watch();
    answers = [new BackendError('HTTP 401', { type: 'refused', status: 401 })];
    await pass(1000, 1);
    expect(await over).toMatchObject({ type: 'refused' });
  });

  test.each([
    ['a process that is gone', 'ECONNREFUSED', 'lost', { type: 'unreachable', retryable: true, billed: 'no' }],
    ['a network that is gone', 'EHOSTUNREACH', 'lost', { type: 'timeout' }],
    ['a process that was never heard', 'ECONNREFUSED', 'nothing', { type: 'timeout' }],
  ] as const)('a run that had not begun is given back by %s, or not', async (_, code, state, expected) => {
    heard = state;
    const cause = Object.assign(new Error('no'), { code });
    answers = Array.from(
      { length: 200 },
      () => new BackendError('away', { type: 'unreachable', retryable: true, billed: 'no', cause }),
    );
    const { over } = watch();
    await pass(1000, 1);
    clock.advance(600_000);
    expect(await over).toMatchObject(expected);
  });
});

const RUNNING_ELSEWHERE = {
  queue_running: [[1, 'other', {}, {}, []]],
  queue_pending: [[2, 'id1', {}, {}, []]],
};
