import { fork } from 'node:child_process';
import { on } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';

/** A script of this folder in a process of its own; the two talk in turns. */
export interface Child {
  send(message: object | number | string): void;
  /** The next message; throws if the process ends instead. */
  hear<T>(shape: z.ZodType<T>): Promise<T>;
  end(): void;
}

export function startChild(script: string, env: NodeJS.ProcessEnv = {}, args: readonly string[] = []): Child {
  const process_ = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
    env: { ...process.env, ...env },
  });
  const ended = new AbortController();
  process_.once('exit', (code) => ended.abort(new Error(`${script} ended with ${code}`)));
  const messages = on(process_, 'message', { signal: ended.signal });
  return {
    send: (message) => void process_.send(message),
    async hear(shape) {
      const { value } = await messages.next();
      return shape.parse(value?.[0]);
    },
    end() {
      if (process_.connected) process_.disconnect();
      process_.kill();
    },
  };
}
