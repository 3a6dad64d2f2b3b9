import { RESTJSONErrorCodes } from 'discord-api-types/v10';
import { DiscordAPIError, HTTPError } from 'discord.js';
import { z } from 'zod';

/**
 * What Discord said, without the request.
 * - `gone`: the token, message or channel is dead, or closed to us; trying again is pointless and counts against us
 * - `wrong`: Discord does not accept the request itself, for example its size
 * - `unavailable`: no answer, or one that says to come back
 */
export class DiscordError extends Error {
  override name = 'DiscordError';
  readonly kind: 'gone' | 'wrong' | 'unavailable';
  readonly code: number | undefined;
  /** whether it is `wrong` because of how large or how many the files are */
  readonly isAboutFiles: boolean;

  constructor(kind: 'gone' | 'wrong' | 'unavailable', what: string, code?: number, isAboutFiles = false) {
    super(code === undefined ? what : `${what} (${code})`);
    this.kind = kind;
    this.code = code;
    this.isAboutFiles = isAboutFiles;
  }
}

/** Codes that stay as they are however often one asks (discord-api-docs, opcodes-and-status-codes.mdx). */
const GONE = new Set<number>([
  RESTJSONErrorCodes.UnknownChannel,
  RESTJSONErrorCodes.UnknownMessage,
  RESTJSONErrorCodes.UnknownWebhook,
  RESTJSONErrorCodes.UnknownInteraction,
  RESTJSONErrorCodes.MissingAccess,
  RESTJSONErrorCodes.CannotSendMessagesToThisUser,
  RESTJSONErrorCodes.MissingPermissions,
  RESTJSONErrorCodes.InvalidWebhookToken,
  40_094, // more than five follow-ups of an interaction of a user-installed app
  50_278, // no server in common
]);

/** @throws what is no error of Discord's or of the way to it, as it is */
export function toDiscordError(what: string, error: unknown, signal: AbortSignal): DiscordError {
  if (error instanceof DiscordAPIError) {
    const code = Number(error.code);
    // Not Discord itself but something on the way to it, which answers pages and no codes.
    if (Number.isNaN(code)) {
      const isTooLarge = error.status === 413;
      const kind = isTooLarge ? 'wrong' : 'unavailable';
      return new DiscordError(kind, `${what} failed with HTTP ${error.status}`, undefined, isTooLarge);
    }
    if (GONE.has(code) || error.status === 401) return new DiscordError('gone', `${what} refused`, code);
    return new DiscordError('wrong', `${what} not accepted: ${error.message}`, code, isAboutFiles(error));
  }
  if (error instanceof HTTPError) return new DiscordError('unavailable', `${what} failed with HTTP ${error.status}`);
  // An answer that is no JSON, or not what it should be; discord.js looks for a code `in` whatever it is.
  const isNoObject = error instanceof TypeError && error.message.includes("'in' operator");
  if (isNoObject || error instanceof SyntaxError || error instanceof z.ZodError) {
    return new DiscordError('unavailable', `${what} was answered unintelligibly`);
  }
  // What waits for its turn behind another request with the same token is given up with an error of no name.
  const network = networkCode(error) ?? (signal.aborted ? 'no turn in time' : undefined);
  if (network) return new DiscordError('unavailable', `${what} failed: ${network}`);
  throw error;
}

const TOO_LARGE = new Set<number>([
  RESTJSONErrorCodes.RequestEntityTooLarge,
  RESTJSONErrorCodes.MaximumNumberOfAttachmentsInAMessageReached,
]);

/** Whether fewer or smaller files would do; a form that is not valid names the field. */
function isAboutFiles({ code, status, rawError }: DiscordAPIError): boolean {
  if (status === 413 || TOO_LARGE.has(Number(code))) return true;
  const fields = 'errors' in rawError ? Object.keys(rawError.errors ?? {}) : [];
  return fields.some((field) => field === 'files' || field === 'attachments');
}

/** The name of what went wrong on the way to Discord; undefined for mistakes of our own, which a repeat does not mend. */
function networkCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return error.name;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  // Node names its own complaints ERR_…; sockets and look-ups have E…, undici UND_ERR_….
  if (code && !code.startsWith('ERR_')) return code;
  return networkCode(error.cause);
}
