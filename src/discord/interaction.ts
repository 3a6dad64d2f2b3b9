import {
  ApplicationIntegrationType,
  MessageFlags,
  PermissionFlagsBits,
  type APIChatInputApplicationCommandInteraction,
  type APIInteraction,
  type APIMessageComponentInteraction,
} from 'discord-api-types/v10';
import type { Call } from './port.ts';

/** What an interaction says about who did it, where, and how it can be answered. */

/** A command or a component: what is answered with messages. */
export type Asked = APIChatInputApplicationCommandInteraction | APIMessageComponentInteraction;

export function callOf({ id, application_id, token }: APIInteraction): Call {
  return { id, application: application_id, token };
}

/** Discord puts the user into `member` in a server, and beside it everywhere else. */
export function userOf(interaction: APIInteraction): string {
  return interaction.member?.user.id ?? interaction.user?.id ?? '';
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
    channel: interaction.channel.id,
    ...(interaction.guild_id !== undefined && { guild: interaction.guild_id }),
    // Otherwise the person has installed the bot for themselves, and it may answer but do nothing of its own.
    botIsMember: ApplicationIntegrationType.GuildInstall in interaction.authorizing_integration_owners,
    fileLimit: interaction.attachment_size_limit,
  };
}
