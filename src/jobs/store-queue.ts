import type { Backend, BackendEvent } from '../backends/backend.ts';
import type { Clock } from '../clock.ts';
import { BackendError, UserError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { diskFailure } from '../storage/disk.ts';
import type { Spool } from '../storage/spool.ts';
import type { Store } from '../storage/store.ts';
import { createAdmissions } from './admissions.ts';
import { createTimes } from './eta.ts';
import { acceptJob, hasEnded, moveJob, type Job, type JobRequest } from './job.ts';
import { createLedger, DISK_PAUSE_MS, type Entry } from './ledger.ts';
import { createPlaces } from './places.ts';
import type { Queue, QueueLimits } from './queue.ts';
import { applyEvent, failureOf, runJob } from './run.ts';
import { createTally } from './tally.ts';
import { createTurns } from './turns.ts';

interface QueueDependencies {
  backend: Backend;
  store: Store;
  spool: Spool;
  limits: QueueLimits;
  clock: Clock;
  log: Logger;
}

/** Why a run was aborted: the state the job goes to. */
type AbortReason = 'cancelled' | 'interrupted' | 'too-long';

/** How often everybody is told their place, at most. */
const PLACES_MS = 1000;
/** A run that ended while the bot was away is still fetched, however late it is. */
const LEAST_RESUMED_MS = 2 * 60_000;

/** The queue of one process, in its store. */
export function createStoreQueue({ backend, store, spool, limits, clock, log }: QueueDependencies): Queue {
  const ledger = createLedger({ store, viewOf: (job) => places.viewOf(job), clock, log });
  const { change, move, surely } = ledger;
  const turns = createTurns();
  const times = createTimes({ store, backend, clock });
  const admissions = createAdmissions(limits.runningPerUser + limits.waitingPerUser, enter);
  const running = createTally();
  /** what runs here now */
  const runs = new Map<Entry, AbortController>();
  const safe = Promise.withResolvers<void>();
  const empty = Promise.withResolvers<void>();
  const leaving = new AbortController();
  const { cancel: canStop, handleFirst } = backend.capabilities;
  const runner = { backend: backend.name, canStop, handleFirst };
  const places = createPlaces({
    turns,
    times,
    atOnce: limits.runningAtOnce,
    clock,
    jobOf: (job) => ledger.entry(job)?.job,
    running: () => [...runs.keys()].map(({ job }) => job),
  });
  let started = false;
  let closing = false;
  let stopPlaces: (() => void) | undefined;
  let stopWaitingForDisk: (() => void) | undefined;

  for (const { job, turn } of store.open()) {
    ledger.open(job);
    const waits = job.state === 'waiting' || (job.state === 'running' && leftAs(job) === 'waiting');
    if (waits) turns.add(job.user, job.id, turn);
  }

  /** Once for many changes: with thousands in line, telling all of them costs more than changing one. */
  function placesChanged(): void {
    if (closing || turns.size === 0) return;
    stopPlaces ??= clock.after(PLACES_MS, () => {
      stopPlaces = undefined;
      for (const view of places.all()) ledger.tellView(view);
    });
  }

  function pump(): void {
    if (!started || closing || stopWaitingForDisk) return;
    while (runs.size < limits.runningAtOnce) {
      const next = turns.next((user) => running.of(user) < limits.runningPerUser);
      const entry = next && ledger.entry(next.job);
      if (!entry || !begin(entry, next.place)) break;
    }
    placesChanged();
  }

  /** Nothing is begun whose result could not be kept. */
  function begin(entry: Entry, place: number): boolean {
    const { id } = entry.job;
    try {
      if (!spool.hasRoom()) throw new Error('There is no room for a result');
      change(entry, (job) => ({ ...moveJob(job, 'running', clock.now()), ...runner }), place);
    } catch (error) {
      log.error({ job: id, error }, 'No job is begun while the disk takes nothing');
      stopWaitingForDisk = clock.after(DISK_PAUSE_MS, () => {
        stopWaitingForDisk = undefined;
        pump();
      });
      return false;
    }
    turns.take(id);
    log.info({ job: id, state: 'running' }, 'Job moved');
    void run(entry);
    return true;
  }

  async function run(entry: Entry): Promise<void> {
    const { id, user, startedAt = 0, handle } = entry.job;
    const isFound = handle !== undefined;
    const left = limits.runMs - (clock.now() - startedAt);
    const abort = new AbortController();
    runs.set(entry, abort);
    running.add(user, 1);
    const stopTimer = clock.after(isFound ? Math.max(left, LEAST_RESUMED_MS) : left, () =>
      abort.abort('too-long' satisfies AbortReason),
    );
    try {
      await runJob(
        entry.job,
        abort.signal,
        {
          begun: () => {
            entry.job = { ...entry.job, files: [] };
          },
          event: (event) => onEvent(entry, event),
        },
        { backend, leaving: leaving.signal, spool, clock, log },
      );
      const endedAt = clock.now();
      abort.signal.throwIfAborted();
      if (entry.job.files.length === 0) {
        throw new BackendError('The run ended without a file', { type: 'failed', detail: 'no files came back' });
      }
      await surely(entry, () => move(entry, 'delivering'));
      if (!isFound) keepTime(entry.job, endedAt);
    } catch (error) {
      await endRun(entry, abort.signal, error).catch((cause: unknown) =>
        log.error({ job: id, error: cause }, 'The end of a run could not be kept'),
      );
    } finally {
      stopTimer();
      runs.delete(entry);
      running.add(user, -1);
      pump();
      settle();
    }
  }

  function onEvent(entry: Entry, event: BackendEvent): void {
    const { job } = entry;
    if (event.type === 'handle-assigned') {
      // On the disk before the next event is asked for: only then may the run begin to cost.
      change(entry, () => ({ ...job, handle: event.handle }));
      settle();
      return;
    }
    entry.job = applyEvent(job, event, clock.now());
    ledger.tell(entry);
  }

  async function endRun(entry: Entry, signal: AbortSignal, error: unknown): Promise<void> {
    const { job } = entry;
    if (hasEnded(job)) return;
    if (signal.reason === 'cancelled') return await surely(entry, () => move(entry, 'cancelled'));
    if (signal.reason === 'interrupted') return await surely(entry, () => move(entry, leftAs(job)));
    const type = error instanceof BackendError ? error.type : undefined;
    // The backend was closed under it; the next process finds it again.
    if (leaving.signal.aborted && type === 'cancelled') return;
    log.warn({ job: job.id, error }, 'Run failed');
    if (type === 'unknown') return await surely(entry, () => move(entry, 'interrupted'));
    await surely(entry, () => move(entry, 'failed', failureOf(error, signal.reason === 'too-long')));
  }

  function keepTime(job: Job, endedAt: number): void {
    try {
      times.keep(job, endedAt);
    } catch (error) {
      log.warn({ job: job.id, error }, 'A run time was not kept');
    }
  }

  function canBeFound({ handle }: Job): boolean {
    return handle !== undefined && backend.resume !== undefined;
  }

  /** What becomes of a run that nobody follows and that cannot be found again. */
  function leftAs({ handle, handleFirst: isFirst = false }: Job): 'waiting' | 'interrupted' {
    return isFirst && handle === undefined ? 'waiting' : 'interrupted';
  }

  /** Whether nothing runs here that would be lost. */
  function isSafe(): boolean {
    return [...runs.keys()].every(({ job }) => canBeFound(job));
  }

  function settle(): void {
    if (closing && isSafe()) safe.resolve();
    if (closing && runs.size === 0) empty.resolve();
  }

  async function enter(request: JobRequest, againOf: Job | undefined): Promise<Job> {
    await spool.secure(request.id, 'inputs');
    const { user, id } = request;
    const job = acceptJob(request, clock.now());
    const old = againOf && ledger.job(againOf.id);
    // Two presses at once must not be two runs.
    if (old?.again !== undefined) throw new UserError('This job is being run again already.');
    const place = turns.add(user, id);
    let entry: Entry;
    try {
      entry = ledger.accept(job, place, old && { ...old, again: id });
    } catch (error) {
      turns.remove(id);
      throw diskFailure(error);
    }
    log.info({ job: id, recipe: request.recipe.name }, 'Job accepted');
    pump();
    return entry.job;
  }

  return {
    start() {
      started = true;
      for (const entry of ledger.entries()) {
        const { job } = entry;
        if (job.state !== 'running') continue;
        if (canBeFound(job)) void run(entry);
        else move(entry, leftAs(job));
      }
      pump();
    },
    async admit(user) {
      if (closing) return { refused: 'closing' };
      if (!spool.hasRoom()) return { refused: 'disk' };
      return admissions.admit(user, turns.waitingOf(user) + running.of(user));
    },
    get: async (job) => ledger.job(job),
    async view(id) {
      const job = ledger.job(id);
      return job && places.viewOf(job);
    },
    jobsOf: async (user, most) =>
      store.jobsOf(user, most).map((job) => places.viewOf(ledger.entry(job.id)?.job ?? job)),
    unfinishedOf: async (user) =>
      ledger
        .jobsWith((job) => job.user === user && (job.state === 'waiting' || job.state === 'running'))
        .map(places.viewOf),
    counts: ledger.counts,
    untold: async () => ledger.jobsWith(() => true),
    watch: ledger.watch,
    async cancel(job) {
      const entry = ledger.entry(job);
      if (!entry || hasEnded(entry.job)) return false;
      const run = runs.get(entry);
      try {
        // Before the backend hears of it: what a person has taken back stays so, whenever the process ends.
        move(entry, 'cancelled');
      } catch (error) {
        if (!run) throw diskFailure(error);
        log.warn({ job, error }, 'A run is stopped before the database knows it');
      }
      run?.abort('cancelled' satisfies AbortReason);
      if (turns.remove(job)) placesChanged();
      return true;
    },
    note: ledger.note,
    async delivered(job, outcome) {
      const entry = ledger.entry(job);
      if (entry?.job.state !== 'delivering') return;
      await surely(entry, () => {
        if (entry.job.state !== 'delivering') return;
        if (outcome === 'done') move(entry, 'done');
        else move(entry, 'failed', { by: 'delivery' });
      });
    },
    told: ledger.told,
    async drain(signal) {
      closing = true;
      ledger.close();
      stopPlaces?.();
      stopWaitingForDisk?.();
      settle();
      function interrupt(): void {
        for (const [{ job }, run] of runs) if (!canBeFound(job)) run.abort('interrupted' satisfies AbortReason);
      }
      if (signal.aborted) interrupt();
      else signal.addEventListener('abort', interrupt, { once: true });
      await safe.promise;
      leaving.abort(new BackendError('the bot is closing', { type: 'cancelled' }));
      await backend.close();
      await empty.promise;
    },
  };
}
