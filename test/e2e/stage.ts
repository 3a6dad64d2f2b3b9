import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { Backend } from '../../src/backends/backend.ts';
import { createBackend } from '../../src/backends/index.ts';
import { startBot } from '../../src/bot.ts';
import { systemClock } from '../../src/clock.ts';
import type { Config } from '../../src/config.ts';
import { PORT_PATIENCE, type PortPatience } from '../../src/discord/port.ts';
import { createMovableClock } from '../../src/playground/clock.ts';
import {
  createLocalDiscord,
  type LocalDiscord,
  type LocalDiscordOptions,
} from '../../src/playground/discord/server.ts';
import {
  createLocalViewComfy,
  type LocalViewComfy,
  type LocalViewComfyOptions,
} from '../../src/playground/viewcomfy/server.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { COMMANDS_DIRECTORY, loadRecipes } from '../../src/recipes/recipe-loader.ts';
import { checkRecording } from '../playground/openapi.ts';
import type { BotTask } from './bot-process.ts';
import { createPerson, type Person, type SeenMessage } from './person.ts';

/** A local Discord, a local ViewComfy and the real bot between them. */
export interface Stage {
  readonly discord: LocalDiscord;
  readonly viewcomfy: LocalViewComfy;
  /** the recording of all that the bot asked of Discord: a path to JSON lines */
  readonly recording: string;
  person(name: string): Person;
  /** Makes a message go away, as a moderator would. */
  deleteMessage(message: SeenMessage): void;
  /** Moves the time of Discord and of the bot; runs take as long as they do. */
  advance(ms: number): void;
  /** Ends the bot, where it has a process of its own, as `kill -9` does. */
  kill(): Promise<void>;
  /** Starts a bot on what the last one has left. */
  start(): Promise<void>;
  close(): Promise<void>;
}

interface StageOptions {
  limits?: Partial<Config['limits']>;
  pictures?: Partial<Config['pictures']>;
  media?: Partial<Config['media']>;
  results?: Partial<Config['results']>;
  viewcomfy?: Partial<LocalViewComfyOptions>;
  discord?: Partial<LocalDiscordOptions>;
  /** how long the bot waits for Discord */
  patience?: Partial<PortPatience>;
  /** what the bot is told of ViewComfy, where it is not the truth */
  address?: Partial<{ url: string; clientSecret: string; idleTimeoutMs: number }>;
  mode?: 'stream' | 'poll';
  /** another backend than ViewComfy, for a bot without a process of its own */
  backend?: Backend;
  /** other recipes than those of commands/ */
  recipes?: readonly Recipe[];
  /** whether the bot has a process of its own, and can be killed */
  separate?: boolean;
}

/** The bot, wherever it is. */
interface Running {
  advance(ms: number): void;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const keys = { clientId: 'stage', clientSecret: 'only-for-the-stage-3f8a1c' };
const BOT = fileURLToPath(new URL('bot-process.ts', import.meta.url));

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-stage-'));
  const recording = join(folder, 'recording.jsonl');
  const clock = createMovableClock();
  const discord = await createLocalDiscord({ record: recording, clock, ...options.discord });
  const viewcomfy = await createLocalViewComfy({
    ...keys,
    runMs: 300,
    coldStartMs: 0,
    pictureScale: 0.25,
    ...options.viewcomfy,
  });
  const { mode = 'stream' } = options;
  const task: Omit<BotTask, 'aheadMs'> = {
    config: {
      limits: { runningPerUser: 1, waitingPerUser: 3, runningAtOnce: 1, runMs: 24 * 3600_000, ...options.limits },
      pictures: { maxBytes: 20 * 1024 * 1024, maxPixels: 50_000_000, ...options.pictures },
      media: { maxBytes: 100 * 1024 * 1024, ...options.media },
      dataDir: join(folder, 'data'),
      results: { keepMs: 7 * 24 * 3600_000, maxBytes: 10 * 1024 ** 3, keepWorkflow: false, ...options.results },
    },
    backend: {
      type: 'viewcomfy',
      url: viewcomfy.url,
      ...(mode === 'poll' && { apiUrl: viewcomfy.apiUrl }),
      mode,
      ...keys,
      ...options.address,
    },
    discord: {
      token: discord.token,
      api: discord.api,
      fileOrigins: [discord.url],
      register: true,
      patience: { ...PORT_PATIENCE, ...options.patience },
    },
  };
  let aheadMs = 0;
  const begin = options.separate ? startApart : startHere;
  let running: Running | undefined = await begin();

  async function startHere(): Promise<Running> {
    const log = pino({ level: process.env['STAGE_LOG'] ?? 'silent' });
    const bot = await startBot({
      config: task.config,
      recipes: options.recipes
        ? new Map(options.recipes.map((recipe) => [recipe.name, recipe]))
        : await loadRecipes({ directories: [COMMANDS_DIRECTORY] }),
      backend: options.backend ?? (await createBackend(task.backend, { clock: systemClock, log })),
      discord: task.discord,
      // Discord's own: it moves with it.
      clock,
      log,
    });
    return {
      advance: () => undefined,
      kill: () => Promise.reject(new Error('This bot has no process of its own')),
      stop: () => bot.stop(AbortSignal.abort()),
    };
  }

  async function startApart(): Promise<Running> {
    const child = fork(BOT, [], { execArgv: ['--disable-warning=ExperimentalWarning'], stdio: 'inherit' });
    const exited = once(child, 'exit');
    const { recipes } = options;
    child.send({ ...task, ...(recipes && { recipes }), aheadMs } satisfies BotTask);
    await Promise.race([
      once(child, 'message'),
      exited.then(() => Promise.reject(new Error('The bot ended while it started'))),
    ]);
    return apart(child, exited);
  }

  function apart(child: ChildProcess, exited: Promise<unknown>): Running {
    return {
      advance: (advanceMs) => void child.send({ advanceMs }),
      async kill() {
        child.kill('SIGKILL');
        await exited;
      },
      async stop() {
        child.send('stop');
        await exited;
      },
    };
  }

  return {
    discord,
    viewcomfy,
    recording,
    person: (name) => createPerson(discord.url, name),
    deleteMessage: ({ id }) => discord.deleteMessage(id),
    advance(ms) {
      aheadMs += ms;
      running?.advance(ms);
      clock.advance(ms);
    },
    async kill() {
      await running?.kill();
      running = undefined;
    },
    async start() {
      running ??= await begin();
    },
    async close() {
      await running?.stop();
      await viewcomfy.close();
      await discord.close();
      // Whatever the test was about: no request of the bot may be one that Discord would refuse for its form.
      await checkRecording(recording);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
