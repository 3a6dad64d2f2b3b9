import type { Clock } from '../../clock.ts';
import type { Hint } from './frames.ts';

/** What the socket has said and nobody has read yet, and something to wait for that may have rung before. */
export interface Inbox {
  push(hint: Hint): void;
  ring(): void;
  /** What has come since the last time. */
  drain(): Hint[];
  /** Resolves when something has come since the last wait, or after `ms`, or when the signal aborts. Never throws. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** A reader that is that far behind reads the newest. */
const MOST_HINTS = 1000;

export function createInbox(clock: Clock): Inbox {
  let hints: Hint[] = [];
  let hasRung = false;
  let wake = (): void => {};

  function ring(): void {
    hasRung = true;
    wake();
  }

  return {
    ring,
    push(hint) {
      // Of pictures only the newest is of use.
      if (hint.type === 'preview') hints = hints.filter(({ type }) => type !== 'preview');
      if (hints.length === MOST_HINTS) hints.shift();
      hints.push(hint);
      ring();
    },
    drain() {
      const drained = hints;
      hints = [];
      return drained;
    },
    async wait(ms, signal) {
      if (!hasRung && ms > 0 && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const stop = clock.after(ms, resolve);
        const giveUp = () => resolve();
        signal.addEventListener('abort', giveUp, { once: true });
        await promise;
        signal.removeEventListener('abort', giveUp);
        stop();
        wake = () => {};
      }
      hasRung = false;
    },
  };
}
