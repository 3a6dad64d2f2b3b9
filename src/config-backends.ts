import { z } from 'zod';
import { list, number, text, whole } from './config-values.ts';

/**
 * The backends' part of the environment: one schema for all of their variables, one reader for each backend.
 */

export type BackendSettings =
  | {
      readonly type: 'viewcomfy';
      readonly url: string;
      readonly apiUrl?: string;
      readonly mode?: 'stream' | 'plain' | 'poll';
      readonly resultHosts?: readonly string[];
      readonly clientId: string;
      readonly clientSecret: string;
    }
  | ({ readonly type: 'comfyui' } & ComfyUISettings)
  | {
      readonly type: 'amqp';
      readonly url: string;
      readonly queue?: string;
      readonly outputDir?: string;
      readonly inputDir?: string;
      readonly viewUrl?: string;
      readonly viewHeaders?: Readonly<Record<string, string>>;
      readonly waitTimeoutMs?: number;
    }
  | {
      readonly type: 'segmind';
      readonly apiKey: string;
      readonly url?: string;
      readonly requestsPerJob: number;
      readonly warnBelowCredits: number;
      readonly posePicture?: string;
    }
  | { readonly type: 'local-viewcomfy'; readonly runMs: number; readonly coldStartMs: number };

interface ComfyUISettings {
  readonly headers?: Readonly<Record<string, string>>;
  readonly api?: 'native' | 'v1';
  readonly hasWorkers?: boolean;
  readonly previews?: 'auto' | 'latent2rgb' | 'taesd' | 'none';
  /** servers that are there, or one that the bot starts itself */
  readonly servers:
    | { readonly urls: readonly string[] }
    | { readonly dir: string; readonly python?: string; readonly args?: readonly string[] };
}

export const BACKEND_TYPES = ['viewcomfy', 'comfyui', 'amqp', 'segmind', 'local-viewcomfy'] as const;
type BackendType = (typeof BACKEND_TYPES)[number];

/** A host, or `*.` and what all hosts below it have in common. */
const HOST = /^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i;
const HTTP = /^https?$/;

function address(error: string) {
  return text.pipe(z.url({ protocol: HTTP, error }).optional());
}

const Headers = text.transform((value, context) => {
  if (value === undefined) return undefined;
  try {
    return z.record(z.string().regex(/^[\w-]+$/), z.string()).parse(JSON.parse(value));
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON such as {"authorization": "Bearer …"}' });
    return z.NEVER;
  }
});

/** Every variable of every backend. */
export const BACKEND_VARIABLES = {
  BACKEND: text.pipe(z.enum(BACKEND_TYPES, { error: `must be one of ${BACKEND_TYPES.join(', ')}` }).optional()),
  BACKENDS: text
    .transform(list)
    .pipe(z.array(z.enum(BACKEND_TYPES, { error: `must name ${BACKEND_TYPES.join(', ')}` })).optional()),
  VIEWCOMFY_URL: address('must be the https:// address of your ViewComfy endpoint'),
  VIEWCOMFY_API_URL: address("must be the https:// address of ViewComfy's API"),
  VIEWCOMFY_MODE: text.pipe(z.enum(['stream', 'plain', 'poll'], { error: 'must be stream, plain or poll' }).optional()),
  VIEWCOMFY_RESULT_HOSTS: text
    .transform(list)
    .pipe(z.array(z.string().regex(HOST, 'must be names of hosts, such as *.example.com')).optional()),
  VIEWCOMFY_CLIENT_ID: text,
  VIEWCOMFY_CLIENT_SECRET: text,
  COMFYUI_URL: text.transform(list).pipe(
    z
      .array(z.url({ protocol: HTTP, error: 'must be addresses such as http://127.0.0.1:8188' }))
      .min(1)
      .optional(),
  ),
  COMFYUI_HEADERS: Headers,
  COMFYUI_API: text.pipe(z.enum(['native', 'v1'], { error: 'must be native or v1' }).optional()),
  COMFYUI_WORKERS: text.pipe(z.enum(['yes', 'no'], { error: 'must be yes or no' }).optional()),
  COMFYUI_PREVIEWS: text.pipe(
    z.enum(['auto', 'latent2rgb', 'taesd', 'none'], { error: 'must be auto, latent2rgb, taesd or none' }).optional(),
  ),
  COMFYUI_DIR: text,
  COMFYUI_PYTHON: text,
  COMFYUI_ARGS: text.transform((value) => value?.split(/\s+/)),
  AMQP_URL: text.pipe(
    z.url({ protocol: /^amqps?$/, error: 'must be an address such as amqp://user:password@127.0.0.1:5672' }).optional(),
  ),
  AMQP_QUEUE: text,
  AMQP_OUTPUT_DIR: text,
  AMQP_INPUT_DIR: text,
  AMQP_VIEW_URL: address('must be the address of a ComfyUI server'),
  AMQP_VIEW_HEADERS: Headers,
  AMQP_WAIT_MINUTES: number(0, 0, 24 * 60, 60_000),
  SEGMIND_API_KEY: text,
  SEGMIND_URL: address('must be the https:// address of the model'),
  SEGMIND_REQUESTS_PER_JOB: whole(1, 1, 4),
  SEGMIND_CREDITS_WARN: number(5, 0, 1_000_000),
  SEGMIND_POSE: text,
  PLAYGROUND_RUN_SECONDS: number(15, 0, 3600, 1000),
  PLAYGROUND_COLD_START_SECONDS: number(2, 0, 3600, 1000),
};

const BackendEnvironment = z.object(BACKEND_VARIABLES);
type BackendEnvironment = z.infer<typeof BackendEnvironment>;

/** What is wrong with the variables of a backend: whole lines. */
export class BackendSettingsError extends Error {
  override name = 'BackendSettingsError';
}

const READERS: Readonly<Record<BackendType, (env: BackendEnvironment) => BackendSettings>> = {
  viewcomfy(env) {
    const { VIEWCOMFY_URL: url, VIEWCOMFY_CLIENT_ID: clientId, VIEWCOMFY_CLIENT_SECRET: clientSecret } = env;
    const { VIEWCOMFY_API_URL: apiUrl, VIEWCOMFY_MODE: mode, VIEWCOMFY_RESULT_HOSTS: resultHosts } = env;
    if (!url || !clientId || !clientSecret) {
      const needed = { VIEWCOMFY_URL: url, VIEWCOMFY_CLIENT_ID: clientId, VIEWCOMFY_CLIENT_SECRET: clientSecret };
      throw missing(needed, 'ViewComfy needs its address and both parts of a key');
    }
    return {
      type: 'viewcomfy',
      url,
      ...(apiUrl && { apiUrl }),
      ...(mode && { mode }),
      ...(resultHosts && { resultHosts }),
      clientId,
      clientSecret,
    };
  },
  comfyui(env) {
    const { COMFYUI_URL: urls, COMFYUI_DIR: dir, COMFYUI_PYTHON: python, COMFYUI_ARGS: args } = env;
    const { COMFYUI_HEADERS: headers, COMFYUI_API: api, COMFYUI_PREVIEWS: previews } = env;
    const common = {
      ...(headers && { headers }),
      ...(api && { api }),
      ...(previews && { previews }),
      ...(env.COMFYUI_WORKERS === 'yes' && { hasWorkers: true }),
    };
    if (urls && dir) {
      throw new BackendSettingsError('COMFYUI_URL and COMFYUI_DIR: give the address of a server, or the folder of one');
    }
    if (urls) return { type: 'comfyui', ...common, servers: { urls } };
    if (!dir) throw missing({ COMFYUI_URL: urls }, 'ComfyUI needs the address of a server, or COMFYUI_DIR its folder');
    return { type: 'comfyui', ...common, servers: { dir, ...(python && { python }), ...(args && { args }) } };
  },
  amqp(env) {
    const { AMQP_URL: url, AMQP_QUEUE: queue, AMQP_OUTPUT_DIR: outputDir, AMQP_INPUT_DIR: inputDir } = env;
    const { AMQP_VIEW_URL: viewUrl, AMQP_VIEW_HEADERS: viewHeaders, AMQP_WAIT_MINUTES: waitTimeoutMs } = env;
    if (!url) throw missing({ AMQP_URL: url }, 'ComfyUI workers need the address of their RabbitMQ');
    return {
      type: 'amqp',
      url,
      ...(queue && { queue }),
      ...(outputDir && { outputDir }),
      ...(inputDir && { inputDir }),
      ...(viewUrl && { viewUrl }),
      ...(viewHeaders && { viewHeaders }),
      ...(waitTimeoutMs > 0 && { waitTimeoutMs }),
    };
  },
  segmind(env) {
    const { SEGMIND_API_KEY: apiKey, SEGMIND_URL: url, SEGMIND_POSE: posePicture } = env;
    if (!apiKey) throw missing({ SEGMIND_API_KEY: apiKey }, 'Segmind needs a key');
    return {
      type: 'segmind',
      apiKey,
      ...(url && { url }),
      ...(posePicture && { posePicture }),
      requestsPerJob: env.SEGMIND_REQUESTS_PER_JOB,
      warnBelowCredits: env.SEGMIND_CREDITS_WARN,
    };
  },
  'local-viewcomfy': (env) => ({
    type: 'local-viewcomfy',
    runMs: env.PLAYGROUND_RUN_SECONDS,
    coldStartMs: env.PLAYGROUND_COLD_START_SECONDS,
  }),
};

/** Which backends have something of theirs set. */
const SIGNS: Readonly<Record<Exclude<BackendType, 'local-viewcomfy'>, readonly (keyof BackendEnvironment)[]>> = {
  viewcomfy: [
    'VIEWCOMFY_URL',
    'VIEWCOMFY_CLIENT_ID',
    'VIEWCOMFY_CLIENT_SECRET',
    'VIEWCOMFY_API_URL',
    'VIEWCOMFY_MODE',
    'VIEWCOMFY_RESULT_HOSTS',
  ],
  comfyui: ['COMFYUI_URL', 'COMFYUI_DIR'],
  amqp: ['AMQP_URL'],
  segmind: ['SEGMIND_API_KEY'],
};

/**
 * The backends in the order in which they are asked: those that are named, or else the one that has its variables
 * set, or the local ViewComfy where none has.
 * @throws BackendSettingsError
 */
export function readBackends(env: BackendEnvironment): readonly BackendSettings[] {
  if (env.BACKEND && env.BACKENDS) throw new BackendSettingsError('BACKEND and BACKENDS: give one of them');
  const wanted = env.BACKEND ? [env.BACKEND] : env.BACKENDS;
  if (wanted) return [...new Set(wanted)].map((type) => READERS[type](env));
  const set = BACKEND_TYPES.filter((type) => type !== 'local-viewcomfy' && SIGNS[type].some((name) => env[name]));
  const [first = 'local-viewcomfy', second] = set;
  if (second) {
    throw new BackendSettingsError(
      `BACKENDS is missing: ${set.join(' and ')} are set. Name the one to use, or all in the order to ask them: BACKENDS=${set.join(',')}`,
    );
  }
  return [READERS[first](env)];
}

function missing(needed: Readonly<Record<string, unknown>>, why: string): BackendSettingsError {
  const names = Object.entries(needed).filter(([, value]) => !value);
  return new BackendSettingsError(names.map(([name]) => `${name} is missing: ${why}`).join('\n'));
}
