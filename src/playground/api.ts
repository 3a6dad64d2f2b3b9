import type {
  APIApplicationCommand,
  APIMessage,
  APIModalInteractionResponseCallbackData,
  APIUser,
} from 'discord-api-types/v10';

/**
 * The JSON that the playground's own API speaks, for its page, for tests and for people's scripts. Types only.
 * `{user}` and `{channel}` in a path are an id or a name.
 */

/** `GET /playground/state` */
export interface PlaygroundState {
  /** the playground's clock, milliseconds since the epoch */
  now: number;
  bot: { user: APIUser; online: boolean };
  users: PlaygroundUser[];
  channels: PlaygroundChannel[];
  guilds: PlaygroundGuild[];
  /** as registered by the bot */
  commands: APIApplicationCommand[];
  faults: PlaygroundFault[];
}

export interface PlaygroundUser {
  id: string;
  name: string;
  displayName: string;
  /** an address under the playground's own origin */
  avatarUrl: string;
  /** what there is to try as this person, one short line: `Moderator`, `Nitro: files up to 500 MiB` */
  about: string;
  /** whether they take no direct messages */
  closedDms: boolean;
}

export interface PlaygroundChannel {
  id: string;
  name: string;
  kind: 'guild-text' | 'dm' | 'group-dm';
  /** what there is to try here, one short line: `The bot may not attach files here` */
  about: string;
  /** ids of the users who see it */
  users: string[];
  /** whether the bot is a member of the guild; where it is not, commands come from a user's own installation */
  botIsMember: boolean;
  /** absent: direct messages */
  guild?: string;
  botPermissions: Record<BotPermission, boolean>;
}

interface PlaygroundGuild {
  id: string;
  name: string;
  botIsMember: boolean;
  premiumTier: PremiumTier;
  /** bytes: what a file may have here for everybody */
  fileLimit: number;
}

/** 0 and 1 leave the limit of files as it is, 2 makes it 50 MiB, 3 100 MiB. */
export type PremiumTier = 0 | 1 | 2 | 3;

export type BotPermission = 'ViewChannel' | 'SendMessages' | 'AttachFiles' | 'ReadMessageHistory';

/**
 * Changes of the world while it runs; each answers 204, and takes JSON where it has a body.
 *
 * - `DELETE /playground/channels/{channel}`: a channel of a guild and all that is in it
 * - `PATCH /playground/channels/{channel}` with this: only the permissions that are named
 */
export interface ChannelChange {
  botPermissions: { [permission in BotPermission]?: boolean | undefined };
}

/** `PATCH /playground/users/{user}` → 204 */
export interface UserChange {
  closedDms: boolean;
}

/**
 * `PATCH /playground/guilds/{guild}` → 204. A bot that is no member any more sees nothing of the guild with its own
 * token; commands then come from the people's own installations.
 */
export interface GuildChange {
  botIsMember?: boolean | undefined;
  premiumTier?: PremiumTier | undefined;
}

/**
 * `GET /playground/messages?channel={channel}`: every message that the bot ever made (in the channel, where one is named
 * by its id or name), oldest first, also those that are deleted by now (`DELETE /playground/messages/{message}` → 204
 * does that as a moderator would). What a user sees of a channel, or of `dm`, is at
 * `GET /playground/users/{user}/channels/{channel}/messages`.
 */
export interface PlaygroundMessage {
  id: string;
  channel: string;
  /** the user who alone sees it */
  onlyFor?: string;
  /** the interaction that it answers */
  interaction?: string;
  nonce?: string | number;
  /** milliseconds since the epoch, by the playground's clock; so are the others */
  createdAt: number;
  editedAt?: number;
  deletedAt?: number;
  /** a deferred answer that has no content yet */
  loading: boolean;
  edits: number;
  /** its files now, or when it was deleted; sizes in bytes */
  files: { id: string; name: string; size: number }[];
}

/** `GET /playground/requests`: what the bot has asked since the start, summed up by route and answer */
export interface PlaygroundRequests {
  /** as in the coverage list: `PATCH /webhooks/{application}/{token}/messages/{message}` */
  route: string;
  /** 0 where a fault left it without an answer */
  status: number;
  /** of a refusal, Discord's own: 50027 for instance */
  code?: number;
  times: number;
  /**
   * How many of these refusals the bot could have foreseen: it had got the same code before, with the same interaction
   * token (on any route), or with its own token for the same path.
   */
  repeats: number;
}

/**
 * `POST /playground/users/{user}/commands/{name}`, `…/components`, `…/modals` answer 201 with this.
 *
 * - commands take a form: a part per option (text or file), `channel` (an id, a name or `dm`; absent: the first channel
 *   that the user sees), and for a context-menu command `target` (a message's id; a user's id or name). Without files a
 *   JSON object of the same is taken too. A subcommand is named after a space: `jobs show`.
 * - components take `{message, customId, values?}`
 * - modals take `{interaction, fields}`, the interaction being the one that was answered with the modal and `fields` the
 *   values by custom id (text, list or boolean). With files it is a form: `fields` is that JSON, and each file is a part
 *   named by its custom id.
 *
 * Errors of all paths are `{error}` with a sentence: 400 for what cannot be read, 403 for what is not offered here, 404
 * for what is not there or not seen by this user, 413 for what is too large, 422 for what a Discord client would not send.
 * A user's name that is new makes a new member.
 */
export interface InteractionStarted {
  interaction: string;
}

/** `GET /playground/interactions/{interaction}` */
export interface PlaygroundInteraction {
  id: string;
  user: string;
  channel: string;
  /** `failed`: no answer within 3 s */
  state: 'pending' | 'answered' | 'failed';
  /** milliseconds from its creation to the bot's first answer */
  answeredAfterMs?: number;
  /** the message that the answer is, or that it edits */
  message?: string;
  /** when the bot answered with a modal */
  modal?: APIModalInteractionResponseCallbackData;
}

/** `GET /playground/users/{user}/autocomplete?command&option&value`, with `channel` and the other options so far as further parameters; 504 when the bot gives none in time */
export interface AutocompleteChoices {
  choices: { name: string; value: string | number }[];
}

export type FaultKind = 'reset' | 'cut' | 'stall' | '502' | '429' | '401' | 'lost-answer';

/** `POST /playground/faults`; answers 201 with all faults that are switched on. `times: 0` switches the fault off. */
export interface PlaygroundFault {
  /** a route as in the coverage list, for example `PATCH /webhooks/{application}/{token}/messages/{message}`; absent: every route of the bot */
  route?: string;
  kind: FaultKind;
  times: number;
}

/** `GET /playground/events?user={user}`: server-sent events, `event:` is the type and `data:` is this as JSON; only what that user may see */
export type PlaygroundEvent =
  | { type: 'message-created' | 'message-updated'; channel: string; message: APIMessage }
  | { type: 'message-deleted'; channel: string; message: string }
  | { type: 'interaction-changed'; interaction: PlaygroundInteraction }
  /** users, channels, commands, the bot's presence, the clock or faults changed: read `/playground/state` again */
  | { type: 'state-changed' };
