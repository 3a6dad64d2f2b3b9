import { openAsBlob } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import {
  InteractionResponseType,
  MessageFlags,
  RESTJSONErrorCodes,
  Routes,
  type APIMessageTopLevelComponent,
  type APIModalInteractionResponseCallbackData,
  type GuildPremiumTier,
} from 'discord-api-types/v10';
import type { REST } from 'discord.js';
import { z } from 'zod';
import type { Logger } from '../log.ts';
import { DiscordError, toDiscordError } from './discord-error.ts';
import { snowflakeOf } from './snowflake.ts';

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
  /** A first answer that asks for more. */
  showModal(call: Call, modal: APIModalInteractionResponseCallbackData): Promise<void>;
  /** The answer to what is being typed into an option: at most 25, of at most 100 characters each. */
  suggest(call: Call, choices: readonly string[]): Promise<void>;
  /** A message of its own beside the reply, which must have been edited already. It may arrive twice. */
  followUp(call: Call, message: OutgoingMessage, visibility: Visibility, tries?: Tries): Promise<string>;
  editReply(call: Call, message: OutgoingMessage, tries?: Tries, signal?: AbortSignal): Promise<string>;
  editMessage(
    channel: string,
    id: string,
    message: OutgoingMessage,
    tries?: Tries,
    signal?: AbortSignal,
  ): Promise<string>;
  /** @param nonce at most 25 characters: Discord takes a message with the same nonce only once for some minutes */
  sendMessage(
    channel: string,
    message: OutgoingMessage,
    nonce: string,
    tries?: Tries,
    signal?: AbortSignal,
  ): Promise<string>;
  /** The bot's own message whose first component has this id, among those made in a channel since then. */
  findMessage(channel: string, marker: number, sinceMs: number): Promise<string | undefined>;
  /** The channel of the bot's direct messages with a user. */
  directChannel(user: string, tries?: Tries): Promise<string>;
  /** How far a server is boosted, which decides how large files may be. */
  premiumTier(guild: string): Promise<GuildPremiumTier>;
}

export type Visibility = 'public' | 'private';

/**
 * `once`: for what is out of date before it could be sent again; `twice`: for what somebody else tries again later;
 * `patient`, the default: until Discord is back.
 */
type Tries = 'once' | 'twice' | 'patient';

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

/** On disk where it is large; a preview is small and is in memory. */
export type OutgoingFile = OutgoingFileFacts &
  ({ readonly path: string } | { readonly bytes: Uint8Array<ArrayBuffer> });

interface OutgoingFileFacts {
  /** `[a-z0-9._-]`: Discord would change other names, and `attachment://` would not find them */
  readonly name: string;
  readonly mediaType: string;
  /** what is read to those who do not see it; at most 1024 characters */
  readonly description: string;
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
    given?: AbortSignal,
  ): Promise<Result> {
    for (let attempt = 0; ; attempt += 1) {
      const timeout = AbortSignal.timeout(timeoutMs);
      const signal = given ? AbortSignal.any([timeout, given]) : timeout;
      try {
        return await request(signal);
      } catch (error) {
        const failure = toDiscordError(what, error, signal);
        const wait = pauses[attempt];
        if (failure.kind !== 'unavailable' || wait === undefined || given?.aborted) throw failure;
        log.debug({ what, attempt, code: failure.code }, 'Discord asked again');
        await pause(wait * (0.75 + Math.random() / 2));
      }
    }
  }

  function pausesOf(tries: Tries): readonly number[] {
    if (tries === 'once') return [];
    return tries === 'twice' ? patience.pausesMs.slice(0, 1) : patience.pausesMs;
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
    given?: AbortSignal,
  ): Promise<string> {
    const timeoutMs = message.files?.length ? patience.filesMs : patience.wordsMs;
    return send(what, timeoutMs, pausesOf(tries), async (signal) => idOf(await request(signal)), given);
  }

  let own: string | undefined;

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
    async showModal(call, modal) {
      await callback(call, { type: InteractionResponseType.Modal, data: modal });
    },
    async suggest(call, choices) {
      await callback(call, {
        type: InteractionResponseType.ApplicationCommandAutocompleteResult,
        data: { choices: choices.map((choice) => ({ name: choice, value: choice })) },
      });
    },
    followUp(call, message, visibility, tries = 'patient') {
      const route = Routes.webhook(call.application, call.token);
      const query = new URLSearchParams({ wait: 'true' });
      async function post(signal: AbortSignal): Promise<unknown> {
        return await interactions.post(route, {
          ...byCallToken,
          query,
          body: await formOf(message, visibility),
          signal,
        });
      }
      return sendMessage('follow-up', message, tries, post);
    },
    editReply(call, message, tries = 'patient', given?: AbortSignal) {
      const route = Routes.webhookMessage(call.application, call.token, '@original');
      async function edit(signal: AbortSignal): Promise<unknown> {
        return await interactions.patch(route, { ...byCallToken, body: await formOf(message, 'public'), signal });
      }
      return sendMessage('edit of the reply', message, tries, edit, given);
    },
    editMessage(channel, id, message, tries = 'patient', given?: AbortSignal) {
      async function edit(signal: AbortSignal): Promise<unknown> {
        const body = await formOf(message, 'public');
        return await bySelf().patch(Routes.channelMessage(channel, id), { passThroughBody: true, body, signal });
      }
      return sendMessage('edit of a message', message, tries, edit, given);
    },
    sendMessage(channel, message, nonce, tries = 'patient', given?: AbortSignal) {
      async function post(signal: AbortSignal): Promise<unknown> {
        const body = await formOf(message, 'public', nonce);
        return await bySelf().post(Routes.channelMessages(channel), { passThroughBody: true, body, signal });
      }
      return sendMessage('message', message, tries, post, given);
    },
    async findMessage(channel, marker, sinceMs) {
      own ??= idOf(await send('who we are', patience.wordsMs, [], (signal) => bySelf().get(Routes.user(), { signal })));
      let after = snowflakeOf(sinceMs);
      for (let page = 0; page < HISTORY_PAGES; page += 1) {
        const query = new URLSearchParams({ after, limit: String(HISTORY_PAGE) });
        const messages = await send('history', patience.wordsMs, [], async (signal) =>
          History.parse(await bySelf().get(Routes.channelMessages(channel), { query, signal })),
        );
        const found = messages.find(({ author, components }) => author.id === own && components[0]?.id === marker);
        if (found) return found.id;
        // The newest comes first.
        const [newest] = messages;
        if (!newest || messages.length < HISTORY_PAGE) return undefined;
        after = newest.id;
      }
      return undefined;
    },
    directChannel: (user, tries = 'patient') =>
      send('direct channel', patience.wordsMs, pausesOf(tries), async (signal) =>
        idOf(await bySelf().post(Routes.userChannels(), { body: { recipient_id: user }, signal })),
      ),
    premiumTier: (guild) =>
      send(
        'server',
        patience.wordsMs,
        [],
        async (signal) => Boosted.parse(await bySelf().get(Routes.guild(guild), { signal })).premium_tier,
      ),
  };
}

const WithId = z.object({ id: z.string() });
const CallbackAnswer = z.object({ resource: z.object({ message: WithId }).partial() }).partial();

const Boosted = z.object({ premium_tier: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]) });
const History = z.array(
  z.object({
    id: z.string(),
    author: WithId,
    components: z.array(z.object({ id: z.number().optional() })).default([]),
  }),
);
/** resources/message.mdx: a hundred messages at most. A thousand made within minutes are more than any channel has. */
const HISTORY_PAGE = 100;
const HISTORY_PAGES = 10;

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
    const type = file.mediaType;
    const blob = 'path' in file ? await openAsBlob(file.path, { type }) : new Blob([file.bytes], { type });
    form.append(`files[${index}]`, blob, file.name);
  }
  const payload = { ...payloadOf(message, visibility), ...(nonce && { nonce, enforce_nonce: true }) };
  form.append('payload_json', JSON.stringify(payload));
  return form;
}
