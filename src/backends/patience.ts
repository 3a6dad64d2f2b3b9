import type { Clock } from '../clock.ts';
import { BackendError } from '../errors.ts';

/** How long one run is waited for, joined with whoever may cancel it. */
export interface Patience {
  /** aborted when the wait is over; the reason is always a `BackendError` */
  readonly signal: AbortSignal;
  /** Something was heard: the idle time begins anew. */
  touch(): void;
  /** until the run has taken too long, milliseconds */
  leftMs(): number;
  /** Waits on purpose, which is no silence; throws the signal's reason when the wait is over before. */
  pause(ms: number): Promise<void>;
  /** The wait is over; what is still open is given up with `error`. Without timers afterwards. */
  end(error: BackendError): void;
}

export interface PatienceOptions {
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
  /** cancels */
  readonly signal: AbortSignal;
}

export function createPatience({ clock, idleTimeoutMs, totalTimeoutMs, signal }: PatienceOptions): Patience {
  const controller = new AbortController();
  const endsAt = clock.now() + totalTimeoutMs;
  let touchedAt = clock.now();
  let stopIdle = clock.after(idleTimeoutMs, checkIdle);
  const stopTotal = clock.after(totalTimeoutMs, () =>
    end(new BackendError(`no result within ${totalTimeoutMs} ms`, { type: 'timeout' })),
  );
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  return { signal: controller.signal, touch, leftMs: () => endsAt - clock.now(), pause, end };

  function touch(): void {
    touchedAt = clock.now();
  }

  async function pause(ms: number): Promise<void> {
    controller.signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = clock.after(ms, resolve);
    const wake = () => resolve();
    controller.signal.addEventListener('abort', wake);
    await promise;
    controller.signal.removeEventListener('abort', wake);
    stop();
    controller.signal.throwIfAborted();
    touch();
  }

  // One timer that looks at the last touch, and not one per touch: a large result touches thousands of times.
  function checkIdle(): void {
    const left = touchedAt + idleTimeoutMs - clock.now();
    if (left > 0) stopIdle = clock.after(left, checkIdle);
    else end(new BackendError(`nothing was heard for ${idleTimeoutMs} ms`, { type: 'timeout' }));
  }

  function cancel(): void {
    end(new BackendError('cancelled', { type: 'cancelled', cause: signal.reason }));
  }

  function end(error: BackendError): void {
    stopIdle();
    stopTotal();
    signal.removeEventListener('abort', cancel);
    controller.abort(error);
  }
}
