import { resolve } from 'node:path';
import { config as readEnvFile } from 'dotenv';
import { z } from 'zod';
import { BACKEND_VARIABLES, BackendSettingsError, readBackends, type BackendSettings } from './config-backends.ts';
import { list, number, text, whole } from './config-values.ts';
import type { WorkflowInstead } from './recipes/recipe-loader.ts';

/**
 * The environment, parsed once. Every variable has its line in `.env.example`.
 */
export interface Config {
  readonly discord: DiscordConfig;
  /** in the order in which they are asked; one at least */
  readonly backends: readonly BackendSettings[];
  /** by recipe: what is sent in place of its own workflow to backends that have none */
  readonly workflows: Readonly<Record<string, WorkflowInstead>>;
  /** what a program that the bot starts may know of its environment: nothing of the bot's own */
  readonly childEnvironment: Readonly<Record<string, string | undefined>>;
  /** a folder of recipes beside those of this repository: an absolute path */
  readonly commandsDir?: string;
  /** names of the recipes that are wanted; all where it is absent */
  readonly commands?: readonly string[];
  readonly limits: {
    readonly runningPerUser: number;
    readonly waitingPerUser: number;
    readonly runningAtOnce: number;
    readonly runMs: number;
  };
  readonly pictures: { readonly maxBytes: number; readonly maxPixels: number };
  /** films and sounds that people send */
  readonly media: { readonly maxBytes: number };
  /** an absolute path */
  readonly dataDir: string;
  /** of what is made */
  readonly results: {
    readonly keepMs: number;
    readonly maxBytes: number;
    /** whether pictures keep the workflow that ComfyUI writes into them */
    readonly keepWorkflow: boolean;
    /** where the folder `results` of DATA_DIR can be fetched from, without a slash at its end */
    readonly publicUrl?: string;
  };
  /** where `/healthz` is answered; nowhere when absent */
  readonly health?: { readonly host: string; readonly port: number };
  readonly logLevel: string;
  /** how long running jobs may go on after the first SIGTERM */
  readonly graceMs: number;
}

type DiscordConfig =
  | {
      readonly type: 'discord';
      readonly token: string;
      readonly guild?: string;
      /** where Discord's REST API is, without the version; Discord's own when absent */
      readonly api?: string;
    }
  | { readonly type: 'playground'; readonly host: string; readonly port: number; readonly record?: string };

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const Environment = z.object({
  DISCORD_TOKEN: text,
  DISCORD_GUILD_ID: text.pipe(
    z
      .string()
      .regex(/^\d{17,20}$/, 'must be a server id, 17 to 20 digits')
      .optional(),
  ),
  DISCORD_API_URL: text.pipe(
    z.url({ protocol: /^https?$/, error: 'must be an address such as http://localhost:3000/api' }).optional(),
  ),
  ...BACKEND_VARIABLES,
  COMMANDS_DIR: text,
  COMMANDS: text
    .transform((value) => list(value)?.map((name) => name.replace(/^\//, '')))
    .pipe(z.array(z.string()).min(1, 'must name commands, such as character').optional()),
  CHARACTER_WORKFLOW: text,
  CHARACTER_PARAMETERS: text,
  RUNNING_PER_USER: whole(1, 1, 100),
  WAITING_PER_USER: whole(3, 0, 1000),
  RUNNING_AT_ONCE: whole(1, 1, 1000),
  RUN_MINUTES: number(40, 1, 24 * 60, MINUTE),
  PICTURE_MAX_MIB: number(20, 1, 500, MIB),
  PICTURE_MAX_MEGAPIXELS: number(50, 1, 500, 1_000_000),
  MEDIA_MAX_MIB: number(100, 1, 500, MIB),
  DATA_DIR: text.transform((value) => resolve(value ?? './data')),
  RESULTS_KEEP_DAYS: number(7, 0, 3650, DAY),
  RESULTS_MAX_GIB: number(10, 0.1, 100_000, GIB),
  RESULTS_KEEP_WORKFLOW: text.pipe(z.enum(['yes', 'no'], { error: 'must be yes or no' }).optional()),
  RESULTS_PUBLIC_URL: text.pipe(
    z.url({ protocol: /^https?$/, error: 'must be an address such as https://pictures.example.com' }).optional(),
  ),
  HEALTH_HOST: text.transform((value) => value ?? '127.0.0.1'),
  HEALTH_PORT: whole(0, 0, 65_535),
  LOG_LEVEL: text
    .transform((value) => value ?? 'info')
    .pipe(
      z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], { error: 'must be a level such as info or debug' }),
    ),
  GRACE_SECONDS: number(600, 0, 24 * 3600, SECOND),
  PLAYGROUND_HOST: text.transform((value) => value ?? '127.0.0.1'),
  PLAYGROUND_PORT: whole(3000, 0, 65_535),
  PLAYGROUND_RECORD: text,
});

/** What stops the start: each problem names its variable. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * Reads `.env` of the working directory into the environment, and the environment into the configuration.
 * @param instead variables that have another value than there
 */
export function readConfig(instead: Readonly<Record<string, string>> = {}): Config {
  readEnvFile({ quiet: true });
  return parseConfig({ ...process.env, ...instead });
}

/** @throws ConfigError with one line for each variable that is wrong */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`).join('\n'));
  }
  const env = parsed.data;
  return {
    discord: env.DISCORD_TOKEN
      ? {
          type: 'discord',
          token: env.DISCORD_TOKEN,
          ...(env.DISCORD_GUILD_ID && { guild: env.DISCORD_GUILD_ID }),
          ...(env.DISCORD_API_URL && { api: env.DISCORD_API_URL }),
        }
      : {
          type: 'playground',
          host: env.PLAYGROUND_HOST,
          port: env.PLAYGROUND_PORT,
          ...(env.PLAYGROUND_RECORD && { record: env.PLAYGROUND_RECORD }),
        },
    backends: backendsOf(env),
    workflows: env.CHARACTER_WORKFLOW
      ? {
          character: {
            path: env.CHARACTER_WORKFLOW,
            ...(env.CHARACTER_PARAMETERS && { parameters: env.CHARACTER_PARAMETERS }),
          },
        }
      : {},
    ...(env.COMMANDS_DIR && { commandsDir: resolve(env.COMMANDS_DIR) }),
    ...(env.COMMANDS && { commands: env.COMMANDS }),
    childEnvironment: Object.fromEntries(
      Object.entries(environment).filter(([name]) => !Object.hasOwn(Environment.shape, name)),
    ),
    limits: {
      runningPerUser: env.RUNNING_PER_USER,
      waitingPerUser: env.WAITING_PER_USER,
      runningAtOnce: env.RUNNING_AT_ONCE,
      runMs: env.RUN_MINUTES,
    },
    pictures: { maxBytes: env.PICTURE_MAX_MIB, maxPixels: env.PICTURE_MAX_MEGAPIXELS },
    media: { maxBytes: env.MEDIA_MAX_MIB },
    dataDir: env.DATA_DIR,
    results: {
      keepMs: env.RESULTS_KEEP_DAYS,
      maxBytes: env.RESULTS_MAX_GIB,
      keepWorkflow: env.RESULTS_KEEP_WORKFLOW === 'yes',
      ...(env.RESULTS_PUBLIC_URL && { publicUrl: env.RESULTS_PUBLIC_URL.replace(/\/+$/, '') }),
    },
    ...(env.HEALTH_PORT > 0 && { health: { host: env.HEALTH_HOST, port: env.HEALTH_PORT } }),
    logLevel: env.LOG_LEVEL,
    graceMs: env.GRACE_SECONDS,
  };
}

function backendsOf(env: z.infer<typeof Environment>): readonly BackendSettings[] {
  try {
    return readBackends(env);
  } catch (error) {
    if (error instanceof BackendSettingsError) throw new ConfigError(error.message, { cause: error });
    throw error;
  }
}
