import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  type APIApplicationCommandBasicOption,
  type RESTPostAPIChatInputApplicationCommandsJSONBody,
} from 'discord-api-types/v10';
import { isForDirectMessages, permissionBit } from './access.ts';
import { MOST_LISTED } from './limits.ts';
import { MAX_SEED, type Option, type Recipe } from './recipe.ts';

/** The option that every command has: Troupe itself answers it, not the recipe. */
export const PRIVATE_OPTION = 'private';

/** Troupe's own command: what became of a person's jobs. */
export const JOBS_COMMAND = 'jobs';

/** Discord's JSON for a recipe. */
export function commandOf(recipe: Recipe): RESTPostAPIChatInputApplicationCommandsJSONBody {
  const { Guild, BotDM, PrivateChannel } = InteractionContextType;
  return {
    type: ApplicationCommandType.ChatInput,
    name: recipe.name,
    description: recipe.description,
    integration_types: [ApplicationIntegrationType.GuildInstall, ApplicationIntegrationType.UserInstall],
    contexts: isForDirectMessages(recipe.access) ? [Guild, BotDM, PrivateChannel] : [Guild],
    ...(recipe.nsfw && { nsfw: true }),
    ...membersOf(recipe),
    options: [
      ...Object.entries(recipe.options)
        .filter(([, { kind }]) => kind !== 'long-text')
        .map(([name, option]) => commandOption(name, option)),
      {
        type: ApplicationCommandOptionType.Boolean,
        name: PRIVATE_OPTION,
        description: 'Only you see the answer. Default: no',
      },
    ],
  };
}

/** Who sees the command: Discord knows of one permission alone, and would hide it from the roles and users beside it. */
function membersOf({ access = {} }: Recipe): { default_member_permissions?: string } {
  const { roles, users, permission } = access;
  const bit = roles || users || permission === undefined ? undefined : permissionBit(permission);
  return bit === undefined ? {} : { default_member_permissions: String(bit) };
}

function commandOption(name: string, option: Option): APIApplicationCommandBasicOption {
  const common = { name, description: option.description, required: option.required ?? false };
  switch (option.kind) {
    case 'text':
    case 'long-text':
      return {
        ...common,
        type: ApplicationCommandOptionType.String,
        ...(option.maxLength !== undefined && { max_length: option.maxLength }),
      };
    case 'integer':
      return { ...common, type: ApplicationCommandOptionType.Integer, min_value: option.min, max_value: option.max };
    case 'number':
      return { ...common, type: ApplicationCommandOptionType.Number, min_value: option.min, max_value: option.max };
    case 'choice':
      return {
        ...common,
        type: ApplicationCommandOptionType.String,
        ...(Object.keys(option.choices).length > MOST_LISTED
          ? { autocomplete: true }
          : { choices: Object.keys(option.choices).map((shown) => ({ name: shown, value: shown })) }),
      };
    case 'switch':
      return { ...common, type: ApplicationCommandOptionType.Boolean };
    case 'picture':
    case 'mask':
    case 'video':
    case 'audio':
      return { ...common, type: ApplicationCommandOptionType.Attachment };
    case 'seed':
      return { ...common, type: ApplicationCommandOptionType.Integer, min_value: 0, max_value: MAX_SEED };
  }
}
