import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  type APIApplicationCommandBasicOption,
  type RESTPostAPIChatInputApplicationCommandsJSONBody,
} from 'discord-api-types/v10';
import { z } from 'zod';
import { isForDirectMessages, permissionBit } from './access.ts';
import { isFileOption, MAX_SEED, type Option, type Recipe } from './recipe.ts';
import { RecipeFile } from './recipe-file.ts';
import { nodesCalled } from './workflow.ts';
import { readParameterMap, readWorkflowFile } from './workflow-file.ts';

/** The option that every command has: Troupe itself answers it, not the recipe. */
export const PRIVATE_OPTION = 'private';

/** Troupe's own command: what became of a person's jobs. */
export const JOBS_COMMAND = 'jobs';

/** Discord allows 25 options (application-commands.mdx); one of them is `private`. */
const MAX_OPTIONS = 24;

/** A modal has five components (components/reference.mdx). */
const MAX_LONG_TEXTS = 5;

/** Of all names, descriptions and choices of a command together (application-commands.mdx). */
const MAX_CHARACTERS = 8000;

/** Discord lists so many choices of an option (application-commands.mdx); more are suggested while one types. */
const MAX_CHOICES = 25;

const RecipeModule = z.object({ default: RecipeFile });

/** A recipe that cannot be used: the message names the file, the place in it, and the reason. */
export class RecipeError extends Error {
  override name = 'RecipeError';
}

/** A workflow that takes the place of a recipe's own, and where answers go in it, for options that do not fit it: paths. */
export interface WorkflowInstead {
  readonly path: string;
  readonly parameters?: string;
}

/**
 * Reads every recipe of a directory: each `.ts` file's default export.
 * @param workflows by the recipe's name
 * @throws RecipeError, WorkflowFileError for the first file that is wrong
 */
export async function loadRecipes(
  directory: string,
  workflows: Readonly<Record<string, WorkflowInstead>> = {},
): Promise<ReadonlyMap<string, Recipe>> {
  const recipes = new Map<string, Recipe>();
  const names = await readdir(directory);
  for (const file of names.filter((name) => name.endsWith('.ts')).toSorted()) {
    const recipe = await loadRecipe(join(directory, file));
    if (recipe.name === JOBS_COMMAND) throw new RecipeError(`${file}: the name ${JOBS_COMMAND} is Troupe's own`);
    if (recipes.has(recipe.name)) throw new RecipeError(`${file}: another recipe has the name ${recipe.name} already`);
    const instead = Object.hasOwn(workflows, recipe.name) ? workflows[recipe.name] : undefined;
    recipes.set(recipe.name, instead ? await withWorkflow(recipe, instead) : recipe);
  }
  return recipes;
}

async function loadRecipe(path: string): Promise<Recipe> {
  const module: unknown = await import(pathToFileURL(path).href);
  const parsed = RecipeModule.safeParse(module);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.slice(1).join('.')} ${issue.message}`);
    throw new RecipeError(`${path}: ${lines.join('; ')}`);
  }
  const recipe: Recipe = parsed.data.default;
  const problem = problemOf(recipe);
  if (problem) throw new RecipeError(`${path}: ${problem}`);
  for (const option of Object.values(recipe.options)) {
    if (!isFileOption(option) || option.kind === 'mask' || !option.default) continue;
    const { href } = option.default;
    await stat(option.default).catch((cause: unknown) => {
      throw new RecipeError(`${path}: its default file ${href} cannot be read`, { cause });
    });
  }
  return recipe;
}

async function withWorkflow(recipe: Recipe, file: WorkflowInstead): Promise<Recipe> {
  const graph = await readWorkflowFile(file.path);
  const parameters = file.parameters === undefined ? undefined : await readParameterMap(file.parameters);
  const stray = Object.keys(parameters ?? {}).find((option) => !Object.hasOwn(recipe.options, option));
  if (stray !== undefined) {
    throw new RecipeError(`${file.parameters} names ${stray}, which is no option of /${recipe.name}`);
  }
  return { ...recipe, workflow: { graph, ...(parameters && { parameters }) } };
}

/** What the shape of a recipe does not say. */
function problemOf(recipe: Recipe): string | undefined {
  const { options, outputs, workflow, access } = recipe;
  const entries = Object.entries(options);
  if (entries.length > MAX_OPTIONS) return `it has ${entries.length} options, and ${MAX_OPTIONS} is the most`;
  if (PRIVATE_OPTION in options) return `every command has the option ${PRIVATE_OPTION} already`;
  const firstOptional = entries.findIndex(([, option]) => !option.required);
  const late = firstOptional < 0 ? undefined : entries.slice(firstOptional).find(([, option]) => option.required);
  if (late) return `the required option ${late[0]} must come before the ones that are not`;
  const long = entries.filter(([, { kind }]) => kind === 'long-text');
  if (long.length > MAX_LONG_TEXTS) return `it has ${long.length} long texts, and ${MAX_LONG_TEXTS} is the most`;
  for (const [name, option] of entries) {
    const problem = optionProblem(option, options);
    if (problem) return `options.${name} ${problem}`;
  }
  const stray = Object.keys(workflow?.parameters ?? {}).find((name) => !Object.hasOwn(options, name));
  if (stray !== undefined) return `workflow.parameters names ${stray}, which is no option`;
  for (const output of [...outputs.main, ...(outputs.hidden ?? [])]) {
    if (typeof output === 'object' && nodesCalled(workflow?.graph ?? {}, output.node).length === 0) {
      return `outputs names the node ${output.node}, which its workflow does not have`;
    }
  }
  if (access?.permission !== undefined && permissionBit(access.permission) === undefined) {
    return `access.permission ${access.permission} is no permission of Discord, such as ManageGuild`;
  }
  const characters = charactersOf(recipe);
  if (characters <= MAX_CHARACTERS) return undefined;
  return `its names, descriptions and choices have ${characters} characters, and ${MAX_CHARACTERS} is the most`;
}

function optionProblem(option: Option, options: Recipe['options']): string | undefined {
  const masked = option.kind === 'mask' && option.of !== undefined ? option.of : undefined;
  if (masked !== undefined && (!Object.hasOwn(options, masked) || options[masked]?.kind !== 'picture')) {
    return `is a mask of ${masked}, which is no picture option`;
  }
  if (option.parameters.length === 0 && masked === undefined) return 'has no parameters';
  switch (option.kind) {
    case 'text':
    case 'long-text': {
      const { default: standing = '', maxLength = Infinity } = option;
      return standing.length > maxLength ? `has a default of more than ${maxLength} characters` : undefined;
    }
    case 'integer':
    case 'number': {
      const { kind, min, max, default: standing = min } = option;
      if (min > max) return `has the least ${min} above the most ${max}`;
      if (standing < min || standing > max) return `has a default that is not from ${min} to ${max}`;
      const isWhole = kind === 'number' || [min, max, standing].every(Number.isSafeInteger);
      return isWhole ? undefined : 'has bounds or a default that are no whole numbers';
    }
    case 'choice': {
      const { choices, default: standing } = option;
      if (Object.keys(choices).length === 0) return 'has no choices';
      return standing === undefined || Object.hasOwn(choices, standing)
        ? undefined
        : `has the default ${standing}, which is none of its choices`;
    }
    default:
      return undefined;
  }
}

/** As Discord counts them: with those of `private`. */
function charactersOf(recipe: Recipe): number {
  const { name, description, options = [] } = commandOf(recipe);
  return options.reduce((sum, option) => {
    const choices = 'choices' in option ? (option.choices ?? []) : [];
    const ofChoices = choices.reduce((sum, { name, value }) => sum + name.length + String(value).length, 0);
    return sum + option.name.length + option.description.length + ofChoices;
  }, name.length + description.length);
}

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
        ...(Object.keys(option.choices).length > MAX_CHOICES
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
