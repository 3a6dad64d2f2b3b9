import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import pretty from 'pino-pretty';

export type Logger = PinoLogger;

/** More causes than an honest error has; one that is its own cause must not end the process. */
const MOST_CAUSES = 8;

/**
 * Messages are static, what varies is in the fields; every line about a job carries its id. Prompts, tokens and file
 * contents are never given to the log: the paths below are the last guard, not the first.
 * @param destination gets the lines as JSON; standard output where none is given
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    // Without it, an error that is given alone would be told by pino, with all its fields.
    errorKey: 'error',
    serializers: { error: (error: unknown) => serializeError(error) },
    hooks: { streamWrite: hideTokens },
    redact: {
      paths: ['token', '*.token', 'clientSecret', '*.clientSecret', 'headers', '*.headers', '*.requestBody', '*.url'],
      censor: '[hidden]',
    },
  };
  if (destination) return pino(options, destination);
  // Synchronous in both cases: the last line before an exit must not be lost.
  return process.stdout.isTTY
    ? pino(options, pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }))
    : pino(options, pino.destination({ sync: true }));
}

/** Name, message, stack and causes, and nothing else: discord.js puts tokens and whole files into its errors' fields. */
function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : `not an error: ${typeof error}`;
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...('code' in error && { code: error.code }),
    ...(error.cause !== undefined && depth < MOST_CAUSES && { cause: serializeError(error.cause, depth + 1) }),
  };
}

/**
 * Of the whole line, as tokens stand in addresses and these in messages: interaction tokens in webhook and callback
 * paths; bot tokens have three dotted parts.
 */
function hideTokens(line: string): string {
  return line
    .replaceAll(/(webhooks|interactions)\/(\d+)\/[\w%.-]+/g, '$1/$2/[hidden]')
    .replaceAll(/[\w-]{23,30}\.[\w-]{6,7}\.[\w-]{27,}/g, '[hidden]');
}
