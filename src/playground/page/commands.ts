import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  type APIApplicationCommand,
  type APIApplicationCommandBasicOption,
  type APIApplicationCommandOption,
} from 'discord-api-types/v10';
import type { PlaygroundChannel } from '../api.ts';
import type { Chat } from './session.ts';

/** An option that takes a value; subcommands are commands of their own here. */
export type CommandOption = APIApplicationCommandBasicOption;

/** A slash command as the picker shows it: `/jobs list` is one, `/jobs cancel` another. */
export interface SlashCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CommandOption[];
}

const contexts: Readonly<Record<PlaygroundChannel['kind'], InteractionContextType>> = {
  'guild-text': InteractionContextType.Guild,
  dm: InteractionContextType.BotDM,
  'group-dm': InteractionContextType.PrivateChannel,
};

/** Those that Discord would offer in the channel that is shown. */
export function usableCommands({ server, channel }: Chat, type: ApplicationCommandType): APIApplicationCommand[] {
  return server.commands.filter((command) => {
    if (command.type !== type) return false;
    if (command.contexts?.includes(contexts[channel.kind]) === false) return false;
    if (channel.kind === 'dm') return true;
    const { integration_types: kinds = [ApplicationIntegrationType.GuildInstall], guild_id: guild } = command;
    if (channel.botIsMember) return kinds.includes(ApplicationIntegrationType.GuildInstall);
    return guild === undefined && kinds.includes(ApplicationIntegrationType.UserInstall);
  });
}

export function slashCommands(chat: Chat): SlashCommand[] {
  return usableCommands(chat, ApplicationCommandType.ChatInput)
    .flatMap(({ name, description, options }) => spread(name, description, options ?? []))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function spread(name: string, description: string, options: readonly APIApplicationCommandOption[]): SlashCommand[] {
  const values: CommandOption[] = [];
  const below: SlashCommand[] = [];
  for (const option of options) {
    if (
      option.type === ApplicationCommandOptionType.Subcommand ||
      option.type === ApplicationCommandOptionType.SubcommandGroup
    ) {
      below.push(...spread(`${name} ${option.name}`, option.description, option.options ?? []));
    } else {
      values.push(option);
    }
  }
  return below.length > 0 ? below : [{ name, description, options: values }];
}

/** The commands that a newcomer is led to, the best one first: those that make something of a file. */
export function firstCommands(chat: Chat): SlashCommand[] {
  const commands = slashCommands(chat);
  const fitting = fileCommands(commands);
  return fitting.length > 0 ? fitting.slice(0, MOST_FIRST) : commands.slice(0, 1);
}

const MOST_FIRST = 3;

/** Those that take files; `character` before all others. */
export function fileCommands(commands: readonly SlashCommand[]): SlashCommand[] {
  const taking = commands.filter(({ options }) =>
    options.some(({ type }) => type === ApplicationCommandOptionType.Attachment),
  );
  const isBest = ({ name }: SlashCommand) => name === 'character';
  return [...taking.filter(isBest), ...taking.filter((command) => !isBest(command))];
}
