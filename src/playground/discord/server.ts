import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { GatewayIntentBits, PermissionFlagsBits } from 'discord-api-types/v10';
import type { PlaygroundFault, PlaygroundMessage, PlaygroundRequests } from '../api.ts';
import { createMovableClock, type MovableClock } from '../clock.ts';
import { createAttachments } from './attachments.ts';
import { cdnRoutes } from './cdn-routes.ts';
import { changeRoutes } from './change-routes.ts';
import { createChanges, type WorldChanges } from './changes.ts';
import { createEventFeed } from './event-feed.ts';
import { createFaults } from './faults.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { isOurs, readBody, sendReply } from './http.ts';
import { createInteractions, type Interaction } from './interactions.ts';
import { createMessageLog } from './message-log.ts';
import { createMessages, type Message, type MessageChange } from './messages.ts';
import { PersonError } from './person-error.ts';
import { personRoutes, type PersonRoute } from './person-routes.ts';
import { createRecorder } from './recorder.ts';
import { createRegistry } from './registry.ts';
import { createRequestCounts } from './request-counts.ts';
import { createRest } from './rest.ts';
import { applicationRoutes } from './rest-application.ts';
import { channelRoutes } from './rest-channels.ts';
import { interactionRoutes } from './rest-interactions.ts';
import { createRouter, routeName } from './router.ts';
import { createSnowflakes } from './snowflake.ts';
import { createWorld, type Place } from './world.ts';

export interface LocalDiscordOptions {
  /** 0, the default: any free port */
  port?: number;
  /** default 127.0.0.1: there is no login */
  host?: string;
  clock?: MovableClock;
  /** a file that gets one JSON line for every request of the bot */
  record?: string;
  /** answers what is neither `/api`, `/cdn` nor `/playground`; false: it has nothing there */
  page?: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
  /** bytes a file may have where nobody pays for more; default 20 MiB */
  fileLimit?: number;
  /** bytes a file may have in the bot's own guild, where boosts allow more */
  guildFileLimit?: number;
  /** bytes a whole request of the bot may have; default 25 MiB */
  requestLimit?: number;
  /** bytes of files, on disk, before the oldest are dropped; default 4 GiB */
  keptBytes?: number;
  /** how many further members there are from the start: `user1` and so on */
  users?: number;
}

export interface LocalDiscord extends WorldChanges {
  /** where people go: `http://127.0.0.1:1234` */
  url: string;
  /** what discord.js gets as `rest.api` */
  api: string;
  token: string;
  applicationId: string;
  /** the guild that the bot is a member of */
  guildId: string;
  clock: MovableClock;
  /** the bot's routes, as `METHOD /path/{place}` without `/api/v10`: what a fault can name */
  botRoutes: readonly string[];
  /** every other route */
  otherRoutes: readonly string[];
  gateway: Pick<Gateway, 'reconnect' | 'invalidate' | 'drop' | 'repeat'>;
  setFault(fault: PlaygroundFault): void;
  /** every message that the bot ever made, oldest first; `channel` is an id */
  madeMessages(channel?: string): PlaygroundMessage[];
  /** what the bot has asked and was answered, summed up */
  requests(): PlaygroundRequests[];
  close(): Promise<void>;
}

const MIB = 1024 * 1024;
const DEFAULT_FILE_LIMIT = 20 * MIB;
const DEFAULT_REQUEST_LIMIT = 25 * MIB;
const DEFAULT_KEPT_BYTES = 4096 * MIB;
const GLOBAL_LIMIT = { limit: 50, windowMs: 1000 };
// A person may attach several files of their own limit; more than this is nobody's command.
const PERSON_REQUEST_LIMIT = 1024 * MIB;
const API = '/api/v10';

/** A local Discord: gateway, REST, CDN and the interface for people, on one port. */
export async function createLocalDiscord(options: LocalDiscordOptions = {}): Promise<LocalDiscord> {
  const { host = '127.0.0.1', port = 0, clock = createMovableClock(), fileLimit = DEFAULT_FILE_LIMIT } = options;
  let url = '';
  const newId = createSnowflakes(clock);
  const applicationId = newId();
  const token = `${Buffer.from(applicationId).toString('base64url')}.local.playground`;
  const messageLog = createMessageLog({ clock });
  const requestCounts = createRequestCounts();
  const recorder = createRecorder(options.record);
  const feed = createEventFeed(clock);
  const stateChanged = () => feed.send(() => ({ type: 'state-changed' }));
  const world = createWorld({
    newId,
    fileLimit,
    guildFileLimit: options.guildFileLimit ?? fileLimit,
    users: options.users ?? 0,
  });
  const attachments = createAttachments({
    clock,
    newId,
    baseUrl: () => url,
    mostBytes: options.keptBytes ?? DEFAULT_KEPT_BYTES,
  });
  const faults = createFaults(stateChanged);
  const registry = createRegistry({ applicationId, newId, changed: stateChanged });
  const messages = createMessages({ clock, newId, attachments, world, changed: messageChanged });
  const gateway = createGateway({
    clock,
    token,
    applicationId,
    bot: world.bot,
    guilds: () =>
      world.guilds
        .filter(({ botIsMember }) => botIsMember)
        .map((guild) => ({ id: guild.id, create: world.guildCreate(guild) })),
    url: () => url.replace(/^http/u, 'ws'),
    changed: stateChanged,
  });
  const interactions = createInteractions({
    clock,
    newId,
    world,
    messages,
    applicationId,
    dispatch: (interaction) => gateway.dispatch('INTERACTION_CREATE', interaction),
    changed: interactionChanged,
  });
  const changes = createChanges({
    world,
    messages,
    dispatch: gateway.dispatch,
    swept: (gone) => {
      for (const message of gone) messageLog.note('message-deleted', message);
    },
    changed: stateChanged,
  });
  const botRoutes = [
    ...applicationRoutes({
      applicationId,
      bot: world.bot,
      registry,
      world,
      gatewayUrl: () => url.replace(/^http/u, 'ws'),
    }),
    ...interactionRoutes({ applicationId, world, interactions, messages }),
    ...channelRoutes({ clock, world, messages }),
  ];
  const rest = createRest({
    clock,
    routes: botRoutes,
    token,
    faults,
    recorder,
    requestCounts,
    requestLimit: options.requestLimit ?? DEFAULT_REQUEST_LIMIT,
    globalLimit: GLOBAL_LIMIT,
  });
  const others: PersonRoute[] = [
    ...personRoutes({
      clock,
      world,
      registry,
      messages,
      messageLog,
      requestCounts,
      interactions,
      attachments,
      faults,
      feed,
      applicationId,
      online: gateway.online,
      botRoutes: () => botRoutes.map(routeName),
      changed: stateChanged,
    }),
    ...changeRoutes(changes),
    ...cdnRoutes(attachments),
  ];
  const otherRouter = createRouter(others);

  function messageChanged(change: MessageChange, message: Message) {
    messageLog.note(change, message);
    const { place, onlyFor, nonce } = message;
    const seenBy = (viewer: Parameters<typeof world.sees>[0]) =>
      world.sees(viewer, place) && (!onlyFor || onlyFor === viewer);
    const channel = place.id;
    feed.send(
      () =>
        change === 'message-deleted'
          ? { type: change, channel, message: message.id }
          : { type: change, channel, message: messages.render(message) },
      seenBy,
    );
    if (onlyFor || !place.botIsMember || !mayView(place)) return;
    const intent = place.guild ? GatewayIntentBits.GuildMessages : GatewayIntentBits.DirectMessages;
    const guild = place.guild ? { guild_id: place.guild.id } : {};
    if (change === 'message-deleted') {
      gateway.dispatch('MESSAGE_DELETE', { id: message.id, channel_id: channel, ...guild }, intent);
    } else {
      const type = change === 'message-created' ? 'MESSAGE_CREATE' : 'MESSAGE_UPDATE';
      const told = change === 'message-created' && nonce !== undefined ? { nonce } : {};
      gateway.dispatch(type, { ...messages.render(message), ...told, ...guild }, intent);
    }
  }

  function interactionChanged(interaction: Interaction) {
    feed.send(
      () => ({ type: 'interaction-changed', interaction: interactions.describe(interaction) }),
      (viewer) => viewer === interaction.person,
    );
  }

  async function other(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams) {
    const match = otherRouter.match(request.method ?? 'GET', path);
    if (!match) {
      request.resume();
      return sendReply(response, {
        status: 404,
        json: { error: `The playground has no ${request.method} ${path.slice(0, 300)}.` },
      });
    }
    const body = await readBody(request, PERSON_REQUEST_LIMIT);
    const reply = await match.route.handle({
      param: (name) => match.params[name] ?? '',
      query,
      body: whole(body),
      response,
    });
    if (reply) sendReply(response, reply);
    return undefined;
  }

  async function serve(request: IncomingMessage, response: ServerResponse) {
    if (!isOurs(request, host)) {
      request.resume();
      return sendReply(response, { status: 403, json: { error: 'The playground answers its own page only.' } });
    }
    const target = URL.parse(request.url ?? '/', 'http://playground');
    if (!target) return sendReply(response, { status: 400, json: { error: 'This is no address.' } });
    const { pathname, searchParams } = target;
    if (pathname.startsWith('/api/')) {
      const path = pathname.startsWith(`${API}/`) ? pathname.slice(API.length) : pathname;
      return rest.handle(request, response, path, searchParams);
    }
    if (/^\/(?:playground|cdn)\//u.test(pathname)) return other(request, response, pathname, searchParams);
    if (await options.page?.(request, response)) return undefined;
    request.resume();
    return sendReply(response, { status: 404, json: { error: 'There is nothing here.' } });
  }

  function onRequest(request: IncomingMessage, response: ServerResponse) {
    // A client that leaves in the middle is normal.
    response.on('error', () => {});
    serve(request, response).catch((error: unknown) => {
      if (error instanceof PersonError) sendReply(response, { status: error.status, json: { error: error.message } });
      else sendReply(response, { status: 500, json: { error: `The playground failed: ${String(error)}` } });
    });
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer) {
    socket.on('error', () => socket.destroy());
    if (isOurs(request, host)) gateway.upgrade(request, socket, head);
    else socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
  }

  const server = createServer(onRequest);
  server.on('upgrade', onUpgrade);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const at = typeof address === 'object' && address ? address.port : port;
  const shown = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
  url = `http://${shown.includes(':') ? `[${shown}]` : shown}:${at}`;

  let closing: Promise<void> | undefined;

  async function close() {
    gateway.close();
    interactions.close();
    feed.close();
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeAllConnections();
    await closed;
    attachments.close();
    recorder.close();
  }

  return {
    ...changes,
    url,
    api: `${url}/api`,
    token,
    applicationId,
    guildId: world.guilds[0]?.id ?? '',
    clock,
    botRoutes: botRoutes.map(routeName),
    otherRoutes: others.map(routeName),
    gateway,
    setFault: faults.set,
    madeMessages: messageLog.list,
    requests: requestCounts.list,
    close: () => (closing ??= close()),
  };
}

function mayView({ botPermissions }: Place): boolean {
  return (botPermissions & PermissionFlagsBits.ViewChannel) !== 0n;
}

function whole(body: Awaited<ReturnType<typeof readBody>>) {
  if (body.tooLarge) throw new PersonError('That is more than the playground takes.', 413);
  if (body.broken !== undefined) throw new PersonError(body.broken, 400);
  return body;
}
