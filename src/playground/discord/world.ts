import {
  ChannelType,
  GuildMemberFlags,
  PermissionFlagsBits,
  type APIGuildMember,
  type APIUser,
} from 'discord-api-types/v10';
import type { PlaygroundChannel, PremiumTier } from '../api.ts';
import { guildObject } from './guild-object.ts';

/** The people and places of the playground. Messages and interactions are kept elsewhere. */
export interface Person {
  user: APIUser;
  about: string;
  /** bytes: what this person's own subscription allows */
  fileLimit: number;
  closedDms: boolean;
  moderator: boolean;
  /** whether they are in the bot's own guild */
  mutual: boolean;
  dm: Place;
}

export interface Place {
  id: string;
  name: string;
  kind: PlaygroundChannel['kind'];
  about: string;
  guild: Guild | undefined;
  /** people of a direct message; in a guild everybody of the guild */
  people: Person[] | undefined;
  /** the bot can use its own token here */
  botIsMember: boolean;
  botPermissions: bigint;
}

export interface Guild {
  id: string;
  name: string;
  botIsMember: boolean;
  premiumTier: PremiumTier;
  /** bytes: what the guild's boosts allow everybody */
  fileLimit: number;
  moderatorRole: string;
}

export interface World {
  bot: APIUser;
  /** bytes: the limit where nobody pays for more */
  fileLimit: number;
  guilds: Guild[];
  people(): Person[];
  places(): Place[];
  /** by id or name; a new name that looks like one makes a new member */
  person(idOrName: string): Person | undefined;
  place(idOrName: string, viewer?: Person): Place | undefined;
  sees(person: Person, place: Place): boolean;
  /** whether this person and the bot share a guild */
  isMutual(person: Person): boolean;
  permissions(person: Person, place: Place): bigint;
  member(person: Person, guild: Guild): APIGuildMember & { user: APIUser };
  channel(place: Place): object;
  guild(guild: Guild): object;
  /** the guild as the gateway tells of it */
  guildCreate(guild: Guild): object;
  /** false where it was deleted */
  exists(place: Place): boolean;
  /** for channels of a guild only: nothing else can be deleted */
  deletePlace(place: Place): void;
  /** In a guild that the bot has left it is as if people had installed it for themselves. */
  setMembership(guild: Guild, botIsMember: boolean): void;
  setTier(guild: Guild, tier: PremiumTier): void;
}

const {
  AddReactions,
  AttachFiles,
  EmbedLinks,
  ManageMessages,
  MentionEveryone,
  ReadMessageHistory,
  SendMessages,
  SendMessagesInThreads,
  UseApplicationCommands,
  UseExternalApps,
  UseExternalEmojis,
  ViewChannel,
} = PermissionFlagsBits;
const EVERYONE =
  ViewChannel |
  SendMessages |
  SendMessagesInThreads |
  EmbedLinks |
  AttachFiles |
  ReadMessageHistory |
  AddReactions |
  UseExternalEmojis |
  UseApplicationCommands |
  UseExternalApps;
// What Discord tells of a place where the app has no permissions of its own (interaction object, app_permissions).
const USER_INSTALLED = AttachFiles | EmbedLinks | MentionEveryone;
const NAME = /^[a-z][a-z0-9-]{0,31}$/u;
const MIB = 1024 * 1024;
// Tiers 2 and 3 as Discord's help pages have them; the API's documentation names no numbers.
const TIER_LIMITS = { 0: 0, 1: 0, 2: 50 * MIB, 3: 100 * MIB };

export function createWorld({
  newId,
  fileLimit,
  guildFileLimit,
  users,
}: {
  newId: () => string;
  /** bytes: for people without a subscription, in guilds without boosts */
  fileLimit: number;
  /** bytes: in the bot's own guild */
  guildFileLimit: number;
  /** how many members beside the named ones, `user1` and so on */
  users: number;
}): World {
  const bot = user('Troupe', 'Troupe', newId(), true);
  const home = newGuild('Troupe playground', guildFileLimit, true);
  const away = newGuild('Somebody else’s server', fileLimit, false);
  const people: Person[] = [];

  function newGuild(name: string, fileLimit: number, botIsMember: boolean): Guild {
    return { id: newId(), name, botIsMember, premiumTier: 0, fileLimit, moderatorRole: newId() };
  }

  function text(name: string, about: string, guild: Guild, botPermissions: bigint): Place {
    const { botIsMember } = guild;
    return { id: newId(), name, kind: 'guild-text', about, guild, people: undefined, botIsMember, botPermissions };
  }

  /** what the bot may in a guild's channel when it is the other of member and not */
  const outside = new Map<Place, bigint>();
  let rooms = [
    text('characters', 'The bot may do everything here', home, EVERYONE),
    text(
      'no-files',
      'The bot’s own messages may not have files here, answers to commands may',
      home,
      EVERYONE & ~AttachFiles,
    ),
    text('read-only', 'The bot may not write here, only answer commands', home, EVERYONE & ~SendMessages),
    text('elsewhere', 'The bot is not in this server: people have installed it for themselves', away, USER_INSTALLED),
  ];

  function add(name: string, about: string, details: Partial<Person> = {}): Person {
    const own = user(name, name.charAt(0).toUpperCase() + name.slice(1), newId(), false);
    const dm: Place = {
      id: newId(),
      name: `${name} and Troupe`,
      kind: 'dm',
      about: 'Direct messages with the bot',
      guild: undefined,
      people: [],
      botIsMember: true,
      botPermissions: EVERYONE | USER_INSTALLED,
    };
    const person = { user: own, about, fileLimit, closedDms: false, moderator: false, mutual: true, dm, ...details };
    dm.people = [person];
    people.push(person);
    return person;
  }

  const ana = add('ana', 'A member');
  const bo = add('bo', 'A member');
  add('mod', 'Moderator: may manage messages', { moderator: true });
  add('nitro', 'Nitro: files up to 500 MiB', { fileLimit: Math.max(500 * MIB, fileLimit) });
  add('closed', 'Takes no direct messages', { closedDms: true });
  add('stranger', 'Not in the bot’s server: has installed the bot for themselves', { mutual: false });
  for (let number = 1; number <= users; number += 1) add(`user${number}`, 'A member');

  const group: Place = {
    id: newId(),
    name: 'ana, bo',
    kind: 'group-dm',
    about: 'A group of friends who have installed the bot for themselves',
    guild: undefined,
    people: [ana, bo],
    botIsMember: false,
    botPermissions: USER_INSTALLED,
  };

  function findPerson(idOrName: string): Person | undefined {
    const found = people.find(({ user }) => user.id === idOrName || user.username === idOrName);
    if (found) return found;
    return NAME.test(idOrName) && idOrName !== bot.username ? add(idOrName, 'A member') : undefined;
  }

  function places(): Place[] {
    return [...rooms, group, ...people.map(({ dm }) => dm)];
  }

  function sees(person: Person, place: Place): boolean {
    if (place.people) return place.people.includes(person);
    return exists(place) && (person.mutual || place.guild !== home);
  }

  function exists(place: Place): boolean {
    return !place.guild || rooms.includes(place);
  }

  function deletePlace(place: Place) {
    rooms = rooms.filter((room) => room !== place);
  }

  function setMembership(guild: Guild, botIsMember: boolean) {
    if (guild.botIsMember === botIsMember) return;
    guild.botIsMember = botIsMember;
    for (const room of rooms) {
      if (room.guild !== guild) continue;
      const before = outside.get(room);
      outside.set(room, room.botPermissions);
      room.botIsMember = botIsMember;
      room.botPermissions = before ?? (botIsMember ? EVERYONE : USER_INSTALLED);
    }
  }

  function setTier(guild: Guild, tier: PremiumTier) {
    guild.premiumTier = tier;
    guild.fileLimit = Math.max(fileLimit, TIER_LIMITS[tier]);
  }

  /** `dm` is everybody's own direct message. */
  function findPlace(idOrName: string, viewer?: Person): Place | undefined {
    if (viewer && idOrName === 'dm') return viewer.dm;
    return places().find((place) => place.id === idOrName || place.name === idOrName);
  }

  function permissions(person: Person, place: Place): bigint {
    return person.moderator && place.guild ? EVERYONE | ManageMessages : EVERYONE;
  }

  function member(person: Person, guild: Guild) {
    return {
      user: person.user,
      nick: null,
      avatar: null,
      banner: null,
      roles: person.moderator ? [guild.moderatorRole] : [],
      joined_at: '2026-01-01T00:00:00.000000+00:00',
      premium_since: null,
      deaf: false,
      mute: false,
      pending: false,
      flags: GuildMemberFlags.CompletedOnboarding,
      communication_disabled_until: null,
    };
  }

  function describe({ id, name, premiumTier, moderatorRole }: Guild) {
    const moderators = { role: moderatorRole, permissions: EVERYONE | ManageMessages };
    return guildObject({ id, name, owner: ana.user.id, premiumTier, everyone: EVERYONE, moderators });
  }

  return {
    bot,
    fileLimit,
    guilds: [home, away],
    people: () => people,
    places,
    person: findPerson,
    place: findPlace,
    sees,
    isMutual: (person) => person.mutual && home.botIsMember,
    permissions,
    member,
    exists,
    deletePlace,
    setMembership,
    setTier,
    channel: channelOf,
    guild: describe,
    guildCreate: (guild) => ({
      ...describe(guild),
      joined_at: '2026-01-01T00:00:00.000000+00:00',
      large: false,
      unavailable: false,
      member_count: people.length + 1,
      members: [{ ...member(ana, guild), user: bot, roles: [] }],
      channels: rooms.filter((place) => place.guild === guild).map(channelOf),
      threads: [],
      presences: [],
      voice_states: [],
      stage_instances: [],
      guild_scheduled_events: [],
      soundboard_sounds: [],
    }),
  };
}

function user(username: string, displayName: string, id: string, bot: boolean): APIUser {
  const plain = { id, username, discriminator: '0', global_name: bot ? null : displayName, avatar: null };
  return { ...plain, avatar_decoration_data: null, ...(bot ? { bot: true } : {}) };
}

function channelOf(place: Place) {
  const { id, name } = place;
  if (place.guild) {
    return {
      id,
      type: ChannelType.GuildText,
      name,
      guild_id: place.guild.id,
      position: 0,
      permission_overwrites: [],
      nsfw: false,
      parent_id: null,
      topic: place.about,
      last_message_id: null,
      rate_limit_per_user: 0,
      flags: 0,
    };
  }
  const recipients = (place.people ?? []).map((person) => person.user);
  if (place.kind === 'dm') {
    return { id, type: ChannelType.DM, name: null, recipients, last_message_id: null, flags: 0 };
  }
  const [owner] = recipients;
  return {
    id,
    type: ChannelType.GroupDM,
    name,
    recipients,
    icon: null,
    last_message_id: null,
    flags: 0,
    ...(owner ? { owner_id: owner.id } : {}),
  };
}
