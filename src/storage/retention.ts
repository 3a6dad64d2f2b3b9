import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { Spool } from './spool.ts';
import type { Store } from './store.ts';

/** How long results can be shown again after they were delivered, and how much of the disk they may have. */
export interface RetentionLimits {
  readonly keepMs: number;
  /** of all jobs that have ended, together */
  readonly maxBytes: number;
}

/** Removes what need not be kept any more. */
export interface Retention {
  /** Looks now and then every ten minutes, until `stop`. */
  start(): void;
  stop(): Promise<void>;
}

interface RetentionDependencies {
  store: Store;
  spool: Spool;
  limits: RetentionLimits;
  clock: Clock;
  log: Logger;
}

const PAUSE_MS = 10 * 60_000;

/** What was attached to a command is gone from Discord by then (its addresses end after a day). */
const FORM_MS = 24 * 3_600_000;

export function createRetention({ store, spool, limits, clock, log }: RetentionDependencies): Retention {
  let stopped = false;
  let cancelTimer = (): void => {};
  let sweeping = Promise.resolve();

  /** Jobs, oldest first, and never one whose owner still has something to be told; then forms that were not sent. */
  async function sweep(): Promise<void> {
    const jobs = await Promise.all(
      store.ended().map(async (job) => ({ ...job, bytes: job.bytes ?? (await measure(job.id)) })),
    );
    let total = jobs.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { id, closedAt, bytes } of jobs) {
      if (stopped) return;
      const isOld = clock.now() - closedAt > limits.keepMs;
      if (!isOld && total <= limits.maxBytes) break;
      // The files first: what is left of them after a kill here is removed the next time.
      await spool.remove(id);
      store.forget(id);
      total -= bytes;
      log.info({ job: id, because: isOld ? 'age' : 'size' }, 'Job not kept any more');
    }
    // Last: a full disk takes no change of the database before some files are gone.
    store.removeForms(clock.now() - FORM_MS);
  }

  async function measure(job: string): Promise<number> {
    const bytes = await spool.sizeOf(job);
    store.saveBytes(job, bytes);
    return bytes;
  }

  function plan(): void {
    sweeping = sweep()
      .catch((error: unknown) => log.warn({ error }, 'Old jobs not removed'))
      .then(() => {
        if (!stopped) cancelTimer = clock.after(PAUSE_MS, plan);
      });
  }

  return {
    start() {
      plan();
    },
    async stop() {
      stopped = true;
      cancelTimer();
      await sweeping;
    },
  };
}

/**
 * What a killed process has left in the spool and in no row: the pictures of a command that never became a job. To be
 * called before the first command is taken.
 */
export async function removeStrays(store: Store, spool: Spool): Promise<void> {
  for (const job of await spool.jobs()) if (!store.get(job)) await spool.remove(job);
}
