import { Routes, type RESTPutAPIApplicationCommandsJSONBody } from 'discord-api-types/v10';
import type { REST } from 'discord.js';
import { commandOf } from '../commands.ts';
import type { Recipe } from '../recipe.ts';
import { JOBS_COMMAND_JSON } from './jobs-command.ts';

/** All commands of these recipes, and Troupe's own. */
export function commandsOf(recipes: ReadonlyMap<string, Recipe>): RESTPutAPIApplicationCommandsJSONBody {
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
