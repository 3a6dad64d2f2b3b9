import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  type APIApplicationCommand,
  type APIApplicationCommandOption,
  type APIAttachment,
  type APIInteractionDataResolved,
} from 'discord-api-types/v10';
import type { Attachments, UploadedFile } from './attachments.ts';
import { contextOf } from './interactions.ts';
import { PersonError } from './person-error.ts';
import type { Registry } from './registry.ts';
import type { Person, Place, World } from './world.ts';

/** What a person gives a command: the parts of a form, by option. */
interface CommandInput {
  person: Person;
  place: Place;
  fields: ReadonlyMap<string, string>;
  uploads: readonly UploadedFile[];
}

export interface Resolved extends Pick<APIInteractionDataResolved, 'users' | 'members'> {
  attachments?: Record<string, APIAttachment>;
  channels?: Record<string, object>;
}

interface GivenOption {
  name: string;
  type: ApplicationCommandOptionType;
  value?: string | number | boolean;
  focused?: true;
  options?: GivenOption[];
}

export interface CommandInputs {
  /** A command by its name (`group sub` after a space for subcommands) that this person may use here. */
  find(
    name: string,
    person: Person,
    place: Place,
    type?: ApplicationCommandType,
  ): { command: APIApplicationCommand; path: string[] };
  /** Checks what was given as a Discord client does and makes an interaction's data of it. */
  data(command: APIApplicationCommand, path: readonly string[], input: CommandInput): Promise<object>;
  /** The data of an autocomplete interaction: nothing is required, and one option is being typed. */
  typing(
    command: APIApplicationCommand,
    path: readonly string[],
    input: CommandInput,
    focused: string,
  ): Promise<object>;
}

const DEFAULT_MAX_LENGTH = 6000;
const EXTENSIONS: Record<string, readonly string[]> = {
  image: ['png', 'jpg', 'jpeg', 'webp', 'gif', 'avif', 'heic', 'svg', 'bmp', 'tiff'],
  video: ['mp4', 'mov', 'webm', 'mkv'],
  audio: ['mp3', 'ogg', 'wav', 'flac', 'm4a'],
};

export function createCommandInputs({
  world,
  registry,
  attachments,
  applicationId,
}: {
  world: World;
  registry: Registry;
  attachments: Attachments;
  applicationId: string;
}): CommandInputs {
  function find(name: string, person: Person, place: Place, type?: ApplicationCommandType) {
    const words = name.split(' ');
    const offered = registry.offered(place.guild?.id);
    const wanted = offered.filter((command) => type === undefined || command.type === type);
    const whole = wanted.find((command) => command.name === name);
    const command = whole ?? wanted.find((candidate) => candidate.name === words[0]);
    if (!command) throw new PersonError(`There is no command named ${name} here.`, 404);
    const problem = unavailable(command, person, place);
    if (problem !== undefined) throw new PersonError(problem, 403);
    return { command, path: whole ? [] : words.slice(1) };
  }

  function unavailable(command: APIApplicationCommand, person: Person, place: Place): string | undefined {
    const context = contextOf(place);
    if (command.contexts && !command.contexts.includes(context)) {
      return `${command.name} is not offered in this kind of channel.`;
    }
    const kind = place.botIsMember ? ApplicationIntegrationType.GuildInstall : ApplicationIntegrationType.UserInstall;
    const kinds = command.integration_types ?? [ApplicationIntegrationType.GuildInstall];
    if (context !== InteractionContextType.BotDM && !kinds.includes(kind)) {
      return `${command.name} is not offered where the bot is not a member.`;
    }
    const wanted = command.default_member_permissions;
    if (place.guild && wanted !== null) {
      const bits = BigInt(wanted);
      const own = world.permissions(person, place);
      if (bits === 0n || (own & bits) !== bits) return `${person.user.username} may not use ${command.name}.`;
    }
    return command.nsfw ? `${command.name} needs an age-restricted channel.` : undefined;
  }

  async function data(command: APIApplicationCommand, path: readonly string[], input: CommandInput) {
    return make(command, path, input, undefined);
  }

  async function make(
    command: APIApplicationCommand,
    path: readonly string[],
    input: CommandInput,
    focused: string | undefined,
  ) {
    const resolved: Resolved = {};
    const { definitions, wrap } = descend(command, path);
    const known = new Set(definitions.map(({ name }) => name));
    for (const name of [...input.fields.keys(), ...input.uploads.map(({ field }) => field)]) {
      if (!known.has(name)) throw new PersonError(`${command.name} has no option ${name}.`);
    }
    const options: GivenOption[] = [];
    for (const definition of definitions) {
      const given = await one(definition, input, resolved, focused);
      if (given) options.push(given);
    }
    return {
      id: command.id,
      name: command.name,
      type: command.type,
      ...(command.guild_id === undefined ? {} : { guild_id: command.guild_id }),
      ...(command.type === ApplicationCommandType.ChatInput ? { options: wrap(options) } : {}),
      ...(Object.keys(resolved).length > 0 ? { resolved } : {}),
    };
  }

  async function one(
    definition: APIApplicationCommandOption,
    { fields, uploads, person, place }: CommandInput,
    resolved: Resolved,
    focused: string | undefined,
  ): Promise<GivenOption | undefined> {
    const { name, type } = definition;
    const text = fields.get(name);
    const files = uploads.filter(({ field }) => field === name);
    if (name === focused) return { name, type, value: text ?? '', focused: true };
    if (type === ApplicationCommandOptionType.Attachment && files[0]) {
      if (files.length > 1) throw new PersonError(`${name} takes one file.`);
      return { name, type, value: await attach(files[0], definition.file_types, person, place, resolved) };
    }
    if (files.length > 0) throw new PersonError(`${name} does not take a file.`);
    if (text === undefined || text === '') {
      if (definition.required && focused === undefined) throw new PersonError(`${name} is required.`);
      return undefined;
    }
    return { name, type, value: await convert(definition, text, place, resolved) };
  }

  async function attach(
    file: UploadedFile,
    types: readonly string[] | undefined,
    person: Person,
    place: Place,
    resolved: Resolved,
  ): Promise<string> {
    if (!isOfTypes(file.name, types)) throw new PersonError(`${file.name} is not one of ${types?.join(', ')}.`);
    if (file.bytes.length > uploadLimit(person, place)) {
      throw new PersonError(`${file.name} is too large for Discord.`, 413);
    }
    const stored = await attachments.keep(file, `ephemeral-attachments/${applicationId}`);
    resolved.attachments = { ...resolved.attachments, [stored.id]: attachments.describe(stored) };
    return stored.id;
  }

  async function convert(definition: APIApplicationCommandOption, text: string, place: Place, resolved: Resolved) {
    const { name } = definition;
    switch (definition.type) {
      case ApplicationCommandOptionType.String: {
        const { min_length: least = 0, max_length: most = DEFAULT_MAX_LENGTH } = definition;
        if (text.length < least || text.length > most) {
          throw new PersonError(`${name} must have ${least} to ${most} characters.`);
        }
        return chosen(definition, text);
      }
      case ApplicationCommandOptionType.Integer:
      case ApplicationCommandOptionType.Number: {
        const value = Number(text);
        const whole = definition.type === ApplicationCommandOptionType.Integer;
        if (text.trim() === '' || !(whole ? Number.isSafeInteger(value) : Math.abs(value) <= 2 ** 53)) {
          throw new PersonError(`${name} must be ${whole ? 'a whole number' : 'a number'}.`);
        }
        const { min_value: least = -(2 ** 53), max_value: most = 2 ** 53 } = definition;
        if (value < least || value > most) throw new PersonError(`${name} must be from ${least} to ${most}.`);
        return chosen(definition, value);
      }
      case ApplicationCommandOptionType.Boolean:
        if (text !== 'true' && text !== 'false') throw new PersonError(`${name} must be true or false.`);
        return text === 'true';
      case ApplicationCommandOptionType.User:
      case ApplicationCommandOptionType.Mentionable: {
        const other = world.person(text);
        if (!other) throw new PersonError(`${name}: there is nobody named ${text}.`);
        resolveUser(world, other, place, resolved);
        return other.user.id;
      }
      case ApplicationCommandOptionType.Channel: {
        const other = world.place(text);
        if (!other?.guild || other.guild !== place.guild) {
          throw new PersonError(`${name}: there is no channel ${text} here.`);
        }
        resolved.channels = {
          ...resolved.channels,
          [other.id]: { ...world.channel(other), permissions: String(other.botPermissions) },
        };
        return other.id;
      }
      default:
        throw new PersonError(`${name} cannot be given as text.`);
    }
  }

  return { find, data, typing: (command, path, input, focused) => make(command, path, input, focused) };
}

export function uploadLimit(person: Person, place: Place): number {
  return Math.max(person.fileLimit, place.guild?.fileLimit ?? 0);
}

export function resolveUser(world: World, person: Person, place: Place, resolved: Resolved) {
  resolved.users = { ...resolved.users, [person.user.id]: person.user };
  if (!place.guild) return;
  const { user: _user, deaf: _deaf, mute: _mute, ...member } = world.member(person, place.guild);
  const permissions = String(world.permissions(person, place));
  resolved.members = { ...resolved.members, [person.user.id]: { ...member, permissions } };
}

/** Goes down the subcommands; `wrap` puts the options back into the same nesting. */
function descend(command: APIApplicationCommand, path: readonly string[]) {
  let definitions = command.options ?? [];
  let wrap = (options: GivenOption[]) => options;
  for (const name of path) {
    const next = definitions.find((option) => option.name === name);
    const nested =
      next?.type === ApplicationCommandOptionType.Subcommand ||
      next?.type === ApplicationCommandOptionType.SubcommandGroup;
    if (!next || !nested) throw new PersonError(`${command.name} has no subcommand ${name}.`, 404);
    const outer = wrap;
    const { type } = next;
    wrap = (options) => outer([{ name, type, options }]);
    definitions = next.options ?? [];
  }
  if (definitions.some(({ type }) => type <= ApplicationCommandOptionType.SubcommandGroup)) {
    throw new PersonError(`${command.name} needs a subcommand: ${definitions.map(({ name }) => name).join(', ')}.`);
  }
  return { definitions, wrap };
}

function chosen<Value extends string | number>(definition: APIApplicationCommandOption, value: Value): Value {
  if (!('choices' in definition) || !definition.choices?.length) return value;
  const choices: readonly { value: string | number }[] = definition.choices;
  if (choices.some((choice) => choice.value === value)) return value;
  throw new PersonError(`${definition.name} must be one of ${choices.map((choice) => choice.value).join(', ')}.`);
}

/** Discord looks at the extension only (file type filtering). */
function isOfTypes(name: string, types: readonly string[] | undefined): boolean {
  if (!types?.length) return true;
  const extension = /\.(\w+)$/u.exec(name.toLowerCase())?.[1] ?? '';
  return types.some((type) => type === `.${extension}` || EXTENSIONS[type]?.includes(extension));
}
