import { describe, expect, it } from 'vitest';
import { notice } from '../../src/discord/card.ts';
import { gone, openReply, tooLarge, unavailable, words, wrong } from './_reply.ts';

const MIB = 1024 * 1024;
const MINUTE = 60_000;

describe('a result', () => {
  it('comes into the reply, and by the bot itself once the token is dead', async () => {
    const { routes, reply, clock, signal } = openReply();
    clock.advance(15 * MINUTE);
    await reply.deliver(words, signal);
    expect(routes()).toEqual(['premiumTier', 'editMessage']);
  });

  it('goes from one way of editing to the other whatever happened, since both change one message', async () => {
    const { routes, refusals, reply, signal } = openReply();
    refusals.editReply = unavailable();
    await reply.deliver(words, signal);
    expect(routes()).toEqual(['editReply', 'premiumTier', 'editMessage']);
  });

  it.each([
    ['was refused', gone(10_008), ['editReply', 'premiumTier', 'editMessage', 'sendMessage']],
    ['is not accepted', wrong(), ['editReply', 'premiumTier', 'editMessage', 'sendMessage']],
    ['may have arrived', unavailable(), ['editReply', 'premiumTier', 'editMessage']],
  ] as const)('becomes a new message only when the edit %s', async (_what, error, expected) => {
    const { routes, refusals, reply, signal } = openReply();
    refusals.editReply = error;
    refusals.editMessage = error;
    await reply.deliver(words, signal).catch(() => undefined);
    expect(routes()).toEqual(expected);
  });

  it('does not become a new one while the first way may have worked, though the second is refused', async () => {
    const { routes, refusals, reply, signal } = openReply();
    refusals.editReply = unavailable();
    refusals.editMessage = gone();
    await expect(reply.deliver(words, signal)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(routes()).not.toContain('sendMessage');
  });

  it('comes as a direct message where the channel is closed, and says so to nobody else', async () => {
    const { asked, refusals, reply, signal } = openReply({ visibility: 'private' });
    refusals.editReply = gone(50_027);
    await reply.deliver(words, signal);
    expect(asked.map(({ route }) => route)).toEqual(['editReply', 'directChannel', 'sendMessage']);
    expect(asked.at(-1)).toMatchObject({ channel: 'direct' });
  });

  it('is told who it is for where it is a new message, and how large files may be there', async () => {
    const { refusals, reply, signal } = openReply();
    for (const route of ['editReply', 'editMessage'] as const) refusals[route] = gone();
    const seen: unknown[] = [];
    await reply.deliver((target) => {
      seen.push(target);
      return words(target);
    }, signal);
    expect(seen).toEqual([
      { way: 'token', fileLimit: 1000, isNew: false },
      { way: 'message', fileLimit: 50 * MIB, isNew: false },
      { way: 'channel', fileLimit: 50 * MIB, isNew: true },
    ]);
  });

  it('that is too large is not tried another way', async () => {
    const { routes, refusals, reply, signal } = openReply();
    refusals.editReply = tooLarge();
    await expect(reply.deliver(words, signal)).rejects.toMatchObject({ isAboutFiles: true });
    expect(routes()).toEqual(['editReply']);
  });
});

describe('a way that was refused for good', () => {
  it('is not tried again, also not by the next process', async () => {
    const { asked, refusals, reply, again, signal } = openReply();
    for (const route of ['editReply', 'editMessage', 'sendMessage'] as const) refusals[route] = gone();
    await expect(reply.deliver(words, signal)).rejects.toMatchObject({ kind: 'gone' });
    const times = asked.length;
    expect(reply.isReachable()).toBe(false);
    await expect(reply.deliver(words, signal)).rejects.toMatchObject({ kind: 'gone' });
    await expect(reply.edit(notice('x'))).rejects.toMatchObject({ kind: 'gone' });
    await expect(again().deliver(words, signal)).rejects.toMatchObject({ kind: 'gone' });
    expect(asked).toHaveLength(times);
  });

  it('is open again with a fresh token', async () => {
    const { routes, refusals, reply, again, kept, clock, signal } = openReply();
    for (const route of ['editReply', 'editMessage', 'sendMessage'] as const) refusals[route] = gone();
    await reply.deliver(words, signal).catch(() => undefined);
    delete refusals.editReply;
    const call = { id: '9', application: '4', token: 'fresh' };
    await reply.renew({ call, fileLimit: 5000, message: '2', now: clock.now() });
    expect(kept.note).toMatchObject({ origin: '3', call, fileLimit: 5000 });
    await again().deliver(words, signal);
    expect(routes().at(-1)).toBe('editReply');
  });
});

describe('a new message', () => {
  const deleted = { closed: ['token', 'message'] } as const;
  const open = () => openReply({ closed: [...deleted.closed] });

  it('is noted before it is sent, and known by its nonce where it may have arrived', async () => {
    const { asked, refusals, reply, again, kept, clock, signal } = open();
    refusals.sendMessage = unavailable();
    await expect(reply.deliver(words, signal)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(kept.note?.sending).toMatchObject([{ part: '0', way: 'channel', channel: 'room', to: 1 }]);
    expect(asked.map(({ route }) => route)).not.toContain('directChannel');
    delete refusals.sendMessage;
    clock.advance(MINUTE);
    await again().deliver(words, signal);
    const [first, second] = asked.filter(({ route }) => route === 'sendMessage');
    expect(first?.nonce).toMatch(/^.{20,25}$/);
    expect(second?.nonce).toBe(first?.nonce);
    expect(first?.marker).toBeGreaterThan(0);
    expect(kept.note).toMatchObject({ sending: [], parts: [{ way: 'channel', message: 'in room', to: 1 }] });
  });

  it('is looked for when its nonce may be forgotten, and not sent when it is there', async () => {
    const { asked, refusals, reply, again, found, kept, clock, signal } = open();
    refusals.sendMessage = unavailable();
    await reply.deliver(words, signal).catch(() => undefined);
    clock.advance(60 * MINUTE);
    found.id = 'there';
    await again().deliver(words, signal);
    expect(asked.filter(({ route }) => route === 'sendMessage')).toHaveLength(1);
    expect(asked.find(({ route }) => route === 'findMessage')?.marker).toBe(asked.find(({ marker }) => marker)?.marker);
    expect(kept.note?.parts).toMatchObject([{ message: 'there' }]);
  });

  it('is sent again when it is not there', async () => {
    const { routes, refusals, reply, clock, signal } = open();
    refusals.sendMessage = unavailable();
    await reply.deliver(words, signal).catch(() => undefined);
    delete refusals.sendMessage;
    clock.advance(60 * MINUTE);
    await reply.deliver(words, signal);
    expect(routes().filter((route) => route === 'sendMessage')).toHaveLength(2);
  });

  it('that may have arrived is looked for before the next way is tried', async () => {
    const { asked, refusals, reply, found, kept, signal } = open();
    refusals.sendMessage = unavailable();
    await reply.deliver(words, signal).catch(() => undefined);
    refusals.sendMessage = gone(50_013);
    found.id = 'there';
    await reply.deliver(words, signal);
    expect(asked.map(({ route }) => route)).not.toContain('directChannel');
    expect(kept.note?.parts).toMatchObject([{ message: 'there' }]);
  });

  it('that may have arrived is looked for before a press brings the result into the reply', async () => {
    const { routes, refusals, reply, found, clock, signal } = open();
    refusals.sendMessage = unavailable();
    await reply.deliver(words, signal).catch(() => undefined);
    found.id = 'there';
    await reply.renew({ call: { id: '9', application: '4', token: 'x' }, fileLimit: 1, now: clock.now() });
    await reply.deliver(words, signal);
    expect(routes()).not.toContain('editReply');
  });

  it('has another nonce by another way and for another part', async () => {
    const { asked, refusals, reply, signal } = open();
    refusals.sendMessage = gone();
    await reply.deliver(words, signal).catch(() => undefined);
    delete refusals.sendMessage;
    const second = openReply({ closed: ['token', 'message', 'channel'] });
    await second.reply.deliver(words, signal);
    await second.reply.add(words, signal);
    const nonces = [...asked, ...second.asked].flatMap(({ route, nonce }) => (route === 'sendMessage' ? [nonce] : []));
    // The first two are one and the same: the channel's was refused, and the direct message in turn.
    expect(new Set(nonces).size).toBe(3);
  });
});

describe('the end of a job without a result', () => {
  it('is a new message only where it is worth one', async () => {
    const { routes, refusals, reply, signal } = openReply();
    for (const route of ['editReply', 'editMessage'] as const) refusals[route] = gone();
    await expect(reply.tell(words, false, signal)).rejects.toMatchObject({ kind: 'gone' });
    expect(routes()).not.toContain('sendMessage');
    await reply.tell(words, true, signal);
    expect(routes()).toContain('sendMessage');
  });

  it('takes the place of pictures that had arrived', async () => {
    const { asked, reply, signal } = openReply({
      closed: ['token', 'message'],
      parts: [{ way: 'channel', channel: 'room', message: '5', to: 4 }],
    });
    await reply.tell(words, false, signal);
    expect(asked).toMatchObject([{ route: 'premiumTier' }, { route: 'editMessage', channel: 'room' }]);
  });
});
