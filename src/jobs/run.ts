import type { Backend, BackendEvent } from '../backends/backend.ts';
import type { Clock } from '../clock.ts';
import { BackendError, type BackendErrorType, type BackendFault } from '../errors.ts';
import type { Logger } from '../log.ts';
import { fill, kindsFor, labelsOf } from '../recipes/recipe.ts';
import { diskTrouble } from '../storage/disk.ts';
import type { Spool } from '../storage/spool.ts';
import type { Failure, Job } from './job.ts';

/** Where a run is to be told. */
export interface RunReport {
  /** A run is begun or found again: files that were told before are void. */
  begun(): void;
  event(event: BackendEvent): void;
}

interface RunDependencies {
  backend: Backend;
  /** aborted when the bot closes: nothing is looked for again then */
  leaving: AbortSignal;
  spool: Spool;
  clock: Clock;
  log: Logger;
}

/** Between the tries to find a run again, beside those that the backend makes itself. */
const PAUSES_MS = [2000, 10_000, 60_000, 5 * 60_000];

/** The run may well be going on. */
const PASSING: ReadonlySet<BackendErrorType> = new Set<BackendErrorType>(['cut', 'unreachable']);

/**
 * One job at the backend until its files are on the disk for good. It is begun at most once, and not at all where the job
 * has a handle: what breaks off after a handle was assigned is found again by it.
 * @throws BackendError, UserError for trouble with the disk
 */
export async function runJob(
  { id, recipe, answers, handle: stored }: Job,
  signal: AbortSignal,
  report: RunReport,
  { backend, leaving, spool, clock, log }: RunDependencies,
): Promise<void> {
  let handle = stored;
  const { timeouts } = recipe;
  for (let attempt = 0; ; attempt += 1) {
    try {
      await spool.clear(id, 'results');
      const request = { folder: await spool.folder(id, 'results'), signal, ...(timeouts && { timeouts }) };
      report.begun();
      const events =
        handle === undefined
          ? backend.run({ ...fill(recipe, answers), ...request, kinds: kindsFor(recipe), labels: labelsOf(recipe) })
          : backend.resume?.(handle, request);
      if (!events) throw new BackendError(`${backend.name} finds no run again`, { type: 'unknown' });
      for await (const event of events) {
        if (event.type === 'handle-assigned') handle = event.handle;
        report.event(event);
      }
      signal.throwIfAborted();
      await spool.secure(id, 'results');
      return;
    } catch (error) {
      const pause = PAUSES_MS[attempt];
      const passes = error instanceof BackendError ? PASSING.has(error.type) : diskTrouble(error) !== undefined;
      if (handle === undefined || !backend.resume || !passes || pause === undefined || signal.aborted) throw error;
      log.warn({ job: id, attempt, error }, 'A run broke off and is looked for again');
      await passed(clock, pause, AbortSignal.any([signal, leaving]));
    }
  }
}

/** @throws the signal's reason */
function passed(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    function stop(): void {
      cancel();
      reject(signal.reason);
    }
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** How a run failed, for its owner. */
export function failureOf(error: unknown, tookTooLong: boolean): Failure {
  if (tookTooLong) {
    return { by: 'backend', fault: { type: 'timeout', billed: 'maybe', parameters: [] } };
  }
  if (error instanceof BackendError) return { by: 'backend', fault: faultOf(error) };
  return { by: diskTrouble(error) === undefined ? 'us' : 'disk' };
}

function faultOf({ type, billed, detail, parameters }: BackendError): BackendFault {
  return { type, billed, parameters, ...(detail !== undefined && { detail }) };
}

/** What an event changes in its job. */
export function applyEvent(job: Job, event: BackendEvent, now: number): Job {
  switch (event.type) {
    case 'backend-chosen':
      // What the one before could not do is nothing to this one.
      return { ...job, backend: event.name, canStop: event.canStop, progress: {}, warnings: [] };
    case 'queue-changed':
      return { ...job, progress: { ...job.progress, ahead: event.ahead } };
    case 'log-line':
      return { ...signed(job, now), progress: { ...job.progress, line: event.line } };
    case 'progress-changed': {
      const { done, total, node } = event;
      const steps = { done, total, ...(node !== undefined && { node }) };
      return { ...signed(job, now), progress: { ...job.progress, steps } };
    }
    case 'warning-raised':
      return { ...job, warnings: [...job.warnings, event.warning] };
    case 'file-ready': {
      const { type: _, ...file } = event;
      return { ...job, files: [...job.files, file] };
    }
    case 'preview-ready': {
      const { mediaType, body } = event;
      const preview = { count: (job.progress.preview?.count ?? 0) + 1, mediaType, body };
      return { ...signed(job, now), progress: { ...job.progress, preview } };
    }
    case 'handle-assigned':
      return job;
  }
}

function signed(job: Job, now: number): Job {
  return job.signAt === undefined ? { ...job, signAt: now } : job;
}
