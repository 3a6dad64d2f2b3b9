import type { Job, JobRequest } from './job.ts';

export interface QueueLimits {
  /** running jobs of one user */
  readonly runningPerUser: number;
  /** waiting jobs of one user, beside the running ones */
  readonly waitingPerUser: number;
  /** running jobs of all users: what the backend bears */
  readonly runningAtOnce: number;
  /** how long one job may run, milliseconds */
  readonly runMs: number;
}

/** A place that is held for a user while their answers are checked, so that the limits hold for commands sent at once. */
export interface Admission {
  /**
   * Puts the job in line. When this resolves, it and its pictures outlive whatever happens to the process.
   * @param againOf the job that it is another run of, which is marked with it
   * @throws UserError when the disk does not take it: then nothing was put in line
   */
  enter(request: JobRequest, againOf?: Job): Promise<Job>;
  /** Gives the place back. Does nothing after `enter`. */
  leave(): void;
}

export type Refusal =
  | { readonly refused: 'closing' | 'disk' }
  /** `checking`: how many of the user's commands are still being checked, beside their jobs */
  | { readonly refused: 'full'; readonly checking: number };

/** A job, and what can be said about its place and its time. */
export interface JobView {
  readonly job: Job;
  /** how many jobs have their turn before this one, while it waits */
  readonly ahead?: number;
  /** when its turn is expected to come, while it waits; absent when nobody knows */
  readonly startsAt?: number;
  /** when it is expected to end, while it runs; absent when nobody knows */
  readonly endsAt?: number;
  /** how long its run takes without a cold start, as measured or as its recipe expects, until it has run: milliseconds */
  readonly usualMs?: number;
  /** how long a cold start usually takes here, while nothing is heard of the run: milliseconds */
  readonly coldMs?: number;
}

/**
 * Decides which job runs when, runs it, and tells whoever watches. The methods are asynchronous so that a queue that
 * several processes share can stand in its place: `test/_queue-contract.ts` is what such a one has to pass.
 */
export interface Queue {
  /** Runs what was running or waiting when the last process ended. Nothing runs before. */
  start(): void;
  /** Holds a place for the user, unless they have as many jobs as they may have, or none are taken now. */
  admit(user: string): Promise<Admission | Refusal>;
  get(job: string): Promise<Job | undefined>;
  view(job: string): Promise<JobView | undefined>;
  /** A person's jobs, the newest first. */
  jobsOf(user: string, most: number): Promise<readonly JobView[]>;
  /** How many jobs there are in each state but the ended ones. */
  counts(): { readonly waiting: number; readonly running: number; readonly delivering: number };
  /** The jobs of a person that wait or run, oldest first. */
  unfinishedOf(user: string): Promise<readonly JobView[]>;
  /** The jobs whose owner still has something to be told, oldest turn first. */
  untold(): Promise<readonly Job[]>;
  /** Calls the listener after every change of the job or of its place, until the returned function is called. */
  watch(job: string, listener: (view: JobView) => void): () => void;
  /** Ends a job at its owner's or a moderator's wish; false when it has ended already. */
  cancel(job: string): Promise<boolean>;
  /** Keeps what Discord's side has to remember of a job. */
  note(job: string, note: string): Promise<void>;
  /** What became of a job that was `delivering`. Nothing happens when it is not any more. */
  delivered(job: string, outcome: 'done' | 'failed'): Promise<void>;
  /** Its owner knows how the job ended, or nothing is left to try. */
  told(job: string): Promise<void>;
  /**
   * Takes and begins no more jobs, and ends when none runs here: what can be found again is left to go on at the backend
   * at once, the rest may end by itself until `signal` is aborted. What waits keeps its place for the next process.
   */
  drain(signal: AbortSignal): Promise<void>;
}
