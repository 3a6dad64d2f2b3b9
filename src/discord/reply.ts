import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { DiscordError, type Call, type OutgoingMessage, type Port, type Tries, type Visibility } from './port.ts';

/**
 * One command's reply, by whichever way still reaches the person: an interaction's token is dead after 15 minutes, and
 * jobs are longer. A way that is closed once is not tried again.
 */
export interface Reply {
  /** The largest file that can be sent by the way that is open now, bytes. */
  fileLimit(): number;
  /**
   * Changes the reply itself; `once` when what it says is out of date soon.
   * @throws DiscordError `gone` when it cannot be reached any more
   */
  edit(message: OutgoingMessage, tries?: Tries): Promise<void>;
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
type Ways = readonly (readonly [way: Way, send: () => Promise<unknown>])[];

export function createReply({ port, call, place, messageId, clock, log }: ReplyDependencies): Reply {
  const tokenDeadAt = clock.now() + TOKEN_LIFE_MS;
  const closed = new Set<Way>();
  if (!place.botIsMember || place.visibility === 'private') closed.add('message').add('channel');
  /** the reply's own id: where the first answer's answer was lost, an edit's tells it */
  let own = messageId;

  /** Tries the ways in order; one that turns out to be closed is not tried again. */
  async function byFirstOpen(ways: Ways, goesOnAfter: (error: DiscordError) => boolean): Promise<void> {
    let failure = new DiscordError('gone', 'No way to the person is open');
    for (const [way, send] of ways) {
      if (closed.has(way)) continue;
      try {
        await send();
        return;
      } catch (error) {
        if (!(error instanceof DiscordError)) throw error;
        if (error.kind === 'gone') closed.add(way);
        log.warn({ way, kind: error.kind, code: error.code, reason: error.message }, 'A way to the person failed');
        failure = error;
        if (!goesOnAfter(error)) break;
      }
    }
    throw failure;
  }

  /** Both change one and the same message, so that repeating them and going from one to the other shows nothing twice. */
  function edits(message: OutgoingMessage, tries: Tries): Ways {
    return [
      [
        'token',
        async () => {
          own = await port.editReply(call, message, tries);
        },
      ],
      [
        'message',
        async () => {
          if (own === undefined) throw new DiscordError('unavailable', 'The reply is not known by its id');
          await port.editMessage(place.channel, own, message, tries);
        },
      ],
    ];
  }

  async function sendDirectly(message: OutgoingMessage, nonce: string): Promise<void> {
    await port.sendMessage(await port.directChannel(place.user), message, nonce);
  }

  return {
    fileLimit: () =>
      clock.now() < tokenDeadAt && !closed.has('token')
        ? place.fileLimit
        : Math.min(place.fileLimit, STANDARD_FILE_LIMIT),
    edit: (message, tries = 'patient') => byFirstOpen(edits(message, tries), ({ kind }) => kind === 'gone'),
    deliver: (render) =>
      byFirstOpen(
        [
          ...edits(render(false), 'patient'),
          ['channel', () => port.sendMessage(place.channel, render(true), `r${call.id}`)],
          ['direct', () => sendDirectly(render(true), `d${call.id}`)],
        ],
        () => true,
      ),
    add: (message, nonce) =>
      byFirstOpen(
        [
          // First where a nonce makes it safe to send it again.
          ['channel', () => port.sendMessage(place.channel, message, nonce)],
          ['token', () => port.followUp(call, message, place.visibility)],
          ['direct', () => sendDirectly(message, nonce)],
        ],
        () => true,
      ),
  };
}
