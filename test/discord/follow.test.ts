import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { notice } from '../../src/discord/card.ts';
import type { Delivery } from '../../src/discord/delivery.ts';
import { createFileLimits } from '../../src/discord/file-limits.ts';
import { createFollower } from '../../src/discord/follow.ts';
import type { OutgoingMessage, Port, Visibility } from '../../src/discord/port.ts';
import { beginNote } from '../../src/discord/reply-note.ts';
import { createGate } from '../../src/gate.ts';
import { acceptJob, moveJob, type Job, type JobState } from '../../src/jobs/job.ts';
import type { JobView, Queue } from '../../src/jobs/queue.ts';
import { eventually } from '../eventually.ts';
import { createManualClock } from '../manual-clock.ts';
import { gone, openReply, unavailable } from './_reply.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** A follower with a queue that does as it is told, and a port that keeps edits until they are let go. */
function setUp({ holds = false, visibility = 'public' }: { holds?: boolean; visibility?: Visibility } = {}) {
  const clock = createManualClock();
  const { port: plain, asked, refusals } = openReply({}, clock);
  const held: { message: OutgoingMessage; signal: AbortSignal | undefined; letGo: () => void }[] = [];
  const port: Port = {
    ...plain,
    async editReply(call, message, tries, signal) {
      const answer = await plain.editReply(call, message, tries, signal);
      if (!holds) return answer;
      return await new Promise<string>((resolve, reject) => {
        held.push({ message, signal, letGo: () => resolve(answer) });
        signal?.addEventListener('abort', () => reject(unavailable()));
      });
    },
  };
  const jobs = new Map<string, JobView>();
  const listeners = new Map<string, (view: JobView) => void>();
  const told: string[] = [];
  function change(id: string, next: (job: Job) => Job, view: Omit<JobView, 'job'> = {}): void {
    const known = jobs.get(id);
    if (!known) throw new Error('no such job');
    const changed = { job: next(known.job), ...view };
    jobs.set(id, changed);
    listeners.get(id)?.(changed);
  }
  const queue: Pick<Queue, 'view' | 'watch' | 'note' | 'delivered' | 'told'> = {
    view: async (id) => jobs.get(id),
    watch(id, listener) {
      listeners.set(id, listener);
      return () => listeners.delete(id);
    },
    note: async (id, note) => void jobs.set(id, { job: { ...known(id), note } }),
    async delivered(id, outcome) {
      if (known(id).state !== 'delivering') return;
      if (outcome === 'done') change(id, (job) => moveJob(job, 'done', clock.now()));
      else change(id, (job) => moveJob(job, 'failed', clock.now(), { by: 'delivery' }));
    },
    told: async (id) => void told.push(id),
  };
  function known(id: string): Job {
    const view = jobs.get(id);
    if (!view) throw new Error('no such job');
    return view.job;
  }
  const delivery: Pick<Delivery, 'deliverResult'> = {
    deliverResult: (_job, reply, signal) =>
      reply.deliver(() => Promise.resolve({ message: notice('the result'), to: 1 }), signal),
  };
  const log = pino({ level: 'silent' });
  const fileLimits = createFileLimits(port, clock, log);
  const inTurn = createGate(4);
  const follower = createFollower({ queue, delivery, port, fileLimits, inTurn, backendName: 'ViewComfy', clock, log });
  return {
    clock,
    asked,
    refusals,
    held,
    told,
    follower,
    known,
    change,
    move: (id: string, state: JobState) => change(id, (job) => moveJob(job, state, clock.now())),
    accept(id: string, ...states: readonly JobState[]): Job {
      const call = { id: `of-${id}`, application: '4', token: `token-${id}` };
      const place = { call, user: '1', channel: 'room', botIsMember: true, visibility, fileLimit: 1 };
      const note = JSON.stringify(beginNote({ ...place, now: clock.now() }));
      const accepted = acceptJob({ id, recipe: character, user: '1', answers: {}, note }, clock.now());
      const job = states.reduce((one, state) => moveJob(one, state, clock.now()), accepted);
      jobs.set(id, { job });
      return job;
    },
    /** what every edit and message said, in order */
    said: () => asked.flatMap(({ message }) => (message ? [wordsOf(message)] : [])),
  };
}

function wordsOf(message: OutgoingMessage): string {
  return [...JSON.stringify(message).matchAll(/"content":"([^"]*)"/g)].map(([, words]) => words).join(' ');
}

/** Lets what follows settled promises happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a job that is followed', () => {
  it('has its card kept up to date, its result brought, and is told once', async () => {
    const { follower, accept, move, said, told } = setUp();
    follower.follow(accept('job'));
    await eventually(() => expect(said()).toHaveLength(1));
    move('job', 'running');
    move('job', 'delivering');
    await eventually(() => expect(told).toEqual(['job']));
    expect(said().map((words) => /Waiting|Running|Sending|the result/.exec(words)?.[0])).toEqual([
      'Waiting',
      'Sending',
      'the result',
    ]);
  });

  it('that is cancelled while its result is on the way has the upload aborted and the pictures taken away', async () => {
    const { follower, accept, move, held, told } = setUp({ holds: true });
    follower.follow(accept('job', 'running', 'delivering'));
    await eventually(() => expect(held).toHaveLength(1));
    held[0]?.letGo();
    await eventually(() => expect(held).toHaveLength(2));
    move('job', 'cancelled');
    expect(held[1]?.signal?.aborted).toBe(true);
    await eventually(() => expect(held).toHaveLength(3));
    expect(held[2]?.message.files).toEqual([]);
    expect(wordsOf(held[2]?.message ?? notice(''))).toContain('Cancelled');
    held[2]?.letGo();
    await eventually(() => expect(told).toEqual(['job']));
  });

  it('is tried again with growing pauses while Discord is away, and given up after a day', async () => {
    const { follower, accept, asked, refusals, clock, known, told } = setUp({ visibility: 'private' });
    refusals.editReply = unavailable();
    refusals.directChannel = unavailable();
    follower.follow(accept('job', 'running', 'delivering'));
    await eventually(() => expect(asked.length).toBeGreaterThan(0));
    const perHour: number[] = [];
    for (let minute = 0; minute < 25 * 60 && told.length === 0; minute += 1) {
      clock.advance(MINUTE);
      await settle();
      if (minute % 60 === 59) perHour.push(asked.length);
    }
    expect(known('job')).toMatchObject({ state: 'failed', failure: { by: 'delivery' } });
    expect(told).toEqual(['job']);
    expect(clock.now() - known('job').acceptedAt).toBeGreaterThan(DAY);
    // Some ten in the first hour, four or five in each of the others.
    expect(perHour[0]).toBeLessThanOrEqual(20);
    expect((perHour[20] ?? 0) - (perHour[10] ?? 0)).toBeGreaterThan(25);
    expect((perHour[20] ?? 0) - (perHour[10] ?? 0)).toBeLessThanOrEqual(60);
  });

  it('with no way left is brought at once by a press, and by nothing before', async () => {
    const { follower, accept, asked, refusals, clock, known, told } = setUp({ visibility: 'private' });
    for (const route of ['editReply', 'sendMessage'] as const) refusals[route] = gone();
    follower.follow(accept('job', 'running', 'delivering'));
    await eventually(() => expect(asked.map(({ route }) => route)).toContain('sendMessage'));
    const times = asked.length;
    clock.advance(5 * 60 * MINUTE);
    await settle();
    expect(asked).toHaveLength(times);
    expect(known('job').state).toBe('delivering');
    delete refusals.editReply;
    const call = { id: '9', application: '4', token: 'fresh' };
    await expect(follower.renew('job', { call, fileLimit: 1, now: clock.now() })).resolves.toBe(true);
    await eventually(() => expect(told).toEqual(['job']));
    expect(known('job').state).toBe('done');
    await expect(follower.renew('job', { call, fileLimit: 1, now: clock.now() })).resolves.toBe(false);
  });

  it('that was delivered before the process was killed is told, and not delivered again', async () => {
    const { follower, accept, asked, told } = setUp();
    follower.resume([accept('job', 'running', 'delivering', 'done')]);
    await eventually(() => expect(told).toEqual(['job']));
    expect(asked).toEqual([]);
  });
});

describe('many jobs after a restart', () => {
  it('have their cards brought up to date a few at a time', async () => {
    const { follower, accept, change, held } = setUp({ holds: true });
    const names = Array.from({ length: 50 }, (_, index) => `job${index}`);
    follower.resume(names.map((name) => accept(name)));
    for (const [ahead, name] of names.entries()) change(name, (job) => job, { ahead });
    await eventually(() => expect(held).toHaveLength(4));
    await settle();
    expect(held).toHaveLength(4);
    for (let done = 0; done < 50; done += 1) {
      held[done]?.letGo();
      await settle();
    }
    expect(held).toHaveLength(50);
  });
});

describe('when the bot stops', () => {
  it('what waits is left as it is, and a result that is on its way may arrive', async () => {
    const { follower, accept, held, told } = setUp({ holds: true });
    follower.follow(accept('waiting'));
    follower.follow(accept('sent', 'running', 'delivering'));
    await eventually(() => expect(held).toHaveLength(2));
    for (const one of held) one.letGo();
    await eventually(() => expect(held).toHaveLength(3));
    let over = false;
    const stopped = follower.stop(new AbortController().signal).then(() => (over = true));
    await settle();
    expect(over).toBe(false);
    held[2]?.letGo();
    await stopped;
    expect(told).toEqual(['sent']);
  });

  it('in a hurry, the upload is given up and the job left for the next process', async () => {
    const { follower, accept, held, known, told } = setUp({ holds: true });
    follower.follow(accept('sent', 'running', 'delivering'));
    await eventually(() => expect(held).toHaveLength(1));
    held[0]?.letGo();
    await eventually(() => expect(held).toHaveLength(2));
    await follower.stop(AbortSignal.abort());
    expect(known('sent').state).toBe('delivering');
    expect(told).toEqual([]);
  });
});
