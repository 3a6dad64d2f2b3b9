import { setImmediate as turn } from 'node:timers/promises';
import { RESTEvents } from 'discord.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { notice } from '../../src/discord/card.ts';
import { PORT_PATIENCE } from '../../src/discord/port.ts';
import { eventually } from '../eventually.ts';
import { callOf, filesOf, madeUpCall, makeFile, openLocal, openRaw } from './_stage.ts';

const CALLBACK = 'POST /interactions/{interaction}/{token}/callback';
const EDIT = 'PATCH /webhooks/{application}/{token}/messages/{message}';
const OWN_EDIT = 'PATCH /channels/{channel}/messages/{message}';
const SEND = 'POST /channels/{channel}/messages';

const UNAVAILABLE = { name: 'DiscordError', kind: 'unavailable' };
/** In discord.js's own words: what it lets a request take unless told otherwise, and how long it keeps a handler. */
const DEFAULT_TIMEOUT_MS = 15_000;
const SWEEP_MS = 3_600_000;

afterEach(() => {
  vi.useRealTimers();
});

describe('how long a request may take', () => {
  it('1: is not ended by the 15 s of discord.js, which count the upload too', async () => {
    const { port, asked, client } = await openRaw();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const sent = port.editReply(madeUpCall(), filesOf(await makeFile('picture')), 'once');
    await vi.waitUntil(() => asked[0]?.request.complete);
    vi.advanceTimersByTime(8 * DEFAULT_TIMEOUT_MS);
    vi.useRealTimers();
    asked[0]?.answer();
    await expect(sent).resolves.toBe('1');
    expect(PORT_PATIENCE.filesMs).toBeGreaterThan(8 * DEFAULT_TIMEOUT_MS);
    for (const rest of [client.bot, client.interactions]) {
      expect(rest.options.timeout).toBeGreaterThanOrEqual(PORT_PATIENCE.filesMs);
    }
  });

  it('20: is ours to say for each: what is given up is cut off, also in a queue and in the middle of its answer', async () => {
    const { port, asked } = await openRaw({
      patience: { wordsMs: 60 },
      take: ({ request, response }) => {
        request.resume();
        if (asked.length === 2) response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":');
      },
    });
    await expect(port.editReply(madeUpCall(), notice('no answer'), 'once')).rejects.toMatchObject(UNAVAILABLE);
    await expect(port.editReply(madeUpCall(), notice('half of one'), 'once')).rejects.toMatchObject(UNAVAILABLE);
    await eventually(() => expect(asked.map(({ left }) => left)).toEqual([true, true]));
  });
});

describe('what is sent again', () => {
  it('2: is so by us: a slow edit goes out once, not four times, and a failing one after pauses of ours', async () => {
    const slow = await openRaw({ patience: { wordsMs: 2000 } });
    await expect(slow.port.editReply(madeUpCall(), notice('x'), 'once')).rejects.toMatchObject(UNAVAILABLE);
    expect(slow.asked).toHaveLength(1);

    const failing = await openRaw({
      patience: { pausesMs: [1, 2, 3] },
      take: ({ request, response }) => void request.resume().on('end', () => response.writeHead(502).end()),
    });
    await expect(failing.port.editReply(madeUpCall(), notice('x'), 'once')).rejects.toMatchObject(UNAVAILABLE);
    expect(failing.asked).toHaveLength(1);
    await expect(failing.port.editReply(madeUpCall(), notice('x'))).rejects.toMatchObject(UNAVAILABLE);
    expect(failing.asked).toHaveLength(1 + 4);
    expect(failing.lines.filter((line) => line.includes('Discord asked again'))).toHaveLength(3);
  });

  it('2: is recognised where it would come twice: a message whose answers are lost is there once', async () => {
    const { discord, port, call, person } = await openLocal();
    const { channel } = await call('ana');
    discord.setFault({ route: SEND, kind: 'lost-answer', times: 2 });
    await port.sendMessage(channel?.id ?? '', notice('only once'), 'nonce');
    const seen = await person('ana').messages();
    expect(seen.filter(({ text }) => text.includes('only once'))).toHaveLength(1);
  });

  it('3: is also what found nobody there, and what found the connection closed', async () => {
    const gone = await openRaw({ patience: { pausesMs: [1, 300, 300, 300] } });
    await new Promise((resolve) => gone.server.close(resolve));
    await expect(gone.port.editReply(madeUpCall(), notice('x'), 'once')).rejects.toThrow('ECONNREFUSED');
    const sent = gone.port.editReply(madeUpCall(), notice('is anybody there?'));
    await eventually(() => expect(gone.lines.join('')).toContain('Discord asked again'));
    const back = await openRaw({ take: (asked) => asked.answer() }, gone.number);
    await expect(sent).resolves.toBe('1');
    expect(back.asked).toHaveLength(1);

    // Its answer promises to keep the connection, and then it closes it on the next request.
    const { port, asked } = await openRaw({
      take: (one) => void (asked.length % 2 === 0 ? one.request.socket.end() : one.answer()),
    });
    await port.editReply(madeUpCall(), notice('one'));
    await expect(port.editReply(madeUpCall(), notice('two'), 'once')).rejects.toThrow('UND_ERR_SOCKET');
    await port.editReply(madeUpCall(), notice('three'));
    await port.editReply(madeUpCall(), notice('four'));
    expect(asked).toHaveLength(5);
  });

  it('4: finds the interaction answered where only the answer to the first was lost, and the edit goes on', async () => {
    const { discord, port, call, person } = await openLocal();
    const interaction = await call('ana');
    discord.setFault({ route: CALLBACK, kind: 'lost-answer', times: 1 });
    await expect(port.defer(callOf(interaction), 'public')).resolves.toBeUndefined();
    const id = await port.editReply(callOf(interaction), notice('here all the same'));
    expect((await person('ana').look(id))?.text).toContain('here all the same');
  });
});

describe('the token', () => {
  it("5: of the bot is told again after a 401, and an interaction's dead one never takes it away", async () => {
    const { discord, port, call, client } = await openLocal();
    const interaction = await call('ana');
    const room = interaction.channel?.id ?? '';
    const id = await port.sendMessage(room, notice('one'), 'one');
    discord.setFault({ route: OWN_EDIT, kind: '401', times: 1 });
    await expect(port.editMessage(room, id, notice('two'))).rejects.toMatchObject({ kind: 'gone' });
    // It is forgotten by now.
    await expect(client.bot.get('/users/@me')).rejects.toThrow('Expected token to be set');
    await expect(port.editMessage(room, id, notice('three'))).resolves.toBe(id);

    discord.setFault({ route: EDIT, kind: '401', times: 1 });
    await port.defer(callOf(interaction), 'public');
    await expect(port.editReply(callOf(interaction), notice('x'))).rejects.toMatchObject({
      kind: 'gone',
    });
    await expect(client.bot.get('/users/@me')).resolves.toHaveProperty('id');
  });
});

describe('many requests', () => {
  it('6: with tokens of their own are not held back at fifty a second', async () => {
    const { port, client, asked } = await openRaw({ take: (one) => one.answer() });
    let heldBack = 0;
    client.interactions.on(RESTEvents.RateLimited, () => (heldBack += 1));
    await Promise.all(Array.from({ length: 160 }, (_, index) => port.editReply(madeUpCall(index), notice('x'))));
    expect(asked).toHaveLength(160);
    expect(heldBack).toBe(0);
  });

  it('7: with one token go in a row; an edit that is out of date before its turn is never sent', async () => {
    const { port, asked } = await openRaw({ patience: { wordsMs: 2000 } });
    const upload = port.editReply(madeUpCall(1), filesOf(await makeFile('picture')));
    await eventually(() => expect(asked).toHaveLength(1));
    const stale = port.editReply(madeUpCall(1), notice('45 %'), 'once');
    // Of others none waits.
    const other = port.editReply(madeUpCall(2), notice('other'), 'once');
    await eventually(() => expect(asked).toHaveLength(2));
    asked[1]?.answer();
    await expect(other).resolves.toBe('1');
    await expect(stale).rejects.toMatchObject(UNAVAILABLE);
    asked[0]?.answer();
    await upload;
    await turn();
    expect(asked).toHaveLength(2);
  });

  it('16: leave nothing behind for longer than an hour', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { port, client } = await openRaw({ take: (one) => one.answer() });
    for (let index = 0; index < 20; index += 1) {
      await port.editReply(madeUpCall(index), notice('x'));
      await port.sendMessage(madeUpCall(index).id, notice('x'), 'nonce');
    }
    const handlers = () => [client.interactions.handlers.size, client.bot.handlers.size];
    expect(handlers()).toEqual([20, 20]);
    vi.advanceTimersByTime(SWEEP_MS);
    expect(handlers()).toEqual([0, 0]);
  });
});
