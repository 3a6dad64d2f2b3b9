import type { Clock } from '../../clock.ts';

/** Waits, or until the signal says that there is nothing to wait for. Unlike a pause of the patience's it is a silence. */
export async function rest(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  const stop = clock.after(ms, wake);
  signal.addEventListener('abort', wake);
  if (signal.aborted) wake();
  await promise;
  signal.removeEventListener('abort', wake);
  stop();
}

/** Waits for what should be done soon, and not for longer: a broker that is gone answers nothing. */
export async function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = clock.after(ms, resolve);
  await Promise.race([work, promise]);
  stop();
}
