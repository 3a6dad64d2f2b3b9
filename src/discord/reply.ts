import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { DiscordError, type Call, type OutgoingMessage, type Port, type Visibility } from './port.ts';

/**
 * One command's reply, by whichever way still reaches the person: an interaction's token is dead after 15 minutes, and
 * jobs are longer. A way that is closed once is not tried again.
 */
export interface Reply {
  /** The largest file that can be sent by the way that is open now, bytes. */
  fileLimit(): number;
  /** Changes the reply itself. @throws DiscordError `gone` when it cannot be reached any more */
  edit(message: OutgoingMessage): Promise<void>;
  /**
   * Gets a message to the person: into the reply, else as a new message in the channel or to the person directly.
   * `render` is told whether it is a new one, which then has to name the person. @throws DiscordError when no way is left
   */
  deliver(render: (isNew: boolean) => OutgoingMessage): Promise<void>;
  /** A further message after the delivered one. */
  add(message: OutgoingMessage, nonce: string): Promise<void>;
}

/** Where and for whom a command was called. */
interface CallPlace {
  readonly user: string;
  readonly channel: string;
  /** whether the bot itself may act there, and not only answer */
  readonly botIsMember: boolean;
  readonly visibility: Visibility;
  /** the interaction's `attachment_size_limit`, bytes */
  readonly fileLimit: number;
}

/** 20 MiB for every message since 2026-09-04 (discord-api-docs PR #8578); the call's own limit ends with its token. */
const STANDARD_FILE_LIMIT = 20 * 1024 * 1024;

/** receiving-and-responding.mdx: 15 minutes, less what a large upload may take. */
const TOKEN_LIFE_MS = 14.5 * 60_000;

interface ReplyDependencies {
  port: Port;
  call: Call;
  place: CallPlace;
  /** the reply's own message id, where Discord told it */
  messageId: string | undefined;
  clock: Clock;
  log: Logger;
}

type Way = 'token' | 'message' | 'channel' | 'direct';

export function createReply({ port, call, place, messageId, clock, log }: ReplyDependencies): Reply {
  const tokenDeadAt = clock.now() + TOKEN_LIFE_MS;
  const closed = new Set<Way>();
  const actsInChannel = place.botIsMember && place.visibility === 'public';
  if (!actsInChannel) closed.add('message').add('channel');
  if (messageId === undefined) closed.add('message');
  /** the way the last message went */
  let last: Way = 'token';

  /** Tries the ways in order; one that turns out to be closed is not tried again. */
  async function byFirstOpen(ways: Partial<Record<Way, () => Promise<unknown>>>): Promise<void> {
    for (const way of ['token', 'message', 'channel', 'direct'] as const) {
      const send = closed.has(way) ? undefined : ways[way];
      if (!send) continue;
      try {
        await send();
        last = way;
        return;
      } catch (error) {
        if (!(error instanceof DiscordError) || error.kind === 'wrong') throw error;
        if (error.kind === 'unavailable' && !('channel' in ways)) throw error;
        if (error.kind === 'gone') closed.add(way);
        log.warn({ way, code: error.code, reason: error.message }, 'A way to the person is closed');
      }
    }
    throw new DiscordError('gone', 'No way to the person is open');
  }

  return {
    fileLimit: () =>
      clock.now() < tokenDeadAt && !closed.has('token')
        ? place.fileLimit
        : Math.min(place.fileLimit, STANDARD_FILE_LIMIT),
    edit: (message) =>
      byFirstOpen({
        token: () => port.editReply(call, message),
        message: () => port.editMessage(place.channel, messageId ?? '', message),
      }),
    deliver: (render) =>
      byFirstOpen({
        token: () => port.editReply(call, render(false)),
        message: () => port.editMessage(place.channel, messageId ?? '', render(false)),
        channel: () => port.sendMessage(place.channel, render(true), `r${call.id}`),
        direct: async () => port.sendMessage(await port.directChannel(place.user), render(true), `d${call.id}`),
      }),
    async add(message, nonce) {
      if (last === 'token') await port.followUp(call, message, place.visibility);
      else if (last === 'direct') await port.sendMessage(await port.directChannel(place.user), message, nonce);
      else await port.sendMessage(place.channel, message, nonce);
    },
  };
}
