import type { BackendFault } from '../errors.ts';
import type { GivenAnswers, Recipe, StoredFile } from '../recipes/recipe.ts';

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
 * A job begins as `waiting`, once its answers and pictures are checked, copied and on disk. When its turn comes it is
 * `running` at the backend. When the backend has ended and every file is whole on disk it is `delivering`: from here on
 * nothing can be lost to the backend any more, only Discord is left to convince. When Discord has the result it is `done`.
 *
 * A job leaves that way by `cancelled` (its owner or a moderator wanted so), by `failed` (with the reason), or by
 * `interrupted` (nobody can say what became of the run, which may have been paid for: it is never run again unasked).
 * A job that has ended stays as it is.
 *
 * Every move is one transaction in the store and happens there first: a process that is killed at any moment begins
 * again with the last move that was made. Then `waiting` jobs keep their places, `delivering` ones are delivered, and
 * `running` ones are found again at the backend by their handle. One without a handle goes back to `waiting` where the
 * backend sends nothing before there is one, or else is `interrupted`. An end that was not told to its owner is told.
 */
export const JOB_STATES = ['waiting', 'running', 'delivering', 'done', 'cancelled', 'failed', 'interrupted'] as const;
export type JobState = (typeof JOB_STATES)[number];

const MOVES: Readonly<Record<JobState, readonly JobState[]>> = {
  waiting: ['running', 'cancelled', 'failed'],
  running: ['delivering', 'cancelled', 'failed', 'interrupted', 'waiting'],
  delivering: ['done', 'failed', 'cancelled'],
  done: [],
  cancelled: [],
  failed: [],
  interrupted: [],
};

/** Why a job failed. Each of them is told in another way. */
export type Failure =
  | { readonly by: 'backend'; readonly fault: BackendFault }
  | { readonly by: 'delivery' }
  /** what came back could not be written */
  | { readonly by: 'disk' }
  | { readonly by: 'us' };

/** How far a run has come, as the backend last told. */
interface Progress {
  /** runs that the backend does before this one */
  readonly ahead?: number;
  readonly steps?: { readonly done: number; readonly total: number; readonly node?: string };
  /** the last log line: untrusted text */
  readonly line?: string;
  /** what the picture looks like so far; `count` tells one preview from the next */
  readonly preview?: { readonly count: number; readonly mediaType: string; readonly body: Uint8Array };
}

/** What a job begins with. */
export interface JobRequest {
  readonly id: string;
  /** as it was when the job was accepted, whatever becomes of its file later */
  readonly recipe: Recipe;
  /** the owner's Discord id */
  readonly user: string;
  /** complete: defaults and seed are in */
  readonly answers: GivenAnswers;
  /** where its card is and what was delivered: Discord's side writes it and nobody else reads it */
  readonly note: string;
}

/** A job as it is now. Only the queue changes it. */
export interface Job extends JobRequest {
  readonly state: JobState;
  /** milliseconds since the epoch, as every time here */
  readonly acceptedAt: number;
  readonly startedAt?: number;
  /** when the backend showed the first sign of work: what was before is a cold start, or a line of its own */
  readonly signAt?: number;
  /** when the backend had ended, well or not */
  readonly endedAt?: number;
  /** when the job had ended */
  readonly closedAt?: number;
  /** the name of the backend that runs it */
  readonly backend?: string;
  /** whether that one can stop a run; where it cannot, a cancelled run goes on there */
  readonly canStop?: boolean;
  /** whether nothing was sent of the run while it has no handle */
  readonly handleFirst?: boolean;
  /** by which the backend finds the run again */
  readonly handle?: string;
  readonly progress: Progress;
  readonly warnings: readonly string[];
  /** the result's files, in the order in which the backend told them */
  readonly files: readonly StoredFile[];
  readonly failure?: Failure;
  /** the job that was made when this one was asked to be run again */
  readonly again?: string;
  /** whether its owner has been told how it ended, or nothing is left to try */
  readonly told: boolean;
}

export function acceptJob(request: JobRequest, now: number): Job {
  return { ...request, state: 'waiting', acceptedAt: now, progress: {}, warnings: [], files: [], told: false };
}

/** @throws Error when a job cannot go from its state to `state`: that is a mistake in this program */
export function moveJob(job: Job, state: JobState, now: number, failure?: Failure): Job {
  if (!MOVES[job.state].includes(state)) throw new Error(`A job that is ${job.state} cannot become ${state}`);
  if (state === 'waiting') return unbegun(job);
  return {
    ...job,
    state,
    ...(state === 'running' && { startedAt: now }),
    ...(job.state === 'running' && { endedAt: now }),
    ...(MOVES[state].length === 0 && { closedAt: now }),
    ...(failure && { failure }),
  };
}

/** As before its turn. */
function unbegun(job: Job): Job {
  const { startedAt: _, signAt: _sign, backend: _backend, canStop: _stop, handleFirst: _first, ...rest } = job;
  return { ...rest, state: 'waiting', progress: {}, warnings: [], files: [] };
}

export function hasEnded(job: Job): boolean {
  return MOVES[job.state].length === 0;
}
