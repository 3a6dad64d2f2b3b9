import { Routes } from 'discord-api-types/v10';
import type { REST } from 'discord.js';
import { commandOf } from '../commands.ts';
import type { Recipe } from '../recipe.ts';
import { JOBS_COMMAND_JSON } from './jobs-command.ts';

/** Makes Discord's commands the same as the recipes, and its own: in one server at once, or everywhere. */
export async function registerCommands(
  rest: REST,
  application: string,
  recipes: ReadonlyMap<string, Recipe>,
  guild?: string,
): Promise<void> {
  const body = [...[...recipes.values()].map((recipe) => commandOf(recipe)), JOBS_COMMAND_JSON];
  const route = guild ? Routes.applicationGuildCommands(application, guild) : Routes.applicationCommands(application);
  await rest.put(route, { body });
}
