import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { request } from 'undici';
import type { Clock } from '../../clock.ts';
import { BackendError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Backend } from '../backend.ts';
import { createCleaner } from '../detail.ts';
import { readLog } from '../log-lines.ts';

/** A ComfyUI of our own: a process that is started, watched, started again, and stopped with the bot. */
export interface Child {
  /** where it answers, once it does: the same address after every restart */
  readonly url: string;
  /** `starting` is also the pause before another try */
  readonly state: () => 'starting' | 'ready' | 'stopped';
  /**
   * Resolves when it answers.
   * @throws BackendError never billed: when it does not answer in time, or is stopped
   */
  ready(signal: AbortSignal): Promise<void>;
  /** Asks it to end, and ends it when it does not. */
  close(): Promise<void>;
}

export interface ChildOptions {
  /** the folder of ComfyUI, with its `main.py` */
  readonly dir: string;
  /** the program that runs it: `python3`; that of a virtual environment is an absolute path */
  readonly python?: string;
  /** further arguments, such as `--lowvram` */
  readonly args?: readonly string[];
  /** its environment: without the bot's own secrets, which are no business of custom nodes */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** how long a start may take: 5 minutes, because custom nodes may install themselves */
  readonly startMs?: number;
}

export interface ChildDependencies {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>;
}

const MINUTE = 60_000;
const ASK_MS = 500;
/** One that stays up for so long is no part of a row of failures. */
const STEADY_MS = 5 * MINUTE;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** ComfyUI writes nothing down at its end; a model that is just being loaded is not worth waiting for. */
const END_MS = 10_000;

/**
 * Runs a command that ends when the bot does, however that ends: a pipe from the bot closes by itself then, and whoever
 * reads it stops the command, which has taken the shell's place and its number.
 */
const LEASH = [
  '/bin/sh',
  '-c',
  'exec 3<&0; (read -r _ <&3 || { kill $$; /bin/sleep 10; kill -9 $$; }) >/dev/null 2>&1 & exec 3<&-; exec "$@" </dev/null',
  'sh',
];

/** Starts it at once; the port is free now and kept for every restart, so that handles and addresses stay true. */
export async function startChild(options: ChildOptions, { clock, log }: ChildDependencies): Promise<Child> {
  const { dir, python = 'python3', args = [], startMs = 5 * MINUTE } = options;
  const clean = createCleaner([dir]);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const waiting = new Set<() => void>();
  const closing = new AbortController();
  let state: ReturnType<Child['state']> = 'starting';
  let child: ChildProcess | undefined;
  let failures = 0;
  // A bot that ends without saying goodbye must not leave it behind, with the GPU's memory in its hands.
  const onExit = () => child?.kill('SIGKILL');
  process.on('exit', onExit);
  const over = watch();
  return { url, state: () => state, ready, close };

  function become(next: typeof state): void {
    if (state === next) return;
    state = next;
    for (const wake of waiting) wake();
  }

  /** Keeps one running until it is to end. */
  async function watch(): Promise<void> {
    while (!closing.signal.aborted) {
      const startedAt = clock.now();
      const reason = await runOnce();
      if (closing.signal.aborted) break;
      become('starting');
      failures = clock.now() - startedAt >= STEADY_MS ? 1 : failures + 1;
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
      log.warn({ reason, failures, pauseMs }, 'ComfyUI ended and is started again');
      await pause(pauseMs);
    }
    become('stopped');
  }

  /** Resolves when it has ended, with why. */
  async function runOnce(): Promise<string> {
    log.info({ port }, 'Starting ComfyUI');
    const command = [python, 'main.py', '--listen', '127.0.0.1', '--port', String(port), ...args];
    const [program = python, ...rest] = process.platform === 'win32' ? command : [...LEASH, ...command];
    const started = spawn(program, rest, {
      cwd: dir,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...options.env, PYTHONUNBUFFERED: '1' },
    });
    // A line tells whoever watches that there is nothing left to stop: the number may be another's soon.
    started.once('exit', () => started.stdin.end('ended\n'));
    started.stdin.on('error', () => {});
    child = started;
    const ended = endOf(started);
    readLines(started.stdout);
    readLines(started.stderr);
    const isUp = await Promise.race([ended, answered(started)]);
    if (isUp === true) {
      log.info({ port }, 'ComfyUI is ready');
      become('ready');
    } else if (isUp === false && !closing.signal.aborted) {
      log.warn({ startMs }, 'ComfyUI does not answer in time');
      await end(started);
    }
    const reason = await ended;
    child = undefined;
    return reason;
  }

  /** True when it answers, false when that takes too long or nobody waits any more. */
  async function answered(started: ChildProcess): Promise<boolean> {
    const lateAt = clock.now() + startMs;
    const isAwaited = () => clock.now() < lateAt && !closing.signal.aborted && child === started;
    for (; isAwaited(); await pause(ASK_MS)) if (await answers()) return true;
    return false;
  }

  async function answers(): Promise<boolean> {
    try {
      const { statusCode, body } = await request(`${url}/system_stats`, { headersTimeout: ASK_MS * 10, reset: true });
      await body.dump();
      return statusCode === 200;
    } catch {
      return false;
    }
  }

  /** Its log is ours, cut and clean, and without its bars. */
  function readLines(stream: Readable): void {
    createInterface({ input: stream }).on('line', (text) => {
      for (const event of readLog(text)) {
        const line = event.type === 'log-line' ? clean(event.line) : undefined;
        if (line !== undefined) log.debug({ line }, 'ComfyUI says');
      }
    });
  }

  async function ready(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (state === 'ready') return;
      if (state === 'stopped') throw new BackendError('the bot is closing', { type: 'cancelled', billed: 'no' });
      if (signal.aborted) {
        throw new BackendError('cancelled', { type: 'cancelled', billed: 'no', cause: signal.reason });
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = () => resolve();
      waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      const stop = clock.after(startMs, resolve);
      const since = clock.now();
      await promise;
      stop();
      signal.removeEventListener('abort', wake);
      waiting.delete(wake);
      if (state === 'starting' && clock.now() - since >= startMs) {
        const detail = 'the local ComfyUI does not start; the log says why';
        throw new BackendError('ComfyUI does not start', {
          type: 'unreachable',
          retryable: true,
          billed: 'no',
          detail,
        });
      }
    }
  }

  async function close(): Promise<void> {
    closing.abort();
    if (child) await end(child);
    await over;
    process.off('exit', onExit);
  }

  async function end(process: ChildProcess): Promise<void> {
    if (process.exitCode !== null || process.signalCode !== null || process.pid === undefined) return;
    const exit = once(process, 'exit');
    const stop = clock.after(END_MS, () => process.kill('SIGKILL'));
    process.kill('SIGTERM');
    await exit;
    stop();
  }

  async function pause(ms: number): Promise<void> {
    if (closing.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = clock.after(ms, resolve);
    const wake = () => resolve();
    closing.signal.addEventListener('abort', wake);
    await promise;
    closing.signal.removeEventListener('abort', wake);
    stop();
  }
}

/** A run waits until the local ComfyUI is up, however long that takes to start; both end together. */
export function withChild(backend: Backend, child: Child): Backend {
  const { resume } = backend;
  return {
    ...backend,
    async *run(request) {
      await child.ready(request.signal);
      yield* backend.run(request);
    },
    ...(resume && {
      async *resume(handle, request) {
        await child.ready(request.signal);
        yield* resume(handle, request);
      },
    }),
    health() {
      if (child.state() === 'ready') return backend.health?.() ?? [{ name: backend.name, state: 'up' }];
      return [{ name: backend.name, state: child.state() === 'starting' ? 'starting' : 'down' }];
    },
    async close() {
      await backend.close();
      await child.close();
    },
  };
}

/** A program that cannot be started ends too. */
async function endOf(started: ChildProcess): Promise<string> {
  try {
    await once(started, 'exit');
    // What a shell says of a program that is not there, or is none.
    if (started.exitCode === 126 || started.exitCode === 127) return 'cannot be started';
    return started.signalCode === null ? `exit code ${started.exitCode}` : `signal ${started.signalCode}`;
  } catch {
    return 'cannot be started';
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
