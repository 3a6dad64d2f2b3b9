import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  type APIApplicationCommand,
  type APIApplicationCommandOption,
} from 'discord-api-types/v10';
import type { CommandBody } from 'discord-api-spec/zod';
import { DiscordError, invalidForm, unknownCommand, type Problem } from './discord-error.ts';

/** The application's commands, global ones and those of one guild, as the bot registered them. */
export interface Registry {
  /** `guild` absent: the global ones */
  list(guild?: string): APIApplicationCommand[];
  get(id: string, guild?: string): APIApplicationCommand;
  /** Makes a command, or overwrites the one of the same type and name, which keeps its id. */
  put(body: CommandBody, guild?: string): { command: APIApplicationCommand; isNew: boolean };
  patch(id: string, body: Partial<CommandBody>, guild?: string): APIApplicationCommand;
  remove(id: string, guild?: string): void;
  /** Replaces all of them. */
  replace(bodies: readonly CommandBody[], guild?: string): APIApplicationCommand[];
  /** what a client offers in this guild (or outside of guilds): a guild's own command hides the global one of its name */
  offered(guild?: string): APIApplicationCommand[];
}

// Application commands page of Discord's documentation.
const MOST_OF_TYPE: Record<number, number> = {
  [ApplicationCommandType.ChatInput]: 100,
  [ApplicationCommandType.User]: 15,
  [ApplicationCommandType.Message]: 15,
};
const MOST_OPTIONS = 25;
const MOST_CHARACTERS = 8000;
const NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;

type Path = readonly (string | number)[];
type Options = readonly APIApplicationCommandOption[];

export function createRegistry({
  applicationId,
  newId,
  changed,
}: {
  applicationId: string;
  newId: () => string;
  changed: () => void;
}): Registry {
  const scopes = new Map<string, APIApplicationCommand[]>();

  function list(guild = 'global'): APIApplicationCommand[] {
    return scopes.get(guild) ?? [];
  }

  function get(id: string, guild?: string): APIApplicationCommand {
    const command = list(guild).find((candidate) => candidate.id === id);
    if (!command) throw unknownCommand();
    return command;
  }

  function save(commands: APIApplicationCommand[], guild = 'global') {
    scopes.set(guild, commands);
    changed();
  }

  function make(body: CommandBody, guild: string | undefined, path: Path): APIApplicationCommand {
    const problems = commandProblems(body, path);
    if (problems.length > 0) throw invalidForm(...problems);
    const type = body.type ?? ApplicationCommandType.ChatInput;
    const before = list(guild).find((command) => command.name === body.name && command.type === type);
    const { options, contexts, integration_types, name_localizations, description_localizations } = body;
    return {
      id: before?.id ?? newId(),
      type,
      application_id: applicationId,
      ...(guild === undefined
        ? {
            integration_types: integration_types ?? [ApplicationIntegrationType.GuildInstall],
            contexts: contexts ?? null,
          }
        : { guild_id: guild }),
      version: newId(),
      name: body.name,
      name_localizations: name_localizations ?? null,
      description: body.description ?? '',
      description_localizations: description_localizations ?? null,
      ...(options ? { options } : {}),
      default_member_permissions: body.default_member_permissions ?? null,
      nsfw: body.nsfw ?? false,
    };
  }

  function put(body: CommandBody, guild?: string) {
    const command = make(body, guild, []);
    const others = list(guild).filter(({ id }) => id !== command.id);
    const isNew = others.length === list(guild).length;
    checkCounts([...others, command]);
    save([...others, command], guild);
    return { command, isNew };
  }

  function patch(id: string, body: Partial<CommandBody>, guild?: string): APIApplicationCommand {
    const before = get(id, guild);
    const merged = { ...before, ...body, type: before.type };
    const problems = commandProblems(merged, []);
    if (problems.length > 0) throw invalidForm(...problems);
    const command = { ...before, ...definedOf(body), version: newId() };
    save(
      list(guild).map((other) => (other.id === id ? command : other)),
      guild,
    );
    return command;
  }

  function remove(id: string, guild?: string) {
    get(id, guild);
    save(
      list(guild).filter((command) => command.id !== id),
      guild,
    );
  }

  function replace(bodies: readonly CommandBody[], guild?: string): APIApplicationCommand[] {
    const commands = bodies.map((body, index) => make(body, guild, [index]));
    const seen = new Set<string>();
    for (const [index, { name, type }] of commands.entries()) {
      const key = `${type} ${name}`;
      const problem = {
        code: 'APPLICATION_COMMANDS_DUPLICATE_NAME',
        message: 'Application command names must be unique',
      };
      if (seen.has(key)) throw invalidForm({ path: [index, 'name'], ...problem });
      seen.add(key);
    }
    checkCounts(commands);
    save(commands, guild);
    return commands;
  }

  function offered(guild?: string): APIApplicationCommand[] {
    const own = guild === undefined ? [] : list(guild);
    const hidden = new Set(own.map(({ type, name }) => `${type} ${name}`));
    return [...own, ...list().filter(({ type, name }) => !hidden.has(`${type} ${name}`))];
  }

  return { list, get, put, patch, remove, replace, offered };
}

function definedOf(body: Partial<CommandBody>): Partial<APIApplicationCommand> {
  return {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.description ? { description: body.description } : {}),
    ...(body.options ? { options: body.options } : {}),
    ...(body.contexts === undefined ? {} : { contexts: body.contexts }),
    ...(body.integration_types ? { integration_types: body.integration_types } : {}),
    ...(typeof body.nsfw === 'boolean' ? { nsfw: body.nsfw } : {}),
    ...(body.default_member_permissions === undefined
      ? {}
      : { default_member_permissions: body.default_member_permissions }),
  };
}

function checkCounts(commands: readonly APIApplicationCommand[]) {
  for (const [type, most] of Object.entries(MOST_OF_TYPE)) {
    if (commands.filter((command) => String(command.type) === type).length <= most) continue;
    throw new DiscordError(400, 30032, `Maximum number of application commands reached (${most})`);
  }
}

function commandProblems(command: CommandBody, path: Path): Problem[] {
  const { name } = command;
  const type = command.type ?? ApplicationCommandType.ChatInput;
  const description = command.description ?? '';
  const options = command.options ?? [];
  const problems: Problem[] = [];
  if (type === ApplicationCommandType.ChatInput) {
    problems.push(...nameProblems(name, [...path, 'name']));
    if (description === '') problems.push(required([...path, 'description']));
  } else {
    if (description !== '') {
      problems.push(invalid([...path, 'description'], 'Context menu commands cannot have description'));
    }
    if (options.length > 0) problems.push(invalid([...path, 'options'], 'Context menu commands cannot have options'));
  }
  if (type !== ApplicationCommandType.ChatInput && name.length > 32) {
    problems.push(invalid([...path, 'name'], 'Must be 32 or fewer in length.'));
  }
  problems.push(...optionsProblems(options, [...path, 'options']));
  if (characters({ name, description, options }) > MOST_CHARACTERS) {
    const message = 'Command exceeds maximum size (8000)';
    problems.push({ path, code: 'APPLICATION_COMMAND_TOO_LARGE', message });
  }
  const { contexts, integration_types, default_member_permissions: permissions = null } = command;
  if (permissions !== null && !/^\d{1,20}$/u.test(permissions)) {
    problems.push(invalid([...path, 'default_member_permissions'], 'Must be a string of digits.'));
  }
  if (
    contexts?.includes(InteractionContextType.PrivateChannel) &&
    !integration_types?.includes(ApplicationIntegrationType.UserInstall)
  ) {
    problems.push(invalid([...path, 'contexts'], 'PRIVATE_CHANNEL needs the integration type USER_INSTALL'));
  }
  return problems;
}

function optionsProblems(options: Options, path: Path): Problem[] {
  const problems: Problem[] = [];
  if (options.length > MOST_OPTIONS) problems.push(invalid(path, 'Must be 25 or fewer in length.'));
  const names = new Set<string>();
  let optionalSeen = false;
  for (const [index, option] of options.entries()) {
    const here = [...path, index];
    problems.push(...nameProblems(option.name, [...here, 'name']));
    if (option.description === '') problems.push(required([...here, 'description']));
    if (names.has(option.name)) {
      problems.push({
        path: here,
        code: 'APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATED',
        message: 'Option name is already used',
      });
    }
    names.add(option.name);
    if (option.required && optionalSeen) {
      const message = 'Required options must be placed before non-required options';
      problems.push({ path: here, code: 'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID', message });
    }
    optionalSeen ||= !option.required;
    if ('options' in option && option.options) problems.push(...optionsProblems(option.options, [...here, 'options']));
    problems.push(...choiceProblems(option, here));
  }
  const nested = options.filter(({ type }) => type <= ApplicationCommandOptionType.SubcommandGroup);
  if (nested.length > 0 && nested.length < options.length) {
    const message = 'Sub-commands and sub-command groups cannot be mixed with other options';
    problems.push({ path, code: 'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID', message });
  }
  return problems;
}

function choiceProblems(option: APIApplicationCommandOption, path: Path): Problem[] {
  if (!('choices' in option) || !option.choices?.length) return [];
  const problems: Problem[] = [];
  if (option.autocomplete) {
    problems.push(invalid([...path, 'autocomplete'], 'Autocomplete and choices exclude each other'));
  }
  const choices: readonly { name: string; value: string | number }[] = option.choices;
  if (new Set(choices.map(({ name }) => name)).size < choices.length) {
    problems.push({
      path: [...path, 'choices'],
      code: 'APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_DUPLICATE',
      message: 'Choice names must be unique',
    });
  }
  return problems;
}

function nameProblems(name: string, path: Path): Problem[] {
  if (NAME.test(name) && name === name.toLowerCase()) return [];
  const message = 'Command name is invalid';
  return [{ path, code: 'APPLICATION_COMMAND_INVALID_NAME', message }];
}

function characters(part: { name: string; description: string; options?: Options }): number {
  let sum = part.name.length + part.description.length;
  for (const option of part.options ?? []) {
    sum += characters({
      name: option.name,
      description: option.description,
      ...('options' in option && option.options ? { options: option.options } : {}),
    });
    if (!('choices' in option)) continue;
    for (const { name, value } of option.choices ?? []) sum += name.length + String(value).length;
  }
  return sum;
}

function required(path: Path): Problem {
  return { path, code: 'BASE_TYPE_REQUIRED', message: 'This field is required' };
}

function invalid(path: Path, message: string): Problem {
  return { path, code: 'BASE_TYPE_INVALID', message };
}
