import { mkdir } from 'node:fs/promises';
import type { Backend } from './backends/backend.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { createAccept } from './discord/accept.ts';
import { createArrivals } from './discord/arrivals.ts';
import { createButtons } from './discord/buttons.ts';
import { createDiscordClient } from './discord/client.ts';
import { createDelivery } from './discord/delivery.ts';
import { createFileLimits } from './discord/file-limits.ts';
import { createFollower } from './discord/follow.ts';
import { createForms } from './discord/forms.ts';
import { createInputs } from './discord/inputs.ts';
import { createInteractions } from './discord/interactions.ts';
import { createJobs } from './discord/jobs.ts';
import { createPages } from './discord/pages.ts';
import { createPort, type PortPatience } from './discord/port.ts';
import { registerCommands } from './discord/registration.ts';
import { text } from './discord/text.ts';
import { createGate } from './gate.ts';
import type { Health } from './health.ts';
import { createStoreQueue } from './jobs/store-queue.ts';
import type { Logger } from './log.ts';
import { keepDefaultFiles, removeOldDefaults } from './recipes/default-files.ts';
import type { Recipe } from './recipes/recipe.ts';
import { createRetention, removeStrays } from './storage/retention.ts';
import { createSpool } from './storage/spool.ts';
import { createStore } from './storage/store.ts';

/** The bot, joined and connected. */
export interface Bot {
  readonly application: string;
  readonly name: string;
  health(): Health;
  /**
   * Uses these recipes for whatever is asked from now on; jobs keep the one that they began with.
   * @throws where nothing has changed: a file beside a recipe cannot be read, or Discord does not take a command
   */
  useRecipes(recipes: ReadonlyMap<string, Recipe>): Promise<void>;
  /**
   * Takes nothing new, lets what would be lost end until `signal` is aborted, and closes every connection. What waits,
   * and what the backend finds again, is there for the next process.
   */
  stop(signal: AbortSignal): Promise<void>;
}

interface BotOptions {
  config: Pick<Config, 'limits' | 'pictures' | 'media' | 'dataDir' | 'results'>;
  recipes: ReadonlyMap<string, Recipe>;
  backend: Backend;
  discord: {
    token: string;
    /** Discord's own unless given */
    api?: string;
    /** where pictures may come from beside Discord's CDN */
    fileOrigins?: readonly string[];
    /** makes the commands known before the first person comes: for a Discord that forgets them */
    register?: boolean;
    /** knows nothing of what was before this start, so that nobody is left to be told */
    forgets?: boolean;
    patience?: PortPatience | undefined;
  };
  clock: Clock;
  log: Logger;
}

/** Each has the files of one message open, and an encoder that makes them fit. */
const UPLOADS_AT_ONCE = 4;

/** @throws StoreError, ConnectError */
export async function startBot({ config, backend, discord, clock, log, ...options }: BotOptions): Promise<Bot> {
  // Everybody looks into these two, so what is put there is used from then on.
  const recipes = new Map(options.recipes);
  const { dataDir, limits, results } = config;
  const backendName = backend.name;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const store = createStore(dataDir);
  if (discord.forgets) store.forgetAll();
  const spool = await createSpool(dataDir);
  const defaults = new Map(await keepDefaultFiles(recipes.values(), dataDir));
  await removeStrays(store, spool);
  await removeOldDefaults(store, defaults, dataDir);
  const queue = createStoreQueue({ backend, store, spool, limits, clock, log });
  const retention = createRetention({ store, spool, limits: results, clock, log });
  const client = createDiscordClient({ token: discord.token, api: discord.api, log });
  const { token, patience } = discord;
  const port = createPort({ interactions: client.interactions, bot: client.bot, token, patience, log });
  const pages = createPages({ spool, keepWorkflow: results.keepWorkflow, log });
  const delivery = createDelivery({ pages, backendName, publicUrl: results.publicUrl, log });
  const inputs = createInputs({
    spool,
    limits: { pictures: config.pictures, media: config.media },
    extraOrigins: discord.fileOrigins ?? [],
    defaults,
    dispatcher: client.dispatcher,
    log,
  });
  const inTurn = createGate(UPLOADS_AT_ONCE);
  const fileLimits = createFileLimits(port, clock, log);
  const follower = createFollower({ queue, delivery, port, fileLimits, inTurn, backendName, clock, log });
  const arrivals = createArrivals({ store, port, clock, log });
  const accept = createAccept({ queue, arrivals, follow: follower.follow, port, spool, clock, log });
  const buttons = createButtons({
    recipes,
    queue,
    delivery,
    follower,
    accept,
    arrivals,
    port,
    spool,
    inTurn,
    backendName,
    clock,
    log,
  });
  const listJobs = createJobs({ queue, port, keepMs: results.keepMs });
  const forms = createForms({ recipes, store, queue, inputs, defaults, accept, port, spool, clock, log });
  const interactions = createInteractions({ recipes, inputs, accept, buttons, forms, listJobs, port, clock, log });
  // Before the first command of this process comes.
  const untold = await queue.untold();
  const left = arrivals.left(untold);
  const { id, name } = await client.connect((interaction) => interactions.handle(interaction));
  follower.resume(untold);
  if (discord.register) await registerCommands(client.bot, id, recipes);
  queue.start();
  retention.start();
  void arrivals.tell(left, text.arrivedTooSoon);

  return {
    application: id,
    name,
    health: () => ({
      discord: client.isConnected() ? 'connected' : 'connecting',
      jobs: queue.counts(),
      backends: backend.health?.() ?? [{ name: backend.name, state: 'up' }],
      disk: spool.hasRoom() ? 'ok' : 'full',
    }),
    async useRecipes(fresh) {
      const files = await keepDefaultFiles(fresh.values(), dataDir);
      if (discord.register) await registerCommands(client.bot, id, fresh);
      // All in one go. Files of before stay: somebody may be answering a recipe that had them.
      for (const [href, file] of files) defaults.set(href, file);
      recipes.clear();
      for (const [name, recipe] of fresh) recipes.set(name, recipe);
    },
    async stop(signal) {
      await queue.drain(signal);
      await interactions.stop();
      arrivals.stop();
      await follower.stop(signal);
      await retention.stop();
      await client.close();
      store.close();
    },
  };
}
