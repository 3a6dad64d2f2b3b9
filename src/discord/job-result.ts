import type { Job } from '../jobs/job.ts';

/** Whether the job's files are a whole result that can be shown, also when it was cancelled on its way to the person. */
export function hasResult({ state, files, failure, endedAt = 0, closedAt = 0 }: Job): boolean {
  if (files.length === 0) return false;
  if (state === 'delivering' || state === 'done') return true;
  if (state === 'failed') return failure?.by === 'delivery';
  // A run that was cancelled ended at that moment.
  return state === 'cancelled' && closedAt > endedAt;
}

/** Whether it makes sense to try the same once more. What the backend does not accept it does not accept again. */
export function canRunAgain({ state, failure }: Job): boolean {
  if (state === 'interrupted') return true;
  if (state !== 'failed' || !failure || failure.by === 'delivery') return false;
  return failure.by !== 'backend' || failure.fault.type !== 'invalid';
}
