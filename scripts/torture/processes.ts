import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** The bot and the services around it, as processes. */
export interface Processes {
  /** A script of this folder, which ends by itself when this process does. */
  fork(script: string, args?: readonly string[]): Service;
  /** A script as a person runs it. @throws Error when it fails */
  run(script: string, env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<void>;
  /** The bot, as `npm start` starts it. */
  startBot(env: NodeJS.ProcessEnv, onLine: (line: LogLine) => void): Life;
  /** Ends all of them at once. */
  killAll(): void;
}

interface Service {
  send(message: object): void;
  /** Calls the listener with every message of this shape. */
  on<T>(shape: z.ZodType<T>, listener: (message: T) => void): void;
  /** The next message of this shape. */
  hear<T>(shape: z.ZodType<T>): Promise<T>;
}

/** One life of the bot. */
export interface Life {
  /** resolves when it is on Discord; never, where it ends before */
  readonly ready: Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly wasKilled: boolean; readonly lastWords: string }>;
  readonly isOver: () => boolean;
  kill(): void;
  /** Makes it read its recipes again, where it is on Discord. @returns whether it was told to */
  reload(): boolean;
  /** Asks it to end by itself. */
  stop(): void;
}

const LogLine = z.object({
  level: z.number(),
  msg: z.string(),
  job: z.string().optional(),
  state: z.string().optional(),
});
export type LogLine = z.infer<typeof LogLine>;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LAST_WORDS = 2000;

/** @param folder where the bot runs, and where its log is kept */
export async function createProcesses(folder: string): Promise<Processes> {
  const [node, ...start] = await startCommand();
  const children = new Set<ChildProcess>();
  const log = createWriteStream(`${folder}/bot.log`);
  let lives = 0;

  function keep<Child extends ChildProcess>(child: Child): Child {
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  }

  return {
    fork(script, args = []) {
      const child = keep(
        fork(fileURLToPath(new URL(script, import.meta.url)), args, {
          execArgv: ['--disable-warning=ExperimentalWarning'],
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        }),
      );
      const service: Service = {
        send: (message) => void child.send(message),
        on(shape, listener) {
          child.on('message', (message) => {
            const parsed = shape.safeParse(message);
            if (parsed.success) listener(parsed.data);
          });
        },
        hear: (shape) =>
          new Promise((resolve, reject) => {
            service.on(shape, resolve);
            child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
          }),
      };
      return service;
    },
    async run(script, env, ...args) {
      const all = ['--disable-warning=ExperimentalWarning', `${ROOT}${script}`, ...args];
      const child = keep(spawn(node, all, { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] }));
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`${script} ended with ${code}`);
    },
    startBot(env, onLine) {
      lives += 1;
      log.write(`--- life ${lives}, ${new Date().toISOString()}\n`);
      const child = keep(spawn(node, start, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }));
      const ready = Promise.withResolvers<void>();
      let lastWords = '';
      let wasKilled = false;
      let over = false;
      let isReady = false;
      createInterface({ input: child.stdout }).on('line', (line) => {
        log.write(`${line}\n`);
        if (line.endsWith(' is on Discord.')) {
          isReady = true;
          ready.resolve();
        }
        const parsed = line.startsWith('{') ? LogLine.safeParse(parseJson(line)) : undefined;
        if (parsed?.success) onLine(parsed.data);
      });
      child.stderr.on('data', (chunk: Buffer) => {
        log.write(chunk);
        lastWords = (lastWords + chunk.toString()).slice(-LAST_WORDS);
      });
      const ended = once(child, 'close').then(([code]) => {
        over = true;
        return { code: z.number().nullable().parse(code), wasKilled, lastWords };
      });
      return {
        ready: ready.promise,
        ended,
        isOver: () => over,
        kill() {
          wasKilled = true;
          child.kill('SIGKILL');
        },
        // Before it listens, the signal would end it.
        reload: () => isReady && !over && !wasKilled && child.kill('SIGHUP'),
        stop: () => void child.kill('SIGTERM'),
      };
    },
    killAll() {
      for (const child of children) child.kill('SIGKILL');
    },
  };
}

/** What stands behind `npm start`, with this Node and from any folder. */
async function startCommand(): Promise<[string, ...string[]]> {
  const manifest: unknown = JSON.parse(await readFile(`${ROOT}package.json`, 'utf8'));
  const { start } = z.object({ scripts: z.object({ start: z.string() }) }).parse(manifest).scripts;
  const [, ...args] = start.split(' ');
  return [process.execPath, ...args.map((arg) => (arg.startsWith('-') ? arg : `${ROOT}${arg}`))];
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The last line of a killed process may be half a line.
    return undefined;
  }
}
