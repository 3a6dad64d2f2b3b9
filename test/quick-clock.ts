import { systemClock, type Clock } from '../src/clock.ts';

/** A clock on which time passes so many times faster than it does: for pauses that nobody wants to wait for. */
export function createQuickClock(times: number): Clock {
  const start = Date.now();
  return {
    now: () => start + (Date.now() - start) * times,
    after: (ms, callback) => systemClock.after(ms / times, callback),
  };
}
