import { Routes } from 'discord-api-types/v10';
import type { REST } from 'discord.js';
import { commandOf } from '../commands.ts';
import type { Recipe } from '../recipe.ts';

/** Makes Discord's commands the same as the recipes: in one server at once, or everywhere. */
export async function registerCommands(
  rest: REST,
  application: string,
  recipes: ReadonlyMap<string, Recipe>,
  guild?: string,
): Promise<void> {
  const body = [...recipes.values()].map((recipe) => commandOf(recipe));
  const route = guild ? Routes.applicationGuildCommands(application, guild) : Routes.applicationCommands(application);
  await rest.put(route, { body });
}
