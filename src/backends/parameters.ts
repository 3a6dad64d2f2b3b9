import { BackendError } from '../errors.ts';
import type { RunRequest } from './backend.ts';

/**
 * What JSON or a JSON reader would change in silence is refused: NaN and infinity become null, and integers beyond 2^53
 * lose their last digits. ViewComfy refuses a run without parameters.
 */
export function checkParameters(parameters: RunRequest['parameters']): void {
  const entries = Object.entries(parameters);
  if (entries.length === 0) throw invalid('a run without parameters');
  for (const [key, value] of entries) {
    if (typeof value !== 'number') continue;
    if (!Number.isFinite(value)) throw invalid(`${key} is not a number`);
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw invalid(`${key} is larger than 2^53 - 1`);
  }
}

function invalid(problem: string): BackendError {
  return new BackendError(problem, { type: 'invalid', billed: 'no', detail: problem });
}
