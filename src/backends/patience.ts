import type { Clock } from '../clock.ts';
import { BackendError } from '../errors.ts';

/** How long one run is waited for, joined with whoever may cancel it. */
export interface Patience {
  /** aborted when the wait is over; the reason is always a `BackendError` */
  readonly signal: AbortSignal;
  /** Something was heard: the idle time begins anew. */
  touch(): void;
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
  let touchedAt = clock.now();
  let stopIdle = clock.after(idleTimeoutMs, checkIdle);
  const stopTotal = clock.after(totalTimeoutMs, () =>
    end(new BackendError(`no result within ${totalTimeoutMs} ms`, { type: 'timeout' })),
  );
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  return { signal: controller.signal, touch, end };

  function touch(): void {
    touchedAt = clock.now();
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
