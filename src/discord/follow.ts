import type { Clock } from '../clock.ts';
import { createGate, type Gate } from '../gate.ts';
import { hasEnded, type Job } from '../jobs/job.ts';
import type { JobView, Queue } from '../jobs/queue.ts';
import type { Logger } from '../log.ts';
import { card } from './card.ts';
import type { Delivery } from './delivery.ts';
import type { FileLimits } from './file-limits.ts';
import type { Port } from './port.ts';
import { createProgressEdits } from './progress.ts';
import { createReply } from './reply.ts';
import { readNote, type FreshCall } from './reply-note.ts';

/** Stays with every job until its owner knows how it ended: keeps its card up to date, and brings the result. */
export interface Follower {
  /** From its acceptance on. */
  follow(job: Job): void;
  /** Goes on where the last process stopped. */
  resume(jobs: readonly Job[]): void;
  /** Goes on with a fresh token; false when the job is not followed, because its owner knows how it ended. */
  renew(job: string, fresh: FreshCall): Promise<boolean>;
  /** Begins no request any more; ends when what is under way has ended, which `signal` hastens. */
  stop(signal: AbortSignal): Promise<void>;
}

/** Between the tries of what has to arrive; the last one is repeated. */
const PAUSES_MS = [2000, 5000, 15_000, 45_000, 2 * 60_000, 5 * 60_000, 15 * 60_000];
/** For how long it is tried. */
const PATIENCE_MS = 24 * 3_600_000;
/** Before the token's death, so that the button is there in time, and the edit that puts it up may fail some times. */
const PRESS_BEFORE_MS = 90_000;
/** After a restart all cards are brought up to date: some at a time. */
const FIRST_EDITS_AT_ONCE = 4;

interface FollowDependencies {
  queue: Pick<Queue, 'view' | 'watch' | 'note' | 'delivered' | 'told'>;
  delivery: Pick<Delivery, 'deliverResult'>;
  port: Port;
  fileLimits: FileLimits;
  /** lets an upload begin */
  inTurn: Gate;
  backendName: string;
  clock: Clock;
  log: Logger;
}

interface Following {
  renew(fresh: FreshCall): Promise<void>;
  stop(): void;
  hurry(reason: unknown): void;
  readonly ended: Promise<void>;
}

export function createFollower(dependencies: FollowDependencies): Follower {
  const { queue, delivery, port, fileLimits, inTurn, backendName, clock, log } = dependencies;
  const followings = new Map<string, Following>();
  const firstEdit = createGate(FIRST_EDITS_AT_ONCE);
  let isStopping = false;

  /** @param first lets the first edit of its card begin, where there are many at once */
  function begin(accepted: Job, first?: Gate): Following {
    const { id, user } = accepted;
    let view: JobView = { job: accepted };
    let stopped = false;
    let isHurried = false;
    let lastCard = '';
    let attempt = new AbortController();
    let wake = (): void => {};
    let tries = 0;

    const reply = createReply({
      job: id,
      note: readNote(accepted.note, user),
      save: (note) => queue.note(id, JSON.stringify(note)),
      port,
      fileLimits,
      clock,
      log,
    });

    function pressAt(): number {
      return reply.note().tokenUntil - PRESS_BEFORE_MS;
    }

    function render(mention?: string) {
      return card({ ...view, backend: backendName, needsPress: clock.now() >= pressAt(), mention });
    }

    const edits = createProgressEdits({
      render,
      edit: (message) => reply.edit(message),
      onError: (error) => log.warn({ job: id, error }, 'Card not updated'),
      clock,
      begunAt: accepted.acceptedAt,
      ahead: () => view.ahead,
      ...(first && { first }),
    });

    function look(now: JobView): void {
      const before = view.job.state;
      view = now;
      if (before !== now.job.state && before === 'delivering') attempt.abort();
      if (stopped) return;
      if (isUnderWay()) edits.touch();
      else wake();
    }

    /** Ends after the time, or when something has happened. */
    function pause(ms: number): Promise<void> {
      return new Promise((resolve) => {
        const cancel = clock.after(Math.max(ms, 0), done);
        function done(): void {
          cancel();
          wake = () => {};
          resolve();
        }
        wake = done;
      });
    }

    /** The card shows its button in time, whatever else happens. */
    function planPress(): () => void {
      const wait = pressAt() - clock.now();
      if (wait <= 0) return () => {};
      return clock.after(wait, () => {
        edits.reopen();
        wake();
      });
    }
    let cancelPress = planPress();

    function isWanted(): boolean {
      return !stopped;
    }

    /** What is under way when the bot stops: one try, in the time that there is. */
    function mayEnd(): boolean {
      return tries === 0 && !isHurried;
    }

    function isUnderWay(): boolean {
      return view.job.state === 'waiting' || view.job.state === 'running';
    }

    async function whileUnderWay(): Promise<void> {
      while (isWanted() && isUnderWay()) {
        await new Promise<void>((resolve) => (wake = resolve));
      }
      await edits.stop();
    }

    /** @returns whether nothing is left to do */
    async function step(): Promise<boolean> {
      const { state } = view.job;
      if (state === 'done') {
        await queue.told(id);
        return true;
      }
      const since = reply.note().since ?? clock.now();
      if (reply.note().since === undefined) await reply.update({ since });
      attempt = new AbortController();
      const isOver = clock.now() - since > PATIENCE_MS;
      if (!hasEnded(view.job)) {
        if (isOver) await queue.delivered(id, 'failed');
        else await deliver(attempt.signal);
        return false;
      }
      if (!isOver || tries === 0) await tell(attempt.signal);
      await queue.told(id);
      return true;
    }

    async function deliver(signal: AbortSignal): Promise<void> {
      await sayDelivering();
      await inTurn(async () => {
        signal.throwIfAborted();
        if (reply.note().parts.length === 0 && !reply.isReachable()) throw new Error('No way to the person is open');
        await delivery.deliverResult(view.job, reply, signal);
      });
      await queue.delivered(id, 'done');
    }

    /** Once, and again when the button has to be there: a result that has arrived unknown to us stays as it is. */
    async function sayDelivering(): Promise<void> {
      const message = render();
      const said = JSON.stringify(message.components);
      if (said === lastCard || reply.note().parts.length > 0 || !reply.isEditable()) return;
      lastCard = said;
      await reply.edit(message).catch((error: unknown) => log.debug({ job: id, error }, 'Card not updated'));
    }

    async function tell(signal: AbortSignal): Promise<void> {
      const { state } = view.job;
      // Whoever cancelled knows it: that is worth no new message.
      const mayPost = state !== 'cancelled';
      await reply.tell(
        ({ isNew }) => {
          const message = render(isNew ? user : undefined);
          // Pictures that had just arrived go away with an empty list.
          return Promise.resolve({ message: isNew ? message : { ...message, files: [] }, to: 0 });
        },
        mayPost,
        signal,
      );
    }

    async function untilTold(): Promise<void> {
      while (isWanted() || mayEnd()) {
        try {
          if (await step()) return;
          tries = 0;
          continue;
        } catch (error) {
          if (stopped) return;
          if (attempt.signal.aborted) {
            tries = 0;
            continue;
          }
          log.warn({ job: id, tries, error }, 'Not delivered yet');
        }
        // An end that nobody can be told is not told.
        const isUnreachable = hasEnded(view.job) && !reply.isReachable();
        if (isUnreachable || (view.job.state === 'cancelled' && !reply.isEditable())) {
          await queue.told(id).catch((error: unknown) => log.error({ job: id, error }, 'Not kept that it was told'));
          return;
        }
        const next = PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] ?? 0;
        tries += 1;
        // A press has a fresh token, and is heard at once.
        await pause(next * (0.75 + Math.random() / 2));
      }
    }

    const unwatch = queue.watch(id, look);
    if (first === undefined) {
      void queue.view(id).then(
        (now) => now && look(now),
        (error: unknown) => log.warn({ job: id, error }, 'A job could not be looked at'),
      );
    }

    async function run(): Promise<void> {
      try {
        await whileUnderWay();
        if (!isUnderWay()) await untilTold();
      } catch (error) {
        log.error({ job: id, error }, 'A job is not followed any more');
      } finally {
        unwatch();
        cancelPress();
        followings.delete(id);
      }
    }

    return {
      ended: run(),
      async renew(fresh) {
        await reply.renew(fresh);
        cancelPress();
        cancelPress = planPress();
        tries = 0;
        edits.reopen();
        wake();
      },
      stop() {
        stopped = true;
        wake();
      },
      hurry(reason) {
        isHurried = true;
        attempt.abort(reason);
        wake();
      },
    };
  }

  return {
    follow(job) {
      if (!isStopping) followings.set(job.id, begin(job));
    },
    resume(jobs) {
      for (const job of jobs) followings.set(job.id, begin(job, firstEdit));
    },
    async renew(job, fresh) {
      const following = followings.get(job);
      await following?.renew(fresh);
      return following !== undefined;
    },
    async stop(signal) {
      isStopping = true;
      const all = [...followings.values()];
      for (const following of all) following.stop();
      function abort(): void {
        for (const following of all) following.hurry(signal.reason);
      }
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
