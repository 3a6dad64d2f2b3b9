import type { BackendError } from './errors.ts';
import type { StoredFile, GivenAnswers } from './recipe.ts';

/**
 * Glossary
 *
 * - recipe: what a slash command asks, and where each answer goes in a workflow
 * - workflow: a ComfyUI graph; a parameter is one input of one of its nodes
 * - job: one run of a recipe for one user
 * - backend: runs a workflow and reports events
 * - queue: decides which job runs when
 *
 * The life of a job
 *
 * A job begins as `waiting`, once its answers and pictures are checked and copied. When its turn comes it is `running`
 * at the backend. When the backend has ended and every file is whole on disk it is `delivering`: from here on nothing
 * can be lost to the backend any more, only Discord is left to convince. When Discord has the result it is `done`.
 *
 * A job leaves that way by `cancelled` (its owner or a moderator wanted so, before its pictures were made), by `failed`
 * (with the reason), or by `interrupted` (the bot was stopped while the job ran, so nobody knows whether it was paid
 * for: it is never run again unasked). A job that has ended stays as it is.
 */
export type JobState = 'waiting' | 'running' | 'delivering' | 'done' | 'cancelled' | 'failed' | 'interrupted';

const MOVES: Readonly<Record<JobState, readonly JobState[]>> = {
  waiting: ['running', 'cancelled', 'failed'],
  running: ['delivering', 'cancelled', 'failed', 'interrupted'],
  delivering: ['done', 'failed'],
  done: [],
  cancelled: [],
  failed: [],
  interrupted: [],
};

/** Why a job failed. The three of them are told in three different ways. */
export type Failure =
  | { readonly by: 'backend'; readonly error: BackendError }
  | { readonly by: 'delivery' }
  /** the bot was stopped before the job's turn came */
  | { readonly by: 'shutdown' }
  | { readonly by: 'us' };

/** How far a run has come, as the backend last told. */
interface Progress {
  /** runs that the backend does before this one */
  readonly ahead?: number;
  readonly steps?: { readonly done: number; readonly total: number; readonly node?: string };
  /** the last log line: untrusted text */
  readonly line?: string;
}

/** What is fixed about a job when it is accepted. */
export interface JobRequest {
  readonly id: string;
  readonly recipe: string;
  /** the owner's Discord id */
  readonly user: string;
  /** complete: defaults and seed are in */
  readonly answers: GivenAnswers;
}

/** A job as it is now. Only the queue changes it. */
export interface Job extends JobRequest {
  readonly state: JobState;
  /** milliseconds since the epoch, as every time here */
  readonly acceptedAt: number;
  readonly startedAt?: number;
  /** when the backend had ended, well or not */
  readonly endedAt?: number;
  readonly progress: Progress;
  readonly warnings: readonly string[];
  /** the result's files, in the order in which the backend told them */
  readonly files: readonly StoredFile[];
  readonly failure?: Failure;
}

export function acceptJob(request: JobRequest, now: number): Job {
  return { ...request, state: 'waiting', acceptedAt: now, progress: {}, warnings: [], files: [] };
}

/** @throws Error when a job cannot go from its state to `state`: that is a mistake in this program */
export function moveJob(job: Job, state: JobState, now: number, failure?: Failure): Job {
  if (!MOVES[job.state].includes(state)) throw new Error(`A job that is ${job.state} cannot become ${state}`);
  return {
    ...job,
    state,
    ...(state === 'running' && { startedAt: now }),
    ...(job.state === 'running' && { endedAt: now }),
    ...(failure && { failure }),
  };
}

export function hasEnded(job: Job): boolean {
  return MOVES[job.state].length === 0;
}
