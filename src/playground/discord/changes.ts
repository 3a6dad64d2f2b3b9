import { GatewayIntentBits, PermissionFlagsBits } from 'discord-api-types/v10';
import type { BotPermission, ChannelChange, PlaygroundChannel, PremiumTier } from '../api.ts';
import type { Gateway } from './gateway.ts';
import type { Message, Messages } from './messages.ts';
import { PersonError } from './person-error.ts';
import type { Guild, Person, Place, World } from './world.ts';

/**
 * What people can do to a bot while it works. Places, people and guilds go by id or name. Throws PersonError where there
 * is no such thing (404) or Discord has no such change (422).
 */
export interface WorldChanges {
  /** a channel of a guild, with all that is in it */
  deleteChannel(channel: string): void;
  /** Gives (true) and takes (false) what is named, in a channel of a guild that the bot is a member of. */
  setBotPermissions(channel: string, permissions: ChannelChange['botPermissions']): void;
  /** whether direct messages of the bot are refused with 50007 */
  setClosedDms(user: string, closed: boolean): void;
  /** as a moderator does it; not for ephemeral ones, which only their reader has */
  deleteMessage(message: string): void;
  setBotMembership(guild: string, isMember: boolean): void;
  setPremiumTier(guild: string, tier: PremiumTier): void;
}

const PERMISSIONS: readonly BotPermission[] = ['ViewChannel', 'SendMessages', 'AttachFiles', 'ReadMessageHistory'];

export interface ChangeDependencies {
  world: World;
  messages: Messages;
  dispatch: Gateway['dispatch'];
  /** all that was in a deleted channel */
  swept: (messages: readonly Message[]) => void;
  changed: () => void;
}

export function createChanges({ world, messages, dispatch, swept, changed }: ChangeDependencies): WorldChanges {
  function guildPlace(name: string): { place: Place; guild: Guild } {
    const place = world.place(name);
    if (!place) throw new PersonError(`There is no channel ${name}.`, 404);
    if (!place.guild) throw new PersonError(`${place.name} is no channel of a guild.`);
    return { place, guild: place.guild };
  }

  function guildOf(name: string): Guild {
    const guild = world.guilds.find((each) => each.id === name || each.name === name);
    if (!guild) throw new PersonError(`There is no guild ${name}.`, 404);
    return guild;
  }

  function personOf(name: string): Person {
    const person = world.person(name);
    if (!person) throw new PersonError(`There is nobody named ${name}.`, 404);
    return person;
  }

  return {
    deleteChannel(name) {
      const { place, guild } = guildPlace(name);
      const channel = world.channel(place);
      world.deletePlace(place);
      // The messages go without events of their own.
      swept(messages.removeAll(place));
      if (guild.botIsMember) dispatch('CHANNEL_DELETE', channel, GatewayIntentBits.Guilds);
      changed();
    },
    setBotPermissions(name, permissions) {
      const { place } = guildPlace(name);
      if (!place.botIsMember) throw new PersonError(`The bot is no member where ${place.name} is.`);
      for (const permission of PERMISSIONS) {
        const given = permissions[permission];
        const bit = PermissionFlagsBits[permission];
        if (given === true) place.botPermissions |= bit;
        if (given === false) place.botPermissions &= ~bit;
      }
      changed();
    },
    setClosedDms(name, closed) {
      personOf(name).closedDms = closed;
      changed();
    },
    deleteMessage(id) {
      const message = world.places().flatMap((place) => messages.find(place, id) ?? [])[0];
      if (!message) throw new PersonError(`There is no message ${id}.`, 404);
      if (message.onlyFor) throw new PersonError('Nobody can delete a message that only its reader sees.');
      messages.remove(message);
    },
    setBotMembership(name, isMember) {
      const guild = guildOf(name);
      if (guild.botIsMember === isMember) return;
      world.setMembership(guild, isMember);
      if (isMember) dispatch('GUILD_CREATE', world.guildCreate(guild), GatewayIntentBits.Guilds);
      else dispatch('GUILD_DELETE', { id: guild.id }, GatewayIntentBits.Guilds);
      changed();
    },
    setPremiumTier(name, tier) {
      const guild = guildOf(name);
      world.setTier(guild, tier);
      if (guild.botIsMember) dispatch('GUILD_UPDATE', world.guild(guild), GatewayIntentBits.Guilds);
      changed();
    },
  };
}

/** What the bot may do in a place with its own token, in the words of the JSON interface. */
export function permissionsOf({ botPermissions }: Place): PlaygroundChannel['botPermissions'] {
  const has = (permission: BotPermission) => (botPermissions & PermissionFlagsBits[permission]) !== 0n;
  return {
    ViewChannel: has('ViewChannel'),
    SendMessages: has('SendMessages'),
    AttachFiles: has('AttachFiles'),
    ReadMessageHistory: has('ReadMessageHistory'),
  };
}
