import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { DiscordError } from './discord-error.ts';
import type { FileLimits } from './file-limits.ts';
import type { OutgoingMessage, Port } from './port.ts';
import { renewNote, type FreshCall, type ReplyNote, type Sending, type Way } from './reply-note.ts';

/**
 * One job's reply, by whichever way still reaches the person: an interaction's token is dead after 15 minutes, and jobs
 * are longer. A way that is refused for good is not tried again, also by the next process.
 *
 * The first two ways change one and the same message, so that repeating them and going from one to the other shows
 * nothing twice. The others make a new one: they are taken only when the ways before were refused, never when nobody
 * knows what became of them, and what may have arrived is looked for before it is sent again.
 */
export interface Reply {
  note(): ReplyNote;
  /** Whether the reply itself can still be changed. */
  isEditable(): boolean;
  /** Whether any way to the person is open. */
  isReachable(): boolean;
  /** Whether further messages can be put below the reply. */
  canAdd(): boolean;
  /** Changes the reply itself, once: what it says is out of date soon. @throws DiscordError */
  edit(message: OutgoingMessage): Promise<void>;
  /** Gets the first message of a result to the person. @throws DiscordError when it did not arrive, as far as we know */
  deliver(render: Render, signal: AbortSignal): Promise<void>;
  /** A further message of the result, after the ones that arrived. @throws DiscordError */
  add(render: Render, signal: AbortSignal): Promise<void>;
  /** Changes a message of the result that has arrived. @throws DiscordError */
  redo(part: number, render: Render, signal: AbortSignal): Promise<void>;
  /** Tells how the job ended. @param mayPost whether it is worth a new message @throws DiscordError */
  tell(render: Render, mayPost: boolean, signal: AbortSignal): Promise<void>;
  /** Goes on with another interaction's token. */
  renew(fresh: FreshCall): Promise<void>;
  /** Notes since when something has to arrive, and that files were too large. */
  update(change: Pick<ReplyNote, 'since'> | Pick<ReplyNote, 'squeezed'>): Promise<void>;
}

/** Makes the message for a way. */
export type Render = (target: Target) => Promise<Rendered>;

export interface Target {
  readonly way: Way;
  /** bytes that one file may have by this way */
  readonly fileLimit: number;
  /** a new message, which has to name the person */
  readonly isNew: boolean;
}

export interface Rendered {
  readonly message: OutgoingMessage;
  /** of the result's files, which is the first one that is not in this message nor in those before; 0 where there are none */
  readonly to: number;
}

/** A request that is on its way when the token dies is refused, and is one more refusal that counts against the bot. */
const TOKEN_MARGIN_MS = 2000;

/** For how long a repeat is certainly known by its nonce: "some minutes" (resources/message.mdx, nonce). */
const NONCE_MS = 2 * 60_000;
/** Our clock and Discord's may differ by so much. */
const CLOCKS_DIFFER_MS = 60_000;

interface ReplyDependencies {
  job: string;
  note: ReplyNote;
  /** keeps the note where the next process finds it */
  save: (note: ReplyNote) => Promise<void>;
  port: Port;
  fileLimits: FileLimits;
  clock: Clock;
  log: Logger;
}

const EDITS = ['token', 'message'] as const;
const ALL = ['token', 'message', 'channel', 'direct'] as const;

export function createReply({ job, note: first, save, port, fileLimits, clock, log }: ReplyDependencies): Reply {
  let note = first;

  async function change(next: Partial<ReplyNote>): Promise<void> {
    note = { ...note, ...next };
    await save(note);
  }

  /** For what has happened already: it is known here, and at worst the next process does not know it. */
  async function remember(next: Partial<ReplyNote>): Promise<void> {
    await change(next).catch((error: unknown) => log.error({ job, error }, 'A reply is not remembered'));
  }

  function isOpen(way: Way): boolean {
    if (note.closed.includes(way)) return false;
    if (way === 'token') return clock.now() < note.tokenUntil - TOKEN_MARGIN_MS;
    if (way === 'direct') return true;
    const isOurs = note.botIsMember && note.visibility === 'public';
    return isOurs && (way === 'channel' || note.message !== undefined);
  }

  async function limitOf(way: Way): Promise<number> {
    if (way === 'token') return note.fileLimit;
    return way === 'direct' ? fileLimits.standard : await fileLimits.ofGuild(note.guild);
  }

  async function close(way: Way, { code, message }: DiscordError): Promise<void> {
    log.warn({ job, way, code, reason: message }, 'A way to the person is closed');
    await remember({ closed: [...note.closed, way] });
  }

  async function channelOf(way: 'channel' | 'direct'): Promise<string> {
    if (way === 'channel') return note.channel;
    if (note.directChannel !== undefined) return note.directChannel;
    const directChannel = await port.directChannel(note.user, 'twice');
    await remember({ directChannel });
    return directChannel;
  }

  /** @returns the message's id */
  async function byEdit(way: (typeof EDITS)[number], message: OutgoingMessage, signal?: AbortSignal): Promise<string> {
    const tries = signal ? 'twice' : 'once';
    if (way === 'message') return await port.editMessage(note.channel, note.message ?? '', message, tries, signal);
    const id = await port.editReply(note.call, message, tries, signal);
    if (note.message !== id) await remember({ message: id });
    return id;
  }

  /** Posts a message of which nobody can tell later whether it arrived, unless it is found by its mark. */
  async function byPost(
    way: 'channel' | 'direct',
    part: string,
    { message, to }: Rendered,
    signal: AbortSignal,
  ): Promise<{ channel: string; message: string; to: number }> {
    const channel = await channelOf(way);
    const earlier = note.sending.find((one) => one.part === part && one.way === way);
    if (earlier && clock.now() - earlier.at > NONCE_MS) {
      const found = await find(earlier);
      if (found) return found;
    }
    const isKnownByNonce = earlier && clock.now() - earlier.at <= NONCE_MS;
    const sending = isKnownByNonce ? earlier : { part, way, channel, at: clock.now(), to };
    const others = note.sending.filter((one) => one !== earlier);
    if (sending !== earlier) await change({ sending: [...others, sending] });
    // Discord knows a nonce by its author, whatever the channel.
    const nonce = hashOf(part, way).toString('base64url').slice(0, 24);
    try {
      const id = await port.sendMessage(channel, marked(message, markerOf(part)), nonce, 'twice', signal);
      return { channel, message: id, to: sending.to };
    } catch (error) {
      if (!(error instanceof DiscordError) || error.kind === 'unavailable') throw error;
      // This one was refused; an earlier one may have arrived all the same.
      const found = earlier && (await find(earlier).catch(() => undefined));
      if (found) return found;
      await remember({ sending: others });
      throw error;
    }
  }

  function hashOf(...words: readonly string[]): Buffer {
    return createHash('sha256')
      .update([job, ...words].join(' '))
      .digest();
  }

  /** The `id` of a message's first component: 31 bits and not 0. */
  function markerOf(part: string): number {
    return (hashOf(part).readUInt32BE() & 0x7f_ff_ff_fe) + 1;
  }

  async function find({ part, channel, at, to }: Sending) {
    const message = await port.findMessage(channel, markerOf(part), at - CLOCKS_DIFFER_MS);
    log.info({ job, found: message !== undefined }, 'A message that may have arrived was looked for');
    return message === undefined ? undefined : { channel, message, to };
  }

  interface Delivered {
    readonly way: Way;
    readonly channel?: string;
    readonly message: string;
    readonly to: number;
  }

  /** Tries the ways in order; nothing new is made while an edit may have arrived. */
  async function byFirstOpen(
    ways: readonly Way[],
    part: string,
    render: Render,
    signal: AbortSignal,
  ): Promise<Delivered> {
    let failure: DiscordError | undefined;
    for (const way of ways) {
      const isNew = way === 'channel' || way === 'direct';
      if (!isOpen(way) || (isNew && failure?.kind === 'unavailable')) continue;
      try {
        const rendered = await render({ way, fileLimit: await limitOf(way), isNew });
        signal.throwIfAborted();
        if (isNew) return { way, ...(await byPost(way, part, rendered, signal)) };
        const message = await byEdit(way, rendered.message, signal);
        return { way, ...(way === 'message' && { channel: note.channel }), message, to: rendered.to };
      } catch (error) {
        if (!(error instanceof DiscordError)) throw error;
        if (error.kind === 'gone') await close(way, error);
        else log.warn({ job, way, kind: error.kind, code: error.code, reason: error.message }, 'A way did not work');
        if (error.isAboutFiles) throw error;
        if (failure?.kind !== 'unavailable') failure = error;
      }
    }
    throw failure ?? new DiscordError('gone', 'No way to the person is open');
  }

  async function keep({ way, channel, message, to }: Delivered): Promise<void> {
    log.info({ job, way, part: note.parts.length }, 'Delivered');
    const part = { way, message, to, ...(channel !== undefined && { channel }) };
    await remember({ parts: [...note.parts, part], sending: [] });
  }

  /** Whether the result has arrived as a new message without our knowing. */
  async function hasArrived(): Promise<boolean> {
    for (const sending of note.sending.filter(({ part }) => part === '0')) {
      const found = await find(sending);
      if (found) await keep({ way: sending.way, ...found });
    }
    return note.parts.length > 0;
  }

  async function redo(index: number, render: Render, signal: AbortSignal): Promise<void> {
    const part = note.parts[index];
    if (!part) throw new Error(`There is no part ${index}`);
    const { way, channel } = part;
    if (way === 'token' || way === 'message' || channel === undefined) {
      await byFirstOpen(EDITS, '', render, signal);
      return;
    }
    const { message } = await render({ way, fileLimit: await limitOf(way), isNew: true });
    await port.editMessage(channel, part.message, message, 'twice', signal);
  }

  return {
    note: () => note,
    isEditable: () => EDITS.some(isOpen),
    isReachable: () => ALL.some(isOpen),
    canAdd: () => isOpen(note.parts[0]?.way === 'direct' ? 'direct' : 'channel'),
    async edit(message) {
      let failure = new DiscordError('gone', 'The reply cannot be reached');
      for (const way of EDITS) {
        if (!isOpen(way)) continue;
        try {
          await byEdit(way, message);
          return;
        } catch (error) {
          if (!(error instanceof DiscordError)) throw error;
          if (error.kind !== 'gone') throw error;
          await close(way, error);
          failure = error;
        }
      }
      throw failure;
    },
    async deliver(render, signal) {
      // A press can open the reply again after a new message was tried.
      if (EDITS.some(isOpen) && (await hasArrived())) return;
      await keep(await byFirstOpen(ALL, '0', render, signal));
    },
    async add(render, signal) {
      const ways = [note.parts[0]?.way === 'direct' ? 'direct' : 'channel'] as const;
      await keep(await byFirstOpen(ways, String(note.parts.length), render, signal));
    },
    redo,
    async tell(render, mayPost, signal) {
      if (await hasArrived()) return await redo(0, render, signal);
      await byFirstOpen(mayPost ? ALL : EDITS, 'end', render, signal);
    },
    renew: async (fresh) => await change(renewNote(note, fresh)),
    update: async (next) => await change(next),
  };
}

function marked(message: OutgoingMessage, id: number): OutgoingMessage {
  const [first, ...rest] = message.components;
  return first ? { ...message, components: [{ ...first, id }, ...rest] } : message;
}
