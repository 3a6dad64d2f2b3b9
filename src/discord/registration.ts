import { Routes, type RESTPutAPIApplicationCommandsJSONBody } from 'discord-api-types/v10';
import type { REST } from 'discord.js';
import { commandOf, JOBS_COMMAND } from '../recipes/commands.ts';
import type { Recipe } from '../recipes/recipe.ts';
import { RecipeError } from '../recipes/recipe-loader.ts';
import { JOBS_COMMAND_JSON } from './jobs-command.ts';

/** Commands with a slash, everywhere or in one server (application-commands.mdx). */
const MAX_COMMANDS = 100;

/** All commands of these recipes, and Troupe's own. @throws RecipeError for more than Discord takes */
export function commandsOf(recipes: ReadonlyMap<string, Recipe>): RESTPutAPIApplicationCommandsJSONBody {
  if (recipes.size >= MAX_COMMANDS) {
    throw new RecipeError(
      `There are ${recipes.size} recipes, and Discord takes ${MAX_COMMANDS - 1} beside /${JOBS_COMMAND}.`,
    );
  }
  return [...[...recipes.values()].map((recipe) => commandOf(recipe)), JOBS_COMMAND_JSON];
}

/** Makes Discord's commands the same as the recipes, and its own: in one server at once, or everywhere. */
export async function registerCommands(
  rest: REST,
  application: string,
  recipes: ReadonlyMap<string, Recipe>,
  guild?: string,
): Promise<void> {
  await rest.put(routeOf(application, guild), { body: commandsOf(recipes) });
}

/** What Discord has there now, as it tells it. */
export async function registeredCommands(rest: REST, application: string, guild?: string): Promise<unknown> {
  // Without this it would leave out the words of other languages.
  return await rest.get(routeOf(application, guild), { query: new URLSearchParams({ with_localizations: 'true' }) });
}

function routeOf(application: string, guild: string | undefined) {
  return guild ? Routes.applicationGuildCommands(application, guild) : Routes.applicationCommands(application);
}
