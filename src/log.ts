import { pino, type Logger as PinoLogger } from 'pino';
import pretty from 'pino-pretty';

export type Logger = PinoLogger;

/**
 * Messages are static, what varies is in the fields; every line about a job carries its id. Prompts, tokens and file
 * contents are never given to the log: the paths below are the last guard, not the first.
 */
export function createLogger(level: string): Logger {
  const options = {
    level,
    base: null,
    redact: {
      paths: ['token', '*.token', 'clientSecret', '*.clientSecret', 'headers', '*.headers', '*.requestBody', '*.url'],
      censor: '[hidden]',
    },
    serializers: { error: serializeError },
  };
  // Synchronous in both cases: the last line before an exit must not be lost.
  return process.stdout.isTTY
    ? pino(options, pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }))
    : pino(options, pino.destination({ sync: true }));
}

/**
 * Name, message, stack and causes, and nothing else: discord.js puts tokens and whole files into its errors' fields.
 * The tokens are in the messages' addresses too.
 */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  return {
    type: error.name,
    message: hideTokens(error.message),
    stack: hideTokens(error.stack ?? ''),
    ...('code' in error && { code: error.code }),
    ...(error.cause !== undefined && { cause: serializeError(error.cause) }),
  };
}

/** Interaction tokens stand in webhook and callback paths; bot tokens have three dotted parts. */
function hideTokens(text: string): string {
  return text
    .replaceAll(/(webhooks|interactions)\/(\d+)\/[\w%.-]+/g, '$1/$2/[hidden]')
    .replaceAll(/[\w-]{23,30}\.[\w-]{6,7}\.[\w-]{27,}/g, '[hidden]');
}
