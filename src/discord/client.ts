import { GatewayDispatchEvents, PermissionFlagsBits, type APIInteraction } from 'discord-api-types/v10';
import { Client, DiscordjsErrorCodes, Events, Options, REST, Status, type ClientOptions } from 'discord.js';
import { Agent, type Dispatcher } from 'undici';
import type { Logger } from '../log.ts';
import { PORT_PATIENCE } from './port.ts';

/** discord.js, for the gateway and the rate limits. */
export interface DiscordClient {
  /** for requests that carry an interaction's token */
  readonly interactions: REST;
  /** for requests by the bot's own token */
  readonly bot: REST;
  readonly dispatcher: Dispatcher;
  /** A listener that fails costs its own interaction and nothing else. @throws ConnectError */
  connect(onInteraction: (interaction: APIInteraction) => void | Promise<void>): Promise<{ id: string; name: string }>;
  /** whether interactions arrive now */
  isConnected(): boolean;
  close(): Promise<void>;
}

/** Where the person who runs the bot adds it to a server: with what delivering pictures takes, and no more. */
export function inviteLink(application: string): string {
  const { ViewChannel, ReadMessageHistory, SendMessages, SendMessagesInThreads, AttachFiles } = PermissionFlagsBits;
  // With its own messages in view, what was sent just before a crash is not sent again.
  const permissions = ViewChannel | ReadMessageHistory | SendMessages | SendMessagesInThreads | AttachFiles;
  const query = new URLSearchParams({
    client_id: application,
    scope: 'bot applications.commands',
    permissions: String(permissions),
  });
  return `https://discord.com/oauth2/authorize?${query.toString()}`;
}

/** Discord does not let the bot in. The message tells the person who runs it what to do. */
export class ConnectError extends Error {
  override name = 'ConnectError';
}

/** From the login to the first word of the gateway; a large bot's takes some seconds. */
const READY_MS = 60_000;

interface DiscordClientOptions {
  token: string;
  /** where the REST API is, without the version: Discord's own unless given */
  api?: string | undefined;
  log: Logger;
}

export function createDiscordClient({ token, api, log }: DiscordClientOptions): DiscordClient {
  // Our own dispatcher: several versions of undici in one process share a global one, and uploads break on it.
  const dispatcher = new Agent();
  const rest = { ...(api && { api }), agent: dispatcher, timeout: PORT_PATIENCE.filesMs, retries: 0 };
  const client = new Client({
    // Interactions need no intent, and with none there is no waiting for servers at the start.
    intents: [],
    rest: { ...rest, invalidRequestWarningInterval: 100 },
    allowedMentions: { parse: [] },
    makeCache: Options.cacheWithLimits({
      MessageManager: 0,
      UserManager: 0,
      GuildMemberManager: { maxSize: 0, keepOverLimit: (member) => member.id === member.client.user.id },
    }),
  } satisfies ClientOptions);
  // Interaction routes are not bound to the global limit (rate-limits.mdx); discord.js would count them all the same.
  const interactions = new REST({ ...rest, globalRequestsPerSecond: 10_000 });

  client.on(Events.Error, (error) => log.error({ error }, 'Discord client error'));
  client.on(Events.ShardError, (error) => log.warn({ error }, 'Gateway error'));
  client.on(Events.Warn, (warning) => log.warn({ warning }, 'Discord client warning'));
  client.on(Events.ShardDisconnect, ({ code }) => log.error({ code }, 'Gateway closed for good'));
  const onReconnecting = () => log.info('Gateway reconnects');
  client.on(Events.ShardReconnecting, onReconnecting);
  client.on(Events.ShardResume, (_shard, replayed) => log.info({ replayed }, 'Gateway resumed'));
  client.on(Events.Invalidated, () => log.error('Gateway session invalidated'));

  return {
    interactions,
    bot: client.rest,
    dispatcher,
    async connect(onInteraction) {
      // Typed by the event's name, and untouched by discord.js's classes and its waiting for caches. Nobody catches what
      // is thrown here: it would end the process.
      client.ws.on(GatewayDispatchEvents.InteractionCreate, (interaction) => {
        Promise.try(onInteraction, interaction).catch((error: unknown) =>
          log.error({ error }, 'Interaction not handled'),
        );
      });
      const ready = Promise.withResolvers<{ id: string; name: string }>();
      client.once(Events.ClientReady, ({ user, application }) => ready.resolve({ id: application.id, name: user.tag }));
      const impatience = setTimeout(
        () => ready.reject(new ConnectError("Discord's gateway let the bot in and then fell silent. Try again.")),
        READY_MS,
      );
      try {
        await client.login(token);
        return await ready.promise;
      } catch (cause) {
        await client.destroy();
        if (cause instanceof ConnectError) throw cause;
        const why = cause instanceof Error ? cause.message : '';
        const unknown = cause instanceof Error && 'code' in cause && cause.code === DiscordjsErrorCodes.TokenInvalid;
        throw new ConnectError(
          unknown
            ? 'Discord does not know this DISCORD_TOKEN. Copy it anew: Developer Portal, your application, Bot, Reset Token.'
            : `Discord cannot be reached: ${why}`,
          { cause },
        );
      } finally {
        clearTimeout(impatience);
      }
    },
    isConnected: () => client.ws.status === Status.Ready,
    async close() {
      client.off(Events.ShardReconnecting, onReconnecting);
      await client.destroy();
      interactions.clearHashSweeper();
      interactions.clearHandlerSweeper();
      await dispatcher.close();
    },
  };
}
