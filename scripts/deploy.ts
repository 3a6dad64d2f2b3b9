import { DiscordAPIError, REST } from 'discord.js';
import { z } from 'zod';
import { RESTJSONErrorCodes, Routes } from 'discord-api-types/v10';
import { JOBS_COMMAND } from '../src/commands.ts';
import { ConfigError, readConfig } from '../src/config.ts';
import { registerCommands } from '../src/discord/registration.ts';
import { loadRecipes, RecipeError, sourcesOf } from '../src/recipe-loader.ts';
import { runnable } from '../src/runnable.ts';
import { WorkflowFileError } from '../src/workflow-file.ts';

/** `npm run deploy`: makes the commands of `commands/` known to Discord. */
try {
  console.log(await deploy());
} catch (error) {
  const problem = problemOf(error);
  if (problem === undefined) throw error;
  console.error(problem);
  process.exitCode = 1;
}

async function deploy(): Promise<string> {
  const config = readConfig();
  const { discord, backends } = config;
  if (discord.type !== 'discord') {
    throw new ConfigError(
      'DISCORD_TOKEN is missing in .env. Without it there is nothing to deploy: the playground registers the commands itself.',
    );
  }
  const { usable: recipes, left } = runnable(
    await loadRecipes(sourcesOf(config)),
    backends.map(({ type }) => type),
  );
  const rest = new REST(discord.api === undefined ? {} : { api: discord.api }).setToken(discord.token);
  const { id } = z.object({ id: z.string() }).parse(await rest.get(Routes.currentApplication()));
  await registerCommands(rest, id, recipes, discord.guild);
  const names = [...recipes.keys(), JOBS_COMMAND].map((name) => `/${name}`).join(', ');
  const where = discord.guild ? `in the server ${discord.guild}` : 'everywhere';
  return [`${names}: registered ${where}.`, ...left].join('\n');
}

/** For the person who runs it; undefined where the mistake is ours. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof ConfigError || error instanceof RecipeError || error instanceof WorkflowFileError) {
    return error.message;
  }
  if (error instanceof DiscordAPIError) {
    if (error.code === RESTJSONErrorCodes.MissingAccess) {
      return 'The bot is not in the server that DISCORD_GUILD_ID names. Invite it first: npm start prints the link.';
    }
    // The message names what Discord did not like, and nothing secret.
    return `Discord did not take the commands: ${error.message}`;
  }
  return error instanceof Error && 'syscall' in error ? `Discord cannot be reached: ${error.message}` : undefined;
}
