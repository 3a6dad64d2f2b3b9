import { fileURLToPath } from 'node:url';
import { REST } from 'discord.js';
import { z } from 'zod';
import { Routes } from 'discord-api-types/v10';
import { loadRecipes } from '../src/commands.ts';
import { readConfig } from '../src/config.ts';
import { registerCommands } from '../src/discord/registration.ts';

/** `npm run deploy`: makes the commands of `commands/` known to Discord. */
const { discord } = readConfig();
if (discord.type !== 'discord') {
  console.error(
    'DISCORD_TOKEN is missing in .env. Without it there is nothing to deploy: the playground registers the commands itself.',
  );
  process.exit(1);
}
const recipes = await loadRecipes(fileURLToPath(new URL('../commands', import.meta.url)));
const rest = new REST(discord.api === undefined ? {} : { api: discord.api }).setToken(discord.token);
try {
  const { id } = z.object({ id: z.string() }).parse(await rest.get(Routes.currentApplication()));
  await registerCommands(rest, id, recipes, discord.guild);
} catch (error) {
  // The message names what Discord did not like, and nothing secret.
  console.error(`Discord did not take the commands: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
const names = [...recipes.keys()].map((name) => `/${name}`).join(', ');
console.log(
  discord.guild ? `${names}: registered in the server ${discord.guild}.` : `${names}: registered everywhere.`,
);
