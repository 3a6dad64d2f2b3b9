import type { Backend, BackendEvent } from './backends/backend.ts';
import type { Clock } from './clock.ts';
import { BackendError } from './errors.ts';
import { acceptJob, hasEnded, moveJob, type Failure, type Job, type JobRequest, type JobState } from './job.ts';
import type { Logger } from './log.ts';
import { fill, type Recipe } from './recipe.ts';
import type { Spool } from './spool.ts';
import { createTurns } from './turns.ts';

export interface QueueLimits {
  /** running jobs of one user */
  readonly runningPerUser: number;
  /** waiting jobs of one user, beside the running ones */
  readonly waitingPerUser: number;
  /** running jobs of all users: what the backend bears */
  readonly runningAtOnce: number;
  /** how long one job may run, milliseconds */
  readonly runMs: number;
  /** how many ended jobs are kept, so that their other files can still be asked for */
  readonly keptJobs: number;
}

/** A place that is held for a user while their answers are checked, so that the limits hold for commands sent at once. */
export interface Admission {
  /** Puts the job in line. */
  enter(request: JobRequest, recipe: Recipe): Job;
  /** Gives the place back. Does nothing after `enter`. */
  leave(): void;
}

type Refusal =
  | { readonly refused: 'closing' }
  /** `checking`: how many of the user's commands are still being checked, beside their jobs */
  | { readonly refused: 'full'; readonly checking: number };

/** Decides which job runs when, runs it, and tells whoever watches. */
export interface Queue {
  /** Holds a place for the user, unless they have as many jobs as they may have, or the bot is about to stop. */
  admit(user: string): Admission | Refusal;
  get(job: string): Job | undefined;
  recipeOf(job: string): Recipe | undefined;
  /** How many jobs have their turn before this one; undefined when it is not waiting. */
  ahead(job: string): number | undefined;
  /** The jobs of a user that have not ended, oldest first. */
  jobsOf(user: string): Job[];
  /** Calls the listener after every change of the job or of its place, until the returned function is called. */
  watch(job: string, listener: () => void): () => void;
  /** Ends a job at its owner's or a moderator's wish; false when its pictures are made already, or it has ended. */
  cancel(job: string): boolean;
  /** What became of a job that was `delivering`. */
  delivered(job: string, outcome: 'done' | 'failed'): void;
  /** Takes no more jobs and ends when none is left: running ones may end by themselves until `signal` is aborted. */
  drain(signal: AbortSignal): Promise<void>;
}

interface QueueDependencies {
  backend: Backend;
  spool: Spool;
  limits: QueueLimits;
  clock: Clock;
  log: Logger;
}

interface Entry {
  job: Job;
  readonly recipe: Recipe;
  readonly listeners: Set<() => void>;
  /** there while the job runs; its reason says why the run is to end */
  run?: AbortController;
}

/** Why a run was aborted: the state the job goes to. */
type AbortReason = 'cancelled' | 'interrupted' | 'too-long';

export function createQueue({ backend, spool, limits, clock, log }: QueueDependencies): Queue {
  const entries = new Map<string, Entry>();
  const turns = createTurns();
  /** places held by users whose answers are being checked */
  const held = new Map<string, number>();
  const running = new Map<string, number>();
  const idle = new Set<() => void>();
  let runningNow = 0;
  let closing = false;

  function tell(entry: Entry): void {
    for (const listener of entry.listeners) {
      try {
        listener();
      } catch (error) {
        // Whoever watches is not to stop the job.
        log.error({ job: entry.job.id, error }, 'A listener failed');
      }
    }
  }

  function move(entry: Entry, state: JobState, failure?: Failure): void {
    entry.job = moveJob(entry.job, state, clock.now(), failure);
    log.info({ job: entry.job.id, state, ...(failure && { failedBy: failure.by }) }, 'Job moved');
    tell(entry);
    if (!hasEnded(entry.job)) return;
    // To the end of the map: ended jobs stand in the order in which they ended.
    entries.delete(entry.job.id);
    entries.set(entry.job.id, entry);
    forget();
  }

  /** Only the jobs that ended last are kept; the others leave, with their files. */
  function forget(): void {
    const ended = [...entries.values()].filter(({ job }) => hasEnded(job));
    for (const { job } of ended.slice(0, Math.max(0, ended.length - limits.keptJobs))) {
      entries.delete(job.id);
      spool.remove(job.id).catch((error: unknown) => log.warn({ job: job.id, error }, 'Files not removed'));
    }
    if (![...entries.values()].some(({ job }) => !hasEnded(job))) for (const resolve of idle) resolve();
  }

  function placesChanged(): void {
    for (const job of turns.jobs()) {
      const entry = entries.get(job);
      if (entry) tell(entry);
    }
  }

  function pump(): void {
    // Once closing, nobody is in line any more.
    while (runningNow < limits.runningAtOnce) {
      const next = turns.take((user) => (running.get(user) ?? 0) < limits.runningPerUser);
      const entry = next === undefined ? undefined : entries.get(next);
      if (!entry) break;
      runningNow += 1;
      count(running, entry.job.user, 1);
      void run(entry);
    }
    placesChanged();
  }

  async function run(entry: Entry): Promise<void> {
    const { id, user } = entry.job;
    const abort = new AbortController();
    entry.run = abort;
    move(entry, 'running');
    const stopTimer = clock.after(limits.runMs, () => abort.abort('too-long' satisfies AbortReason));
    try {
      const { timeouts } = entry.recipe;
      const folder = await spool.folder(id, 'out');
      const request = { ...fill(entry.recipe, entry.job.answers), folder, ...(timeouts && { timeouts }) };
      for await (const event of backend.run({ ...request, signal: abort.signal })) {
        entry.job = applyEvent(entry.job, event);
        tell(entry);
      }
      abort.signal.throwIfAborted();
      if (entry.job.files.length === 0) {
        throw new BackendError('The run ended without a file', { type: 'failed', detail: 'no files came back' });
      }
      move(entry, 'delivering');
    } catch (error) {
      endRun(entry, abort.signal, error);
    } finally {
      stopTimer();
      delete entry.run;
      runningNow -= 1;
      count(running, user, -1);
      pump();
    }
  }

  function endRun(entry: Entry, signal: AbortSignal, error: unknown): void {
    if (signal.reason === 'cancelled') return move(entry, 'cancelled');
    if (signal.reason === 'interrupted') return move(entry, 'interrupted');
    if (signal.reason === 'too-long') {
      const tooLong = new BackendError('The run took longer than a job may', { type: 'timeout', cause: error });
      return move(entry, 'failed', { by: 'backend', error: tooLong });
    }
    log.warn({ job: entry.job.id, error }, 'Run failed');
    return move(entry, 'failed', error instanceof BackendError ? { by: 'backend', error } : { by: 'us' });
  }

  function count(counts: Map<string, number>, user: string, change: 1 | -1): void {
    const value = (counts.get(user) ?? 0) + change;
    if (value === 0) counts.delete(user);
    else counts.set(user, value);
  }

  return {
    admit(user) {
      if (closing) return { refused: 'closing' };
      const jobs = (held.get(user) ?? 0) + turns.waitingOf(user) + (running.get(user) ?? 0);
      if (jobs >= limits.runningPerUser + limits.waitingPerUser) {
        return { refused: 'full', checking: held.get(user) ?? 0 };
      }
      count(held, user, 1);
      let open = true;
      function leave(): void {
        if (!open) return;
        open = false;
        count(held, user, -1);
      }
      return {
        leave,
        enter(request, recipe) {
          leave();
          const entry: Entry = { job: acceptJob(request, clock.now()), recipe, listeners: new Set() };
          entries.set(request.id, entry);
          log.info({ job: request.id, recipe: recipe.name }, 'Job accepted');
          if (closing) move(entry, 'failed', { by: 'shutdown' });
          else {
            turns.add(user, request.id);
            pump();
          }
          return entry.job;
        },
      };
    },
    get: (job) => entries.get(job)?.job,
    recipeOf: (job) => entries.get(job)?.recipe,
    ahead: (job) => turns.ahead(job),
    jobsOf: (user) => [...entries.values()].map(({ job }) => job).filter((job) => job.user === user && !hasEnded(job)),
    watch(job, listener) {
      const entry = entries.get(job);
      entry?.listeners.add(listener);
      return () => entry?.listeners.delete(listener);
    },
    cancel(job) {
      const entry = entries.get(job);
      if (!entry) return false;
      if (turns.remove(job)) {
        move(entry, 'cancelled');
        placesChanged();
      } else if (entry.run) entry.run.abort('cancelled' satisfies AbortReason);
      else return false;
      return true;
    },
    delivered(job, outcome) {
      const entry = entries.get(job);
      if (entry?.job.state !== 'delivering') return;
      if (outcome === 'done') move(entry, 'done');
      else move(entry, 'failed', { by: 'delivery' });
    },
    async drain(signal) {
      closing = true;
      for (const job of turns.jobs()) {
        const entry = entries.get(job);
        turns.remove(job);
        if (entry) move(entry, 'failed', { by: 'shutdown' });
      }
      if ([...entries.values()].every(({ job }) => hasEnded(job))) return;
      await new Promise<void>((resolve) => {
        idle.add(resolve);
        function interrupt(): void {
          for (const { run } of entries.values()) run?.abort('interrupted' satisfies AbortReason);
        }
        if (signal.aborted) interrupt();
        else signal.addEventListener('abort', interrupt, { once: true });
      });
    },
  };
}

function applyEvent(job: Job, event: BackendEvent): Job {
  switch (event.type) {
    case 'queue-changed':
      return { ...job, progress: { ...job.progress, ahead: event.ahead } };
    case 'log-line':
      return { ...job, progress: { ...job.progress, line: event.line } };
    case 'progress-changed': {
      const { done, total, node } = event;
      return { ...job, progress: { ...job.progress, steps: { done, total, ...(node !== undefined && { node }) } } };
    }
    case 'warning-raised':
      return { ...job, warnings: [...job.warnings, event.warning] };
    case 'file-ready': {
      const { name, mediaType, path, size } = event;
      return { ...job, files: [...job.files, { name, mediaType, path, size }] };
    }
    // Kept when there is somewhere to keep it: a job can be found again only when jobs outlive the process.
    case 'handle-assigned':
    // No backend has previews yet.
    case 'preview-ready':
      return job;
  }
}
