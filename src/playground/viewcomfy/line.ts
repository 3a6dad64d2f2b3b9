import type { Clock } from '../../clock.ts';

/** Lets a few in at once and the rest wait, as a deployment with so many GPUs does, and starts cold after a pause. */
export interface Line {
  /** Resolves when it is this one's turn; rejects with the signal's reason when the signal aborts before. */
  enter(signal: AbortSignal): Promise<Turn>;
  /** the highest number that were in at the same time */
  readonly mostAtOnce: number;
}

interface Turn {
  /** nothing ran for so long that a container has to be started */
  readonly cold: boolean;
  leave(): void;
}

export interface LineOptions {
  readonly clock: Clock;
  readonly atOnce: number;
  /** how long a container stays up with nothing to do, milliseconds */
  readonly idleMs: number;
}

export function createLine({ clock, atOnce, idleMs }: LineOptions): Line {
  const waiting = new Set<() => void>();
  let inside = 0;
  let mostAtOnce = 0;
  let idleSince = Number.NEGATIVE_INFINITY;

  function take(): Turn {
    const cold = inside === 0 && clock.now() - idleSince > idleMs;
    inside += 1;
    mostAtOnce = Math.max(mostAtOnce, inside);
    let left = false;
    return {
      cold,
      leave() {
        if (left) return;
        left = true;
        inside -= 1;
        idleSince = clock.now();
        const [next] = waiting;
        next?.();
      },
    };
  }

  return {
    async enter(signal) {
      signal.throwIfAborted();
      // Whoever waits is first: a newcomer must not slip in between a turn's end and the next one's start.
      if (inside < atOnce && waiting.size === 0) return take();
      return new Promise<Turn>((resolve, reject) => {
        function proceed(): void {
          waiting.delete(proceed);
          signal.removeEventListener('abort', giveUp);
          resolve(take());
        }
        function giveUp(): void {
          waiting.delete(proceed);
          reject(signal.reason);
        }
        waiting.add(proceed);
        signal.addEventListener('abort', giveUp, { once: true });
      });
    },
    get mostAtOnce() {
      return mostAtOnce;
    },
  };
}

/** Resolves `ms` from now on this clock; rejects with the signal's reason when it aborts before. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms <= 0) return;
  await new Promise<void>((resolve, reject) => {
    function giveUp(): void {
      cancel();
      reject(signal.reason);
    }
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', giveUp);
      resolve();
    });
    signal.addEventListener('abort', giveUp, { once: true });
  });
}
