import {
  ApplicationIntegrationType,
  ChannelType,
  ComponentType,
  MessageFlags,
  PermissionFlagsBits,
  type APIChatInputApplicationCommandInteraction,
  type APIInteraction,
  type APIMessageComponentInteraction,
  type APIModalSubmission,
  type APIModalSubmitInteraction,
} from 'discord-api-types/v10';
import type { Visitor } from '../recipes/access.ts';
import type { Call } from './port.ts';
import type { Typed } from './reply-note.ts';

/** What an interaction says about who did it, where, and how it can be answered. */

/** A command, a component or a modal: what is answered with messages. */
export type Asked =
  | APIChatInputApplicationCommandInteraction
  | APIMessageComponentInteraction
  | APIModalSubmitInteraction;

export function callOf({ id, application_id, token }: APIInteraction): Call {
  return { id, application: application_id, token };
}

/** Discord puts the user into `member` in a server, and beside it everywhere else. */
export function userOf(interaction: APIInteraction): string {
  return interaction.member?.user.id ?? interaction.user?.id ?? '';
}

export function visitorOf(interaction: APIInteraction): Visitor {
  const { guild_id: server, member } = interaction;
  return {
    user: userOf(interaction),
    ...(server !== undefined && { server }),
    roles: member?.roles ?? [],
    permissions: BigInt(member?.permissions ?? 0),
  };
}

/**
 * Whether it comes from a channel that Discord says is for everybody. A thread has its channel's restriction and does
 * not tell of it.
 */
export function isForAllAges({ guild_id: server, channel }: APIInteraction): boolean {
  if (server === undefined || channel === undefined || THREADS.has(channel.type)) return false;
  return 'nsfw' in channel && !(channel.nsfw ?? true);
}

const THREADS: ReadonlySet<ChannelType> = new Set([
  ChannelType.AnnouncementThread,
  ChannelType.PublicThread,
  ChannelType.PrivateThread,
]);

/** The texts of a modal: each stands in a label of its own. */
export function typedIn({ components }: APIModalSubmission): Typed {
  return components.flatMap((part): Typed => {
    if (part.type !== ComponentType.Label || part.component.type !== ComponentType.TextInput) return [];
    return [[part.component.custom_id, part.component.value]];
  });
}

export function mayModerate({ member }: APIMessageComponentInteraction): boolean {
  return member !== undefined && (BigInt(member.permissions) & PermissionFlagsBits.ManageMessages) !== 0n;
}

/** Whether only one person sees the message that the component is on. */
export function isPrivate({ message }: APIMessageComponentInteraction): boolean {
  return ((message.flags ?? 0) & MessageFlags.Ephemeral) !== 0;
}

/** Where an answer to it will be. */
export function placeOf(interaction: Asked) {
  return {
    call: callOf(interaction),
    user: userOf(interaction),
    channel: interaction.channel?.id ?? '',
    ...(interaction.guild_id !== undefined && { guild: interaction.guild_id }),
    // Otherwise the person has installed the bot for themselves, and it may answer but do nothing of its own.
    botIsMember: ApplicationIntegrationType.GuildInstall in interaction.authorizing_integration_owners,
    fileLimit: interaction.attachment_size_limit,
  };
}
