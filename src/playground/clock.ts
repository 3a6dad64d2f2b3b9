import type { Clock } from '../clock.ts';

/** Real time that can be pushed ahead: it goes on by itself, and `advance` makes it jump. */
export interface MovableClock extends Clock {
  /**
   * Moves time ahead by `ms`. Timers that become due fire in their order, each at its own moment, before this returns;
   * so do timers that they set, where these fall inside the jump.
   */
  advance(ms: number): void;
}

interface Timer {
  due: number;
  callback: () => void;
  cancel: () => void;
}

// setTimeout takes 32 bits; a timer that is further off is looked at again then.
const LONGEST_TIMEOUT = 2 ** 31 - 1;

export function createMovableClock(): MovableClock {
  let offset = 0;
  const timers = new Set<Timer>();

  function now() {
    return Date.now() + offset;
  }

  function arm(timer: Timer) {
    timer.cancel();
    const timeout = setTimeout(
      () => {
        if (timer.due > now()) arm(timer);
        else fire(timer);
      },
      Math.min(Math.max(timer.due - now(), 0), LONGEST_TIMEOUT),
    );
    timeout.unref();
    timer.cancel = () => clearTimeout(timeout);
  }

  function fire(timer: Timer) {
    timer.cancel();
    if (timers.delete(timer)) timer.callback();
  }

  function after(ms: number, callback: () => void) {
    const timer: Timer = { due: now() + ms, callback, cancel: () => {} };
    timers.add(timer);
    arm(timer);
    return () => {
      timer.cancel();
      timers.delete(timer);
    };
  }

  function earliest(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of timers) if (!first || timer.due < first.due) first = timer;
    return first;
  }

  function advance(ms: number) {
    if (!(ms >= 0)) throw new RangeError('time only moves ahead');
    const target = now() + ms;
    for (let timer = earliest(); timer && timer.due <= target; timer = earliest()) {
      offset += Math.max(timer.due - now(), 0);
      fire(timer);
    }
    offset += Math.max(target - now(), 0);
    for (const timer of timers) arm(timer);
  }

  return { now, after, advance };
}
