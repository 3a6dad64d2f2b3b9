import type { Clock } from '../../clock.ts';
import { BackendError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Patience } from '../patience.ts';
import { hasEnded, type Result } from './result.ts';

/** Asks how runs stand: all of them in one question. */
export interface Poller {
  /**
   * Gives the run's record once it has ended.
   * @throws BackendError the reason of the patience; `unknown` for a run that ViewComfy does not know
   */
  watch(promptId: string, patience: Patience): Promise<Result>;
}

export interface PollerOptions {
  /**
   * @returns the records of those that ViewComfy knows, by prompt id; an error for one that cannot be read
   * @throws BackendError
   */
  readonly ask: (promptIds: readonly string[]) => Promise<ReadonlyMap<string, Result | BackendError>>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

interface Watched {
  readonly promptId: string;
  readonly patience: Patience;
  readonly since: number;
  missingSince?: number | undefined;
  settle(outcome: Result | BackendError): void;
}

/** A twentieth of its age is what the end of a run may go unnoticed. */
const SHARE_OF_AGE = 1 / 20;
const SHORTEST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;
/** After failures in a row the pause doubles up to this one. */
const LONGEST_PAUSE_AFTER_FAILURE_MS = 30_000;
/** How long a run that was taken may be missing from the answers: the record is written elsewhere than it is taken. */
const MISSING_MS = 60_000;
/** 36 characters each, in an address: most servers take 8 KB of it. */
const RUNS_PER_QUESTION = 50;

export function createPoller({ ask, clock, log }: PollerOptions): Poller {
  const watched = new Set<Watched>();
  let failures = 0;
  let asking = false;
  let stopTimer = (): void => {};
  return { watch };

  async function watch(promptId: string, patience: Patience): Promise<Result> {
    patience.signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    function settle(outcome: Result | BackendError): void {
      if (outcome instanceof BackendError) reject(outcome);
      else resolve(outcome);
    }
    const run: Watched = { promptId, patience, since: clock.now(), settle };
    const giveUp = () => reject(patience.signal.reason);
    patience.signal.addEventListener('abort', giveUp);
    watched.add(run);
    plan();
    try {
      return await promise;
    } finally {
      patience.signal.removeEventListener('abort', giveUp);
      watched.delete(run);
      plan();
    }
  }

  /** Sets the one timer anew: it is the youngest run that is the most impatient. */
  function plan(leastMs = 0): void {
    stopTimer();
    if (asking || watched.size === 0) return;
    const youngest = Math.min(...[...watched].map(({ since }) => clock.now() - since));
    const pause = Math.min(Math.max(youngest * SHARE_OF_AGE, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
    const afterFailures =
      failures > 0 ? Math.min(SHORTEST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_AFTER_FAILURE_MS) : 0;
    stopTimer = clock.after(Math.max(pause, afterFailures, leastMs), () => void poll());
  }

  async function poll(): Promise<void> {
    asking = true;
    let leastMs: number | undefined;
    const runs = [...watched];
    try {
      for (let start = 0; start < runs.length; start += RUNS_PER_QUESTION) {
        await pollSome(runs.slice(start, start + RUNS_PER_QUESTION));
      }
      failures = 0;
    } catch (error) {
      failures += 1;
      leastMs = tolerate(error, runs);
    } finally {
      asking = false;
      plan(leastMs);
    }
  }

  async function pollSome(runs: readonly Watched[]): Promise<void> {
    const records = await ask([...new Set(runs.map(({ promptId }) => promptId))]);
    for (const run of runs) {
      run.patience.touch();
      const record = records.get(run.promptId);
      if (record === undefined) {
        run.missingSince ??= clock.now();
        if (clock.now() - run.missingSince < MISSING_MS) continue;
        run.settle(new BackendError('ViewComfy does not know the run', { type: 'unknown' }));
      } else {
        run.missingSince = undefined;
        if (record instanceof BackendError || hasEnded(record)) run.settle(record);
      }
    }
  }

  /** Trouble on the way passes, and the patience of every run ends by itself; a refusal is meant for all of them. */
  function tolerate(error: unknown, runs: readonly Watched[]): number | undefined {
    if (error instanceof BackendError) {
      const { type, status, retryAfterMs } = error;
      // Closing ends every run by itself, and a page for people is what stands in for a service that is being mended.
      const passes = ['cancelled', 'cut', 'timeout', 'failed', 'unintelligible'].includes(type);
      if (passes || status === 429) {
        log.debug({ error, failures }, 'ViewComfy could not be asked how its runs stand');
        return Math.min(retryAfterMs ?? 0, LONGEST_PAUSE_AFTER_FAILURE_MS * 2);
      }
    }
    const refusal =
      error instanceof BackendError
        ? error
        : new BackendError('runs cannot be asked for', { type: 'unintelligible', cause: error });
    log.warn({ error }, 'ViewComfy does not say how its runs stand');
    for (const run of runs) run.settle(refusal);
    return undefined;
  }
}
