import { pino } from 'pino';
import { notice } from '../../src/discord/card.ts';
import { DiscordError } from '../../src/discord/discord-error.ts';
import { createFileLimits } from '../../src/discord/file-limits.ts';
import type { OutgoingMessage, Port } from '../../src/discord/port.ts';
import { createReply, type Render } from '../../src/discord/reply.ts';
import { beginNote, type ReplyNote } from '../../src/discord/reply-note.ts';
import { createManualClock } from '../manual-clock.ts';

type Refusals = Partial<Record<keyof Port, DiscordError>>;

/** What a port was asked: the name of the method, and what matters of it. */
interface AskedOnce {
  readonly route: keyof Port;
  readonly channel?: string;
  readonly nonce?: string;
  readonly marker?: number | undefined;
  readonly message?: OutgoingMessage;
}

export const gone = (code = 50_001) => new DiscordError('gone', 'no', code);
export const unavailable = () => new DiscordError('unavailable', 'no answer');
export const wrong = () => new DiscordError('wrong', 'not so', 50_035);
export const tooLarge = () => new DiscordError('wrong', 'too large', 40_005, true);

/** Renders a sentence that holds one file of a result. */
export const words: Render = () => Promise.resolve({ message: notice('here'), to: 1 });

/** A reply over a port that refuses as told; all that it was asked, and the note as it was last kept. */
export function openReply(change: Partial<ReplyNote> = {}, clock = createManualClock()) {
  const asked: AskedOnce[] = [];
  const refusals: Refusals = {};
  const found: { id: string | undefined } = { id: undefined };
  const kept: { note: ReplyNote | undefined } = { note: undefined };
  function ask(route: keyof Port, answer: string, details: Omit<AskedOnce, 'route'> = {}): Promise<string> {
    asked.push({ route, ...details });
    const refusal = refusals[route];
    return refusal ? Promise.reject(refusal) : Promise.resolve(answer);
  }
  const port: Port = {
    defer: () => ask('defer', '7'),
    deferUpdate: () => Promise.resolve(),
    answer: () => Promise.resolve(),
    showModal: () => Promise.resolve(),
    suggest: () => Promise.resolve(),
    followUp: (_call, message) => ask('followUp', '8', { message }),
    editReply: (_call, message) => ask('editReply', '7', { message }),
    editMessage: (channel, id, message) => ask('editMessage', id, { channel, message }),
    sendMessage: (channel, message, nonce) =>
      ask('sendMessage', `in ${channel}`, { channel, nonce, marker: message.components[0]?.id, message }),
    findMessage: async (channel, marker) => {
      await ask('findMessage', '', { channel, marker });
      return found.id;
    },
    directChannel: () => ask('directChannel', 'direct'),
    premiumTier: async () => {
      await ask('premiumTier', '');
      return 2;
    },
  };
  const log = pino({ level: 'silent' });
  const place = { user: '1', channel: 'room', guild: 'guild', botIsMember: true, visibility: 'public' } as const;
  const call = { id: '3', application: '4', token: 'token' };
  const note = { ...beginNote({ ...place, call, fileLimit: 1000, now: clock.now() }), message: '2', ...change };

  function open(from: ReplyNote) {
    return createReply({
      job: 'job',
      note: from,
      save(next) {
        kept.note = next;
        return Promise.resolve();
      },
      port,
      fileLimits: createFileLimits(port, clock, log),
      clock,
      log,
    });
  }
  return {
    port,
    asked,
    routes: () => asked.map(({ route }) => route),
    refusals,
    found,
    kept,
    clock,
    note,
    reply: open(note),
    /** as the next process would */
    again: () => open(kept.note ?? note),
    signal: new AbortController().signal,
  };
}
