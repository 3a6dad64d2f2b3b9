import { join } from 'node:path';
import { isatty } from 'node:tty';
import { startBot, type Bot } from './bot.ts';
import { systemClock } from './clock.ts';
import { ConfigError, readConfig, type Config } from './config.ts';
import { ConnectError, inviteLink } from './discord/client.ts';
import { serveHealth } from './health.ts';
import { createLogger, type Logger } from './log.ts';
import { openBackend } from './open-backend.ts';
import { createLocalDiscord, type LocalDiscord } from './playground/discord/server.ts';
import { createPage } from './playground/page-server.ts';
import { JOBS_COMMAND } from './recipes/commands.ts';
import { loadRecipes, RecipeError, sourcesOf } from './recipes/recipe-loader.ts';
import { createReload } from './recipes/reload.ts';
import { runnable } from './recipes/runnable.ts';
import { StoreError } from './storage/database.ts';

/**
 * The composition root: the configuration goes in, everything is built and joined, and it all ends here. What is not
 * configured, Discord or ViewComfy, is stood for by the playground.
 */

/** What is left to do after the last job: closing the sockets. */
const CLOSE_MS = 10_000;

async function main(): Promise<void> {
  const config = readConfig();
  const log = createLogger(config.logLevel);
  endOnCrash(log);
  const onHangup = listenForHangup();
  const { recipes, left } = await load();
  const backend = await openBackend(config, log);
  const discord = await openDiscord(config);
  // Apart from the jobs of the real Discord, which outlive a look at the playground.
  const dataDir = config.discord.type === 'playground' ? join(config.dataDir, 'playground') : config.dataDir;
  const bot = await startBot({ config: { ...config, dataDir }, recipes, backend, discord, clock: systemClock, log });
  const health = config.health && (await serveHealth(config.health, () => bot.health()));
  process.stdout.write([discord.welcome(bot, [...recipes.keys()]), ...left.map((line) => `${line}\n`)].join(''));
  const isRegistering = 'register' in discord;
  const loadAgain = async () => (await load()).recipes;
  const use = bot.useRecipes;
  const stopping = new AbortController();
  onHangup(createReload({ recipes, load: loadAgain, use, isRegistering, stopping: stopping.signal, log }));
  stopOnSignal(config, log, async (signal) => {
    stopping.abort();
    await bot.stop(signal);
    await health?.close();
    await discord.close();
  });

  async function load() {
    const { usable, left } = runnable(
      await loadRecipes(sourcesOf(config)),
      config.backends.map(({ type }) => type),
    );
    for (const sentence of left) log.warn(sentence);
    return { recipes: usable, left };
  }
}

type BotName = Pick<Bot, 'application' | 'name'>;

function listOf(commands: readonly string[]): string {
  return [...commands, JOBS_COMMAND].map((name) => `/${name}`).join(', ');
}

async function openDiscord({ discord }: Config) {
  if (discord.type === 'discord') {
    return {
      token: discord.token,
      ...(discord.api !== undefined && { api: discord.api, fileOrigins: [new URL(discord.api).origin] }),
      close: () => Promise.resolve(),
      welcome: (bot: BotName, commands: readonly string[]) =>
        `${bot.name} is on Discord.\nInvite it: ${inviteLink(bot.application)}\nIts commands: ${listOf(commands)}. Not there? npm run deploy\n`,
    };
  }
  const local = await openPlayground(discord, discord.port);
  return {
    token: local.token,
    api: local.api,
    fileOrigins: [local.url],
    register: true,
    forgets: true,
    close: () => local.close(),
    welcome: (_bot: BotName, commands: readonly string[]) =>
      `Troupe is in its playground. Open ${local.url}\nIts commands: ${listOf(commands)}\n`,
  };
}

/** On the port that is wanted, or on any free one where that is taken: the address is printed anyway. */
async function openPlayground(options: { host: string; record?: string }, port: number): Promise<LocalDiscord> {
  try {
    return await createLocalDiscord({ ...options, port, page: createPage() });
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (!taken || port === 0) throw error;
    return await openPlayground(options, 0);
  }
}

/** What nobody caught ends the process, as it would anyway; but Node would print the tokens that discord.js's errors hold. */
function endOnCrash(log: Logger): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ error }, 'Crashed');
    process.exit(1);
  });
}

/**
 * SIGHUP makes a running bot read its recipes again. One that comes before there is something to do is kept until then.
 * @returns what takes that
 */
function listenForHangup(): (act: () => Promise<void>) => void {
  const terminals = [0, 1, 2].filter((stream) => isatty(stream));
  let isEarly = false;
  let act: (() => Promise<void>) | undefined;
  process.on('SIGHUP', () => {
    // A terminal that goes away sends the same signal, and nobody wants a bot that stays behind.
    if (terminals.some((stream) => !isatty(stream))) process.exit(1);
    if (act) void act();
    else isEarly = true;
  });
  return (toDo) => {
    act = toDo;
    if (isEarly) void act();
  };
}

/** The first signal lets running jobs end, the second one ends at once. */
function stopOnSignal(config: Config, log: Logger, stop: (signal: AbortSignal) => Promise<void>): void {
  let stopping = false;
  async function onSignal(name: NodeJS.Signals): Promise<void> {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal: name, graceMs: config.graceMs }, 'Stopping: running jobs may end');
    const grace = AbortSignal.timeout(config.graceMs);
    grace.addEventListener('abort', () => setTimeout(() => process.exit(1), CLOSE_MS).unref());
    await stop(grace);
    log.info('Stopped');
  }
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      onSignal(name).catch((error: unknown) => {
        log.fatal({ error }, 'Not stopped cleanly');
        process.exit(1);
      });
    });
  }
}

try {
  await main();
} catch (error) {
  const ours =
    error instanceof ConfigError ||
    error instanceof RecipeError ||
    error instanceof ConnectError ||
    error instanceof StoreError;
  // What the operating system refuses, a folder or an address, is told by its own sentence.
  const known = ours || (error instanceof Error && 'syscall' in error);
  if (!known) throw error;
  // For the person who starts it: what is wrong, and no traceback.
  process.stderr.write(`Troupe cannot start.\n${error.message}\n`);
  process.exit(1);
}
