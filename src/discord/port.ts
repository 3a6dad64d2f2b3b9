import { openAsBlob } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import {
  InteractionResponseType,
  MessageFlags,
  RESTJSONErrorCodes,
  Routes,
  type APIMessageTopLevelComponent,
} from 'discord-api-types/v10';
import { DiscordAPIError, HTTPError, type REST } from 'discord.js';
import { z } from 'zod';
import type { Logger } from '../log.ts';

/**
 * All our message traffic, over discord.js's REST for its rate limits and nothing else of it. Its own retries come at
 * once, in a row and for every method, its errors carry tokens and whole files, and an interaction whose answer was
 * lost cannot be edited any more; so repeats and errors are decided here.
 */
export interface Port {
  /** "Troupe is thinking…": the first answer, to be edited. Answers the message's id where Discord told it. */
  defer(call: Call, visibility: Visibility): Promise<string | undefined>;
  /** The first answer to a button whose message is going to be edited, or not at all. */
  deferUpdate(call: Call): Promise<void>;
  /** A first answer that is whole. */
  answer(call: Call, message: OutgoingMessage, visibility: Visibility): Promise<void>;
  editReply(call: Call, message: OutgoingMessage, tries?: Tries): Promise<string>;
  /** A webhook takes no nonce: where the answer to a follow-up is lost it comes twice, which is better than not at all. */
  followUp(call: Call, message: OutgoingMessage, visibility: Visibility): Promise<string>;
  editMessage(channel: string, id: string, message: OutgoingMessage, tries?: Tries): Promise<string>;
  /** @param nonce at most 25 characters: Discord takes a message with the same nonce only once for some minutes */
  sendMessage(channel: string, message: OutgoingMessage, nonce: string): Promise<string>;
  /** The channel of the bot's direct messages with a user. */
  directChannel(user: string): Promise<string>;
}

export type Visibility = 'public' | 'private';

/** `once`: for what is out of date before it could be sent again; `patient`, the default: until Discord is back. */
export type Tries = 'once' | 'patient';

/** How long Discord is waited for, milliseconds. */
export interface PortPatience {
  /** one try of a first answer: two fit into the 3 s that there are */
  readonly firstAnswerMs: number;
  /** one request of words alone */
  readonly wordsMs: number;
  /** one request with files */
  readonly filesMs: number;
  /** between the tries of what may be sent again: growing, a minute in all */
  readonly pausesMs: readonly number[];
}

export const PORT_PATIENCE: PortPatience = {
  firstAnswerMs: 1500,
  wordsMs: 15_000,
  // 25 MiB at 200 KB a second, and a little.
  filesMs: 150_000,
  pausesMs: [250, 1000, 3000, 8000, 15_000, 30_000],
};

/** What an answer to an interaction needs. The token lives for 15 minutes (receiving-and-responding.mdx). */
export interface Call {
  readonly id: string;
  readonly application: string;
  readonly token: string;
}

/** Always made of V2 components: a message cannot be turned back, so it never is anything else. */
export interface OutgoingMessage {
  readonly components: readonly APIMessageTopLevelComponent[];
  readonly files?: readonly OutgoingFile[];
  /** users who are notified; nobody else is, whatever the text says */
  readonly mention?: string;
}

export interface OutgoingFile {
  /** `[a-z0-9._-]`: Discord would change other names, and `attachment://` would not find them */
  readonly name: string;
  readonly path: string;
  readonly mediaType: string;
  /** what is read to those who do not see it; at most 1024 characters */
  readonly description: string;
}

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

  constructor(kind: 'gone' | 'wrong' | 'unavailable', what: string, code?: number) {
    super(code === undefined ? what : `${what} (${code})`);
    this.kind = kind;
    this.code = code;
  }
}

/** A first answer has 3 s in all, so its repeats come at once. */
const FIRST_ANSWER_PAUSES_MS = [50, 200, 500];

interface PortDependencies {
  /** for what carries an interaction's token: no login, its own limits */
  interactions: REST;
  /** for what the bot does by its own token */
  bot: REST;
  /** a 401 makes discord.js forget the bot's token; this is how it is told again */
  token: string;
  patience?: PortPatience | undefined;
  log: Logger;
}

export function createPort({ interactions, bot, token, patience = PORT_PATIENCE, log }: PortDependencies): Port {
  async function send<Result>(
    what: string,
    timeoutMs: number,
    pauses: readonly number[],
    request: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 0; ; attempt += 1) {
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        return await request(signal);
      } catch (error) {
        const failure = toDiscordError(what, error, signal);
        const wait = pauses[attempt];
        if (failure.kind !== 'unavailable' || wait === undefined) throw failure;
        log.debug({ what, attempt, code: failure.code }, 'Discord asked again');
        await pause(wait * (0.75 + Math.random() / 2));
      }
    }
  }

  async function callback(call: Call, body: unknown): Promise<string | undefined> {
    try {
      return await send('first answer', patience.firstAnswerMs, FIRST_ANSWER_PAUSES_MS, async (signal) => {
        const response = await interactions.post(Routes.interactionCallback(call.id, call.token), {
          auth: false,
          body,
          signal,
          query: new URLSearchParams({ with_response: 'true' }),
        });
        return messageIdOf(response);
      });
    } catch (error) {
      // Our first try arrived and only its answer was lost: all is well.
      if (error instanceof DiscordError && error.code === RESTJSONErrorCodes.InteractionHasAlreadyBeenAcknowledged) {
        return undefined;
      }
      throw error;
    }
  }

  function sendMessage(
    what: string,
    message: OutgoingMessage,
    tries: Tries,
    request: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<string> {
    const timeoutMs = message.files?.length ? patience.filesMs : patience.wordsMs;
    const pauses = tries === 'once' ? [] : patience.pausesMs;
    return send(what, timeoutMs, pauses, async (signal) => idOf(await request(signal)));
  }

  /** Without a login, and with the form as we made it. */
  const byCallToken = { auth: false, passThroughBody: true };

  function bySelf(): REST {
    return bot.setToken(token);
  }

  return {
    defer: (call, visibility) =>
      callback(call, {
        type: InteractionResponseType.DeferredChannelMessageWithSource,
        data: { flags: visibility === 'private' ? MessageFlags.Ephemeral : 0 },
      }),
    async deferUpdate(call) {
      await callback(call, { type: InteractionResponseType.DeferredMessageUpdate });
    },
    async answer(call, message, visibility) {
      await callback(call, {
        type: InteractionResponseType.ChannelMessageWithSource,
        data: payloadOf(message, visibility),
      });
    },
    editReply: (call, message, tries = 'patient') =>
      sendMessage('edit of the reply', message, tries, async (signal) => {
        const body = await formOf(message, 'public');
        const route = Routes.webhookMessage(call.application, call.token, '@original');
        return await interactions.patch(route, { ...byCallToken, body, signal });
      }),
    followUp: (call, message, visibility) =>
      sendMessage('follow-up', message, 'patient', async (signal) => {
        const body = await formOf(message, visibility);
        const query = new URLSearchParams({ wait: 'true' });
        return await interactions.post(Routes.webhook(call.application, call.token), {
          ...byCallToken,
          body,
          query,
          signal,
        });
      }),
    editMessage: (channel, id, message, tries = 'patient') =>
      sendMessage('edit of a message', message, tries, async (signal) => {
        const body = await formOf(message, 'public');
        return await bySelf().patch(Routes.channelMessage(channel, id), { passThroughBody: true, body, signal });
      }),
    sendMessage: (channel, message, nonce) =>
      sendMessage('message', message, 'patient', async (signal) => {
        const body = await formOf(message, 'public', nonce);
        return await bySelf().post(Routes.channelMessages(channel), { passThroughBody: true, body, signal });
      }),
    directChannel: (user) =>
      send('direct channel', patience.wordsMs, patience.pausesMs, async (signal) =>
        idOf(await bySelf().post(Routes.userChannels(), { body: { recipient_id: user }, signal })),
      ),
  };
}

const WithId = z.object({ id: z.string() });
const CallbackAnswer = z.object({ resource: z.object({ message: WithId }).partial() }).partial();

function idOf(response: unknown): string {
  return WithId.parse(response).id;
}

/** Discord tells the id since 2024; an answer without one is as good. */
function messageIdOf(response: unknown): string | undefined {
  return CallbackAnswer.safeParse(response).data?.resource?.message?.id;
}

function payloadOf(message: OutgoingMessage, visibility: Visibility) {
  return {
    flags: MessageFlags.IsComponentsV2 | (visibility === 'private' ? MessageFlags.Ephemeral : 0),
    components: message.components,
    allowed_mentions: { parse: [], ...(message.mention && { users: [message.mention] }) },
    // Left out, an edit keeps the files that are there.
    ...(message.files && {
      attachments: message.files.map(({ name, description }, id) => ({ id: String(id), filename: name, description })),
    }),
  };
}

/**
 * The files stay on disk until the socket takes them: `openAsBlob` reads while it sends. The form is the platform's own:
 * discord.js passes on no other.
 */
async function formOf(message: OutgoingMessage, visibility: Visibility, nonce?: string): Promise<FormData> {
  const form = new FormData();
  for (const [index, file] of (message.files ?? []).entries()) {
    form.append(`files[${index}]`, await openAsBlob(file.path, { type: file.mediaType }), file.name);
  }
  const payload = { ...payloadOf(message, visibility), ...(nonce && { nonce, enforce_nonce: true }) };
  form.append('payload_json', JSON.stringify(payload));
  return form;
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

function toDiscordError(what: string, error: unknown, signal: AbortSignal): DiscordError {
  if (error instanceof DiscordAPIError) {
    const code = Number(error.code);
    // Not Discord itself but something on the way to it, which answers pages and no codes.
    if (Number.isNaN(code)) {
      return new DiscordError(
        error.status === 413 ? 'wrong' : 'unavailable',
        `${what} failed with HTTP ${error.status}`,
      );
    }
    if (GONE.has(code) || error.status === 401) return new DiscordError('gone', `${what} refused`, code);
    return new DiscordError('wrong', `${what} not accepted: ${error.message}`, code);
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

/** The name of what went wrong on the way to Discord; undefined for mistakes of our own, which a repeat does not mend. */
function networkCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return error.name;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  // Node names its own complaints ERR_…; sockets and look-ups have E…, undici UND_ERR_….
  if (code && !code.startsWith('ERR_')) return code;
  return networkCode(error.cause);
}
