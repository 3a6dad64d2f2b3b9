import { Worker } from 'node:worker_threads';
import { BackendError } from '../errors.ts';
import type { Backend, BackendEvent, BackendHealth } from './backend.ts';
import { createBackend, type BackendConfig } from './index.ts';
import { errorOf, type FromThread, type ToThread } from './thread-messages.ts';
import type { ViewComfyDependencies } from './viewcomfy.ts';

/** One run, as seen from this side. */
interface Followed {
  readonly events: BackendEvent[];
  /** set when the run is over; an error if it failed */
  outcome?: { readonly error?: Error };
  /** There is something new. */
  wake(): void;
}

/**
 * The same backend in a thread of its own, which lives as long as it is used. Requests, results and files are the
 * thread's; only small messages cross. So what a result costs (the garbage of its many buffers most of all, in a heap
 * that is large) is not paid by whoever answers people: with 24 results of 50 MB at once, 99 of 100 answers take at most
 * 3 ms, and 81 ms without the thread. `npm run bench -- decode` has the figures.
 */
export async function createThreadedBackend(
  config: BackendConfig,
  dependencies: ViewComfyDependencies,
): Promise<Backend> {
  const { log } = dependencies;
  // Made here as well, only to be asked what it can do: it connects to nothing before its first run.
  const { name, capabilities, resume } = await createBackend(config, dependencies);
  const runs = new Map<number, Followed>();
  let count = 0;
  let thread: Worker | undefined;
  let closing: Promise<void> | undefined;
  let health: readonly BackendHealth[] = [{ name, state: 'up' }];

  return {
    name,
    capabilities,
    run: ({ signal, ...request }) => follow((run) => ({ type: 'run', run, request }), signal),
    ...(resume && {
      resume: (handle, { signal, ...request }) => follow((run) => ({ type: 'resume', run, handle, request }), signal),
    }),
    health: () => health,
    close: () => (closing ??= close()),
  };

  async function* follow(begin: (run: number) => ToThread, signal: AbortSignal): AsyncGenerator<BackendEvent> {
    if (closing) throw new BackendError('the bot is closing', { type: 'cancelled', billed: 'no' });
    if (signal.aborted) throw new BackendError('cancelled', { type: 'cancelled', billed: 'no', cause: signal.reason });
    const run = (count += 1);
    let news = Promise.withResolvers<void>();
    const followed: Followed = { events: [], wake: () => news.resolve() };
    const abort = () => say({ type: 'abort', run });
    say(begin(run));
    runs.set(run, followed);
    signal.addEventListener('abort', abort, { once: true });
    try {
      while (!followed.outcome || followed.events.length > 0) {
        const event = followed.events.shift();
        if (event) {
          yield event;
          if (event.type === 'handle-assigned') say({ type: 'kept', run });
        } else {
          await news.promise;
          news = Promise.withResolvers();
        }
      }
      if (followed.outcome.error) throw followed.outcome.error;
    } finally {
      signal.removeEventListener('abort', abort);
      // Whoever leaves early may remove the folder next: so the run is over first.
      if (!followed.outcome) abort();
      for (; !followed.outcome; news = Promise.withResolvers()) await news.promise;
      runs.delete(run);
    }
  }

  function say(message: ToThread): void {
    thread ??= start();
    thread.postMessage(message);
  }

  /** A thread that ends takes its runs with it; the next run begins another. */
  function start(): Worker {
    const worker = new Worker(new URL('thread-worker.ts', import.meta.url), { workerData: config });
    let reason: unknown;
    worker.on('message', hear);
    worker.on('error', (error) => {
      reason = error;
      log.warn({ error }, 'The thread of the backend failed');
    });
    worker.on('exit', () => {
      if (thread === worker) thread = undefined;
      const error = new BackendError('the thread of the backend ended', { type: 'cut', cause: reason });
      for (const run of runs.keys()) settle(run, { error });
    });
    return worker;
  }

  function hear(message: FromThread): void {
    switch (message.type) {
      case 'event': {
        const followed = runs.get(message.run);
        followed?.events.push(message.event);
        followed?.wake();
        break;
      }
      case 'ended':
        settle(message.run, {});
        break;
      case 'failed':
        settle(message.run, { error: errorOf(message.failure) });
        break;
      case 'health':
        health = message.health;
        break;
      case 'logged':
        log[message.level](message.fields, message.message);
        break;
      case 'closed':
        void thread?.terminate();
        break;
    }
  }

  function settle(run: number, outcome: { readonly error?: Error }): void {
    const followed = runs.get(run);
    if (!followed) return;
    followed.outcome ??= outcome;
    followed.wake();
  }

  async function close(): Promise<void> {
    if (!thread) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    thread.once('exit', () => resolve());
    thread.postMessage({ type: 'close' } satisfies ToThread);
    await promise;
  }
}
