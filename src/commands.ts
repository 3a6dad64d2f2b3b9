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
import { MAX_SEED, type Option, type Recipe } from './recipe.ts';
import { RecipeFile } from './recipe-file.ts';
import { readParameterMap, readWorkflowFile } from './workflow-file.ts';

/** The option that every command has: Troupe itself answers it, not the recipe. */
export const PRIVATE_OPTION = 'private';

/** Troupe's own command: what became of a person's jobs. */
export const JOBS_COMMAND = 'jobs';

/** Discord allows 25 options (application-commands.mdx); one of them is `private`. */
const MAX_OPTIONS = 24;

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
  const problem = checkOptions(recipe);
  if (problem) throw new RecipeError(`${path}: ${problem}`);
  for (const option of Object.values(recipe.options)) {
    if (option.kind !== 'picture' || !option.default) continue;
    const { href } = option.default;
    await stat(option.default).catch((cause: unknown) => {
      throw new RecipeError(`${path}: its default picture ${href} cannot be read`, { cause });
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

function checkOptions({ options }: Recipe): string | undefined {
  const entries = Object.entries(options);
  if (entries.length > MAX_OPTIONS) return `it has ${entries.length} options, and ${MAX_OPTIONS} is the most`;
  if (PRIVATE_OPTION in options) return `every command has the option ${PRIVATE_OPTION} already`;
  const firstOptional = entries.findIndex(([, option]) => !option.required);
  const late = firstOptional < 0 ? undefined : entries.slice(firstOptional).find(([, option]) => option.required);
  return late && `the required option ${late[0]} must come before the ones that are not`;
}

/** Discord's JSON for a recipe. */
export function commandOf(recipe: Recipe): RESTPostAPIChatInputApplicationCommandsJSONBody {
  return {
    type: ApplicationCommandType.ChatInput,
    name: recipe.name,
    description: recipe.description,
    integration_types: [ApplicationIntegrationType.GuildInstall, ApplicationIntegrationType.UserInstall],
    contexts: [InteractionContextType.Guild, InteractionContextType.BotDM, InteractionContextType.PrivateChannel],
    options: [
      ...Object.entries(recipe.options).map(([name, option]) => commandOption(name, option)),
      {
        type: ApplicationCommandOptionType.Boolean,
        name: PRIVATE_OPTION,
        description: 'Only you see the answer. Default: no',
      },
    ],
  };
}

function commandOption(name: string, option: Option): APIApplicationCommandBasicOption {
  const common = { name, description: option.description, required: option.required ?? false };
  switch (option.kind) {
    case 'text':
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
        choices: Object.entries(option.choices).map(([shown, value]) => ({ name: shown, value })),
      };
    case 'switch':
      return { ...common, type: ApplicationCommandOptionType.Boolean };
    case 'picture':
      return { ...common, type: ApplicationCommandOptionType.Attachment };
    case 'seed':
      return { ...common, type: ApplicationCommandOptionType.Integer, min_value: 0, max_value: MAX_SEED };
  }
}
