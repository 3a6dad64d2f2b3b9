/** A thread that runs one backend: the other side of `thread.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../clock.ts';
import type { Backend, BackendEvent } from './backend.ts';
import { createBackend } from './index.ts';
import { failureOf, type FromThread, type ToThread } from './thread-messages.ts';

const runs = new Map<number, { readonly controller: AbortController; readonly over: Promise<void> }>();
/** runs that go on once their handle is kept: it is told before anything is sent that could be lost */
const held = new Map<number, () => void>();
let closing = false;
const backend: Backend = await createBackend(workerData, {
  clock: systemClock,
  log: {
    debug: (fields: unknown, message?: string) => writeLog('debug', fields, message),
    warn: (fields: unknown, message?: string) => writeLog('warn', fields, message),
  },
});

parentPort?.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'run':
      begin(message.run, (signal) => backend.run({ ...message.request, signal }));
      break;
    case 'resume':
      begin(message.run, (signal) => {
        if (!backend.resume) throw new Error('this backend finds no run again');
        return backend.resume(message.handle, { ...message.request, signal });
      });
      break;
    case 'kept':
      held.get(message.run)?.();
      break;
    case 'abort':
      runs.get(message.run)?.controller.abort();
      held.get(message.run)?.();
      break;
    case 'close':
      void close();
      break;
  }
});

type Begin = (signal: AbortSignal) => AsyncIterable<BackendEvent>;

function begin(run: number, events: Begin): void {
  const controller = new AbortController();
  const over = follow(run, events, controller.signal).finally(() => runs.delete(run));
  runs.set(run, { controller, over });
}

async function follow(run: number, events: Begin, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of events(signal)) {
      say({ type: 'event', run, event });
      if (event.type !== 'handle-assigned' || signal.aborted || closing) continue;
      await new Promise<void>((go) => held.set(run, go));
      held.delete(run);
    }
    say({ type: 'ended', run });
  } catch (error) {
    say({ type: 'failed', run, failure: failureOf(error) });
  }
  const health = backend.health?.();
  if (health) say({ type: 'health', health });
}

/** Every run has said how it ended before the thread says that it has closed. */
async function close(): Promise<void> {
  closing = true;
  const closed = backend.close();
  for (const go of held.values()) go();
  await closed.catch((error: unknown) => writeLog('warn', { error }, 'The backend did not close'));
  await Promise.all([...runs.values()].map(({ over }) => over));
  say({ type: 'closed' });
}

/** Fields are only ever for people: errors in them as text, and what is no JSON left out. */
function writeLog(level: 'debug' | 'warn', fields: unknown, message = ''): void {
  const text = JSON.stringify(fields, (_, value: unknown) => (value instanceof Error ? failureOf(value) : value));
  say({ type: 'logged', level, fields: Object(JSON.parse(text ?? '{}')), message });
}

function say(message: FromThread): void {
  parentPort?.postMessage(message);
}
