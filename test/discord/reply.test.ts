import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { notice } from '../../src/discord/card.ts';
import { DiscordError, type Port } from '../../src/discord/port.ts';
import { createReply } from '../../src/discord/reply.ts';

type Refusals = Partial<Record<keyof Port, DiscordError['kind']>>;

/** A reply over a port that refuses as told, and what it was asked, in order. */
function setUp(refusals: Refusals, { botIsMember = true, knowsId = true } = {}) {
  const asked: string[] = [];
  function ask(route: keyof Port): Promise<string> {
    asked.push(route);
    const kind = refusals[route];
    return kind ? Promise.reject(new DiscordError(kind, route)) : Promise.resolve('7');
  }
  const port: Port = {
    defer: () => ask('defer'),
    deferUpdate: () => Promise.resolve(),
    answer: () => Promise.resolve(),
    editReply: () => ask('editReply'),
    followUp: () => ask('followUp'),
    editMessage: (_channel, id) =>
      ask('editMessage')
        .then(() => asked.push(id))
        .then(() => id),
    sendMessage: (channel) =>
      ask('sendMessage')
        .then(() => asked.push(channel))
        .then(() => channel),
    directChannel: () => Promise.resolve('direct'),
  };
  const place = { user: '1', channel: 'room', botIsMember, visibility: 'public' as const, fileLimit: 1000 };
  const call = { id: '3', application: '4', token: 'token' };
  const log = pino({ level: 'silent' });
  return {
    asked,
    refusals,
    reply: createReply({ port, call, place, messageId: knowsId ? '2' : undefined, clock: systemClock, log }),
  };
}

const message = notice('here');

describe('a result', () => {
  it('is edited into the same message by both ways before it becomes another one', async () => {
    const { asked, reply } = setUp({ editReply: 'unavailable', editMessage: 'unavailable' });
    await reply.deliver(() => message);
    expect(asked).toEqual(['editReply', 'editMessage', 'sendMessage', 'room']);
  });

  it('that Discord does not accept one way is tried the next', async () => {
    const { asked, reply } = setUp({ editReply: 'wrong' });
    await reply.deliver(() => message);
    expect(asked).toEqual(['editReply', 'editMessage', '2']);
  });

  it('finds its message by the id that an edit told', async () => {
    const { asked, refusals, reply } = setUp({}, { knowsId: false });
    await reply.edit(message, 'once');
    refusals.editReply = 'gone';
    await reply.deliver(() => message);
    expect(asked).toEqual(['editReply', 'editReply', 'editMessage', '7']);
  });

  it('fails with what Discord said last', async () => {
    const { reply } = setUp({ editReply: 'gone', sendMessage: 'wrong' }, { botIsMember: false });
    await expect(reply.deliver(() => message)).rejects.toMatchObject({ kind: 'wrong' });
  });
});

describe('a further message', () => {
  it('goes where a repeat is recognised', async () => {
    const { asked, reply } = setUp({});
    await reply.add(message, 'nonce');
    expect(asked).toEqual(['sendMessage', 'room']);
  });

  it.each(['gone', 'unavailable'] as const)(
    'follows up where the bot may only answer, else goes directly: %s',
    async (kind) => {
      const { asked, reply } = setUp({ followUp: kind }, { botIsMember: false });
      await reply.add(message, 'nonce');
      expect(asked).toEqual(['followUp', 'sendMessage', 'direct']);
    },
  );
});
