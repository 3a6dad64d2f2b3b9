import { PermissionFlagsBits } from 'discord-api-types/v10';
import {
  CreatePrivateChannelRequestSchema,
  MessageCreateRequestSchema,
  MessageEditRequestPartialSchema,
} from 'discord-api-spec/zod';
import type { Clock } from '../../clock.ts';
import {
  closedDms,
  missingAccess,
  missingPermissions,
  noMutualGuild,
  notTheAuthor,
  unknownChannel,
  unknownGuild,
  unknownMessage,
  unknownUser,
} from './discord-error.ts';
import type { Reply } from './http.ts';
import type { Message, Messages } from './messages.ts';
import { ok } from './rest-application.ts';
import type { BotRoute, Call } from './rest.ts';
import { check, closed } from './schema.ts';
import type { Place, World } from './world.ts';

const Create = closed(MessageCreateRequestSchema);
const Edit = closed(MessageEditRequestPartialSchema);
const PrivateChannel = closed(CreatePrivateChannelRequestSchema);

// Discord does not publish these numbers; a client reads them from the headers.
const WRITE = { limit: 5, windowMs: 5000 };
const READ = { limit: 10, windowMs: 5000 };
// Nonces are remembered "for the past few minutes" (create message, enforce_nonce).
const NONCE_MS = 5 * 60_000;
const MOST_LISTED = 100;

const { AttachFiles, ReadMessageHistory, SendMessages, ViewChannel } = PermissionFlagsBits;

export interface ChannelDependencies {
  clock: Clock;
  world: World;
  messages: Messages;
}

/** Channels, guilds and messages by the bot's own token. */
export function channelRoutes({ clock, world, messages }: ChannelDependencies): BotRoute[] {
  const nonces = new Map<string, { at: number; message: Message }>();

  function place(call: Call, ...permissions: bigint[]): Place {
    const id = call.param('channel');
    const found = world.places().find((candidate) => candidate.id === id);
    if (!found) throw unknownChannel();
    if (!found.botIsMember || (found.botPermissions & ViewChannel) === 0n) throw missingAccess();
    for (const permission of permissions) if ((found.botPermissions & permission) === 0n) throw missingPermissions();
    return found;
  }

  /** What only its one reader sees is out of the reach of the bot's own token. */
  function find(call: Call, where: Place): Message {
    const message = messages.find(where, call.param('message'));
    if (!message || message.onlyFor) throw unknownMessage();
    return message;
  }

  async function create(call: Call): Promise<Reply> {
    const where = place(call, SendMessages, ...(call.uploads.length > 0 ? [AttachFiles] : []));
    const [recipient] = where.people ?? [];
    if (recipient?.closedDms) throw closedDms();
    if (recipient && !recipient.mutual) throw noMutualGuild();
    const body = check(Create, call.json);
    if (body.message_reference && (where.botPermissions & ReadMessageHistory) === 0n) throw missingPermissions();
    const key = body.enforce_nonce && body.nonce !== undefined ? `${where.id} ${body.nonce}` : undefined;
    const known = key === undefined ? undefined : nonces.get(key);
    if (known && known.at + NONCE_MS > clock.now()) return ok(messages.render(known.message));
    const fileLimit = where.guild?.fileLimit ?? world.fileLimit;
    const message = await messages.create({ place: where, author: world.bot, body, uploads: call.uploads, fileLimit });
    if (key !== undefined) remember(key, message);
    return ok(messages.render(message));
  }

  function remember(key: string, message: Message) {
    nonces.set(key, { at: clock.now(), message });
    for (const [old, { at }] of nonces) {
      if (at + NONCE_MS > clock.now()) break;
      nonces.delete(old);
    }
  }

  function list(call: Call): Reply {
    const where = place(call);
    if ((where.botPermissions & ReadMessageHistory) === 0n) return ok([]);
    const limit = Math.min(Math.max(Number(call.query.get('limit') ?? 50) || 50, 1), MOST_LISTED);
    const [before, after] = [call.query.get('before'), call.query.get('after')];
    const visible = messages
      .list(where)
      .filter(
        ({ id }) => (before === null || BigInt(id) < BigInt(before)) && (after === null || BigInt(id) > BigInt(after)),
      );
    const chosen = after === null ? visible.slice(-limit) : visible.slice(0, limit);
    return ok(chosen.toReversed().map(messages.render));
  }

  async function edit(call: Call): Promise<Reply> {
    const where = place(call, ...(call.uploads.length > 0 ? [AttachFiles] : []));
    const message = find(call, where);
    if (message.author.id !== world.bot.id) throw notTheAuthor();
    const fileLimit = where.guild?.fileLimit ?? world.fileLimit;
    await messages.edit(message, { body: check(Edit, call.json), uploads: call.uploads, fileLimit, writing: 'edit' });
    return ok(messages.render(message));
  }

  function remove(call: Call): Reply {
    const message = find(call, place(call));
    if (message.author.id !== world.bot.id) throw missingPermissions();
    messages.remove(message);
    return { status: 204 };
  }

  function openDm(call: Call): Reply {
    const { recipient_id } = check(PrivateChannel, call.json);
    const person = world.people().find(({ user }) => user.id === recipient_id);
    if (!person) throw unknownUser();
    return ok(world.channel(person.dm));
  }

  function guild(call: Call): Reply {
    const found = world.guilds.find(({ id }) => id === call.param('guild'));
    if (!found) throw unknownGuild();
    if (!found.botIsMember) throw missingAccess();
    return ok(world.guild(found));
  }

  const inChannel = { auth: 'bot', major: ['channel'] } as const;
  const all = '/channels/{channel}/messages';
  const one = '/channels/{channel}/messages/{message}';
  return [
    {
      ...inChannel,
      limit: READ,
      method: 'GET',
      path: '/channels/{channel}',
      handle: (call) => ok(world.channel(place(call))),
    },
    { ...inChannel, limit: WRITE, method: 'POST', path: all, handle: create },
    { ...inChannel, limit: READ, method: 'GET', path: all, handle: list },
    {
      ...inChannel,
      limit: READ,
      method: 'GET',
      path: one,
      handle: (call) => ok(messages.render(find(call, place(call)))),
    },
    { ...inChannel, limit: WRITE, method: 'PATCH', path: one, handle: edit },
    { ...inChannel, limit: WRITE, method: 'DELETE', path: one, handle: remove },
    { auth: 'bot', limit: WRITE, method: 'POST', path: '/users/@me/channels', handle: openDm },
    { auth: 'bot', major: ['guild'], limit: READ, method: 'GET', path: '/guilds/{guild}', handle: guild },
  ];
}
