import { PermissionFlagsBits } from 'discord-api-types/v10';
import {
  CreatePrivateChannelRequestSchema,
  MessageCreateRequestSchema,
  MessageEditRequestPartialSchema,
} from 'discord-api-spec/zod';
import type { Clock } from '../../clock.ts';
import {
  closedDms,
  invalidForm,
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
import type { BotRoute, Call } from './rest.ts';
import { ok } from './rest-application.ts';
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

const { AttachFiles, ReadMessageHistory, SendMessages, ViewChannel } = PermissionFlagsBits;

export interface ChannelDependencies {
  clock: Clock;
  world: World;
  messages: Messages;
}

/** Channels, guilds and messages by the bot's own token. */
export function channelRoutes({ clock, world, messages }: ChannelDependencies): BotRoute[] {
  const nonces = new Map<string, { at: number; message: Promise<Message> }>();

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
    if (recipient && !world.isMutual(recipient)) throw noMutualGuild();
    const body = check(Create, call.json);
    if (body.message_reference && !mayReadHistory(where)) throw missingPermissions();
    const key = body.enforce_nonce && body.nonce !== undefined ? `${where.id} ${body.nonce}` : undefined;
    const known = key === undefined ? undefined : nonces.get(key);
    if (known && known.at + NONCE_MS > clock.now()) return ok(created(await known.message));
    const fileLimit = where.guild?.fileLimit ?? world.fileLimit;
    const message = messages.create({ place: where, author: world.bot, body, uploads: call.uploads, fileLimit });
    if (key !== undefined) remember(key, message);
    return ok(created(await message));
  }

  /** From the moment that it is asked for, so that a second request during a long upload makes no second message. */
  function remember(key: string, message: Promise<Message>) {
    for (const [old, { at }] of nonces) {
      if (at + NONCE_MS > clock.now()) break;
      nonces.delete(old);
    }
    nonces.set(key, { at: clock.now(), message });
    message.catch(() => {
      if (nonces.get(key)?.message === message) nonces.delete(key);
    });
  }

  function created(message: Message) {
    return { ...messages.render(message), ...(message.nonce === undefined ? {} : { nonce: message.nonce }) };
  }

  function list(call: Call): Reply {
    const { limit, turn } = page(call.query);
    const where = place(call);
    // Without it there are "no messages" (get channel messages), and no error.
    if (!mayReadHistory(where)) return ok([]);
    const newestFirst = messages.list(where).toReversed();
    if (turn === undefined) return ok(newestFirst.slice(0, limit).map(messages.render));
    const newer = newestFirst.filter(({ id }) => BigInt(id) > turn.id);
    const older = newestFirst.filter(({ id }) => BigInt(id) < turn.id);
    const same = newestFirst.filter(({ id }) => BigInt(id) === turn.id);
    const half = Math.floor(limit / 2);
    const chosen = {
      before: older.slice(0, limit),
      after: newer.slice(-limit),
      around: [...(half > 0 ? newer.slice(-half) : []), ...same, ...older.slice(0, half)].slice(0, limit),
    };
    return ok(chosen[turn.key].map(messages.render));
  }

  function read(call: Call): Reply {
    const where = place(call);
    if (!mayReadHistory(where)) throw missingPermissions();
    return ok(messages.render(find(call, where)));
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
    { ...inChannel, limit: READ, method: 'GET', path: one, handle: read },
    { ...inChannel, limit: WRITE, method: 'PATCH', path: one, handle: edit },
    { ...inChannel, limit: WRITE, method: 'DELETE', path: one, handle: remove },
    { auth: 'bot', limit: WRITE, method: 'POST', path: '/users/@me/channels', handle: openDm },
    { auth: 'bot', major: ['guild'], limit: READ, method: 'GET', path: '/guilds/{guild}', handle: guild },
  ];
}

function mayReadHistory({ botPermissions }: Place): boolean {
  return (botPermissions & ReadMessageHistory) !== 0n;
}

interface Page {
  limit: number;
  turn: { key: 'before' | 'after' | 'around'; id: bigint } | undefined;
}

/** Which messages are asked for; `before`, `after` and `around` exclude each other. */
function page(query: URLSearchParams): Page {
  const limit = Number(query.get('limit') ?? 50);
  if (!Number.isInteger(limit)) {
    throw invalidForm({ path: ['limit'], code: 'NUMBER_TYPE_COERCE', message: 'Value is not int.' });
  }
  if (limit < 1 || limit > 100) {
    const message = 'int value should be between 1 and 100.';
    throw invalidForm({ path: ['limit'], code: limit < 1 ? 'NUMBER_TYPE_MIN' : 'NUMBER_TYPE_MAX', message });
  }
  const given = (['before', 'after', 'around'] as const).flatMap((key) => {
    const id = query.get(key);
    return id === null ? [] : [{ key, id }];
  });
  const wrong = given.find(({ id }, index) => index > 0 || !/^\d{1,20}$/u.test(id));
  if (wrong) {
    const message = `Value "${wrong.id.slice(0, 50)}" is not snowflake, or not the only one of its kind.`;
    throw invalidForm({ path: [wrong.key], code: 'NUMBER_TYPE_COERCE', message });
  }
  const [turn] = given;
  return { limit, turn: turn && { key: turn.key, id: BigInt(turn.id) } };
}
