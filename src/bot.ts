import { mkdir } from 'node:fs/promises';
import { readDefaultFiles } from './answers.ts';
import type { Backend } from './backends/backend.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { createDelivery } from './discord/delivery.ts';
import { createDiscordClient } from './discord/client.ts';
import { createFollower } from './discord/follow.ts';
import { createInputs } from './discord/inputs.ts';
import { createInteractions } from './discord/interactions.ts';
import { createPort, type PortPatience } from './discord/port.ts';
import { registerCommands } from './discord/registration.ts';
import type { Health } from './health.ts';
import type { Logger } from './log.ts';
import type { Recipe } from './recipe.ts';
import { createRetention, removeStrays } from './retention.ts';
import { createSpool } from './spool.ts';
import { createStoreQueue } from './store-queue.ts';
import { createStore } from './store.ts';

/** The bot, joined and connected. */
export interface Bot {
  readonly application: string;
  readonly name: string;
  health(): Health;
  /** Takes nothing new, lets what runs end until `signal` is aborted, tells everybody, and closes every connection. */
  stop(signal: AbortSignal): Promise<void>;
}

interface BotOptions {
  config: Pick<Config, 'limits' | 'pictures' | 'dataDir' | 'results'>;
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

export async function startBot({ config, recipes, backend, discord, clock, log }: BotOptions): Promise<Bot> {
  const { dataDir, limits, results } = config;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const store = createStore(dataDir);
  if (discord.forgets) store.forgetAll();
  const spool = await createSpool(dataDir);
  await removeStrays(store, spool);
  const queue = createStoreQueue({ backend, store, spool, limits, clock, log });
  const retention = createRetention({ store, spool, limits: results, clock, log });
  const client = createDiscordClient({ token: discord.token, api: discord.api, log });
  const { token, patience } = discord;
  const port = createPort({ interactions: client.interactions, bot: client.bot, token, patience, log });
  const delivery = createDelivery({ spool, backendName: backend.name, log });
  const inputs = createInputs({
    spool,
    limits: config.pictures,
    extraOrigins: discord.fileOrigins ?? [],
    defaults: await readDefaultFiles(recipes.values()),
    dispatcher: client.dispatcher,
    log,
  });
  const follow = createFollower({ queue, delivery, backendName: backend.name, clock, log });
  const interactions = createInteractions({ recipes, queue, inputs, delivery, follow, port, spool, clock, log });
  const { id, name } = await client.connect((interaction) => void interactions.handle(interaction));
  if (discord.register) await registerCommands(client.bot, id, recipes);
  queue.start();
  retention.start();

  return {
    application: id,
    name,
    health: () => ({
      discord: client.isConnected() ? 'connected' : 'connecting',
      jobs: queue.counts(),
      backends: backend.health?.() ?? [{ name: backend.name, state: 'up' }],
      disk: spool.hasRoom() ? 'ok' : 'full',
    }),
    async stop(signal) {
      await queue.drain(signal);
      await interactions.idle();
      await client.close();
      await retention.stop();
      store.close();
    },
  };
}
