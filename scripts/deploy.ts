import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { DiscordAPIError, REST } from 'discord.js';
import { z } from 'zod';
import { RESTJSONErrorCodes, Routes } from 'discord-api-types/v10';
import { ConfigError, readConfig } from '../src/config.ts';
import { commandChanges } from '../src/discord/command-changes.ts';
import { commandsOf, registerCommands, registeredCommands } from '../src/discord/registration.ts';
import { UserError } from '../src/errors.ts';
import { JOBS_COMMAND } from '../src/recipes/commands.ts';
import { loadRecipes, RecipeError, sourcesOf } from '../src/recipes/recipe-loader.ts';
import { runnable } from '../src/recipes/runnable.ts';

/**
 * `npm run deploy`: makes the commands of the recipes known to Discord. It says what would change first, and asks; with
 * `-- --yes` it does not ask. Exit code 0: Discord has them, or was to stay as it is; 1: that cannot be done; 2: there is
 * something to change, and nobody to ask.
 */
try {
  process.exitCode = await deploy();
} catch (error) {
  const problem = problemOf(error);
  if (problem === undefined) throw error;
  console.error(problem);
  process.exitCode = 1;
}

async function deploy(): Promise<number> {
  const isSure = readArguments();
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
  const registered = await registeredCommands(rest, id, discord.guild);
  const changes = commandChanges(registered, commandsOf(recipes), discord.guild ? 'guild' : 'global');
  const where = discord.guild ? `in the server ${discord.guild}` : 'everywhere';
  const names = [...recipes.keys(), JOBS_COMMAND].map((name) => `/${name}`).join(', ');
  for (const sentence of left) console.log(sentence);
  if (changes.length === 0) {
    console.log(`${names}: registered ${where} as they are. Nothing changes.`);
    return 0;
  }
  console.log([`What ${isSure ? 'changes' : 'would change'} ${where}:`, ...changes].join('\n'));
  if (!isSure) {
    if (!process.stdin.isTTY || !process.stdout.isTTY) {
      console.log('Nothing was changed, as nobody can be asked here. To change it: npm run deploy -- --yes');
      return 2;
    }
    if (!(await isWanted())) {
      console.log('Nothing was changed.');
      return 0;
    }
  }
  await registerCommands(rest, id, recipes, discord.guild);
  console.log(`${names}: registered ${where}.`);
  return 0;
}

/** @returns whether nobody is to be asked */
function readArguments(): boolean {
  try {
    return parseArgs({ options: { yes: { type: 'boolean', short: 'y' } } }).values.yes ?? false;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : '';
    throw new UserError(`${why}\nnpm run deploy shows what would change, and asks; npm run deploy -- --yes does not.`, {
      cause,
    });
  }
}

async function isWanted(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // It fails where Ctrl-D or Ctrl-C is typed: no yes either.
  const answer = await terminal.question('Change this? [y/N] ').catch(() => '\n');
  if (answer === '\n') console.log();
  terminal.close();
  return /^y(?:es)?$/i.test(answer.trim());
}

/** For the person who runs it; undefined where the mistake is ours. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof ConfigError || error instanceof RecipeError || error instanceof UserError) {
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
