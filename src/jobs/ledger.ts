import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { diskTrouble } from '../storage/disk.ts';
import type { Store } from '../storage/store.ts';
import { hasEnded, moveJob, type Failure, type Job, type JobState } from './job.ts';
import type { JobView, Queue } from './queue.ts';

/** A job whose owner still has something to be told, and who watches it. */
export interface Entry {
  /** with what its run reports on the way, which the disk gets with the next move */
  job: Job;
  readonly listeners: Set<(view: JobView) => void>;
}

/** What is known of jobs: on the disk first, remembered then, and told to whoever watches. */
export interface Ledger {
  entry(job: string): Entry | undefined;
  /** every entry, in the order in which they came */
  entries(): Iterable<Entry>;
  /** The job, also when everything was told. */
  job(job: string): Job | undefined;
  /** The jobs that still have an entry. */
  jobsWith(test: (job: Job) => boolean): Job[];
  counts: Queue['counts'];

  /** Remembers a job that the disk has. */
  open(job: Job): Entry;
  /** Writes a new job. @param turn its owner's place in the round @param changed another job that changes with it */
  accept(job: Job, turn: number, changed?: Job): Entry;
  /** @param turn the new place in the round of what else waits for the same user */
  change(entry: Entry, update: (job: Job) => Job, turn?: number): void;
  move(entry: Entry, state: JobState, failure?: Failure): void;
  /** What has happened has happened: the disk is waited for, until the ledger is closed. */
  surely(entry: Entry, work: () => void): Promise<void>;
  /** Nothing waits for the disk any more. */
  close(): void;

  /** Tells what the job has become. */
  tell(entry: Entry): void;
  tellView(view: JobView): void;
  watch: Queue['watch'];
  note: Queue['note'];
  told: Queue['told'];
}

interface LedgerDependencies {
  store: Store;
  viewOf: (job: Job) => JobView;
  clock: Clock;
  log: Logger;
}

/** Between the tries to write what the disk did not take. */
export const DISK_PAUSE_MS = 5000;

export function createLedger({ store, viewOf, clock, log }: LedgerDependencies): Ledger {
  const entries = new Map<string, Entry>();
  let isClosed = false;

  function open(job: Job): Entry {
    const entry: Entry = { job, listeners: new Set() };
    entries.set(job.id, entry);
    return entry;
  }

  function known(job: string): Job | undefined {
    return entries.get(job)?.job ?? store.get(job);
  }

  /** Writes first and remembers then: what is in memory is never ahead of the disk. */
  function change(entry: Entry, update: (job: Job) => Job, turn?: number): void {
    const next = update(entry.job);
    if (turn === undefined) store.save(next);
    else store.saveTurn(next, turn);
    entry.job = next;
    tell(entry);
  }

  async function surely(entry: Entry, work: () => void): Promise<void> {
    for (;;) {
      try {
        work();
        return;
      } catch (error) {
        if (diskTrouble(error) === undefined || isClosed) throw error;
        log.error({ job: entry.job.id, error }, 'The database does not take a change: trying again');
        await new Promise<void>((resolve) => void clock.after(DISK_PAUSE_MS, resolve));
      }
    }
  }

  function tell(entry: Entry): void {
    if (entry.listeners.size === 0) return;
    tellListeners(entry, viewOf(entry.job));
  }

  function tellListeners({ listeners, job }: Entry, view: JobView): void {
    for (const listener of listeners) {
      try {
        listener(view);
      } catch (error) {
        // Whoever watches is not to stop the job.
        log.error({ job: job.id, error }, 'A listener failed');
      }
    }
  }

  return {
    entry: (job) => entries.get(job),
    entries: () => entries.values(),
    job: known,
    jobsWith: (test) => [...entries.values()].map(({ job }) => job).filter(test),
    counts() {
      const counts = { waiting: 0, running: 0, delivering: 0 };
      for (const { job } of entries.values()) {
        if (job.state === 'waiting' || job.state === 'running' || job.state === 'delivering') counts[job.state] += 1;
      }
      return counts;
    },
    open,
    accept(job, turn, changed) {
      store.accept(job, turn, changed);
      const other = changed && entries.get(changed.id);
      if (other) other.job = changed;
      return open(job);
    },
    change,
    move(entry, state, failure) {
      change(entry, (job) => moveJob(job, state, clock.now(), failure));
      log.info({ job: entry.job.id, state, ...(failure && { failedBy: failure.by }) }, 'Job moved');
    },
    surely,
    close() {
      isClosed = true;
    },
    tell,
    tellView(view) {
      const entry = entries.get(view.job.id);
      if (entry) tellListeners(entry, view);
    },
    watch(job, listener) {
      const entry = entries.get(job);
      entry?.listeners.add(listener);
      return () => entry?.listeners.delete(listener);
    },
    async note(id, note) {
      const job = known(id);
      if (!job || job.note === note) return;
      const next = { ...job, note };
      store.save(next);
      const entry = entries.get(id);
      if (entry) entry.job = next;
    },
    async told(job) {
      const entry = entries.get(job);
      if (!entry || !hasEnded(entry.job)) return;
      await surely(entry, () => change(entry, (now) => ({ ...now, told: true })));
      entries.delete(job);
    },
  };
}
