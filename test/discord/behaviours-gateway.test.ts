import { createServer } from 'node:http';
import { queryObjects } from 'node:v8';
import { BaseInteraction, DMChannel, GuildMember, Message, User } from 'discord.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import { notice } from '../../src/discord/card.ts';
import { eventually } from '../eventually.ts';
import { callOf, filesOf, joinDiscord, madeUpCall, makeFile, openLocal, openRaw } from './_stage.ts';

const Identify = z.object({ op: z.literal(2), d: z.object({ intents: z.number() }) });
const guild = { id: '100000000000000009', unavailable: true };
const bot = { id: '100000000000000002', username: 'Troupe', discriminator: '0000', bot: true };
const early = {
  id: '100000000000000001',
  application_id: bot.id,
  type: 2,
  token: 'token',
  entitlements: [],
  authorizing_integration_owners: {},
  data: { id: '100000000000000003', name: 'ping', type: 1 },
  user: { ...bot, id: '100000000000000004', bot: false },
};

/** A gateway whose server never comes, and that has something to answer at once. */
async function openSlowGateway() {
  const intents: number[] = [];
  const server = createServer((_request, response) => {
    const limit = { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 };
    const body = { url: `ws://127.0.0.1:${port()}`, shards: 1, session_start_limit: limit };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  function port(): number {
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    const say = (op: number, d: unknown, t: string | null = null, s: number | null = null) =>
      socket.send(JSON.stringify({ op, d, s, t }));
    say(10, { heartbeat_interval: 40_000 });
    socket.on('message', (data) => {
      const identify = Identify.safeParse(JSON.parse(z.instanceof(Buffer).parse(data).toString()));
      if (!identify.success) return;
      intents.push(identify.data.d.intents);
      const url = `ws://127.0.0.1:${port()}`;
      const application = { id: bot.id, flags: 0 };
      say(0, { v: 10, user: bot, guilds: [guild], session_id: 's', resume_gateway_url: url, application }, 'READY', 1);
      say(0, early, 'INTERACTION_CREATE', 2);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  return { intents, api: `http://127.0.0.1:${port()}/api` };
}

describe('the gateway', () => {
  // Less than the 15 s that discord.js waits for servers.
  it('10: brings what people do while its servers are still to come', { timeout: 10_000 }, async () => {
    const { api, intents } = await openSlowGateway();
    const { client } = joinDiscord({ token: 'token', api });
    const heard: string[] = [];
    const { id } = await client.connect((interaction) => void heard.push(interaction.id));
    expect(id).toBe(bot.id);
    await eventually(() => expect(heard).toEqual([early.id]));
    expect(intents).toEqual([0]);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('not meant to happen'))],
    [
      'throws',
      () => {
        throw new Error('not meant to happen');
      },
    ],
  ])('12: outlives a listener that %s, and tells it', async (_how, onInteraction) => {
    const { call, heard, lines } = await openLocal({ onInteraction });
    await call('ana');
    await call('bo');
    expect(heard).toHaveLength(2);
    expect(lines.filter((line) => line.includes('Interaction not handled'))).toHaveLength(2);
    expect(lines.join('')).toContain('not meant to happen');
  });

  it('17: leaves nothing in memory of who called and what was said', async () => {
    const { call, port, person } = await openLocal({ users: 30 });
    const kept = () =>
      [User, GuildMember, Message, BaseInteraction, DMChannel].map((kind) => queryObjects(kind, { format: 'count' }));
    await call('ana');
    const before = kept();
    for (let index = 1; index <= 30; index += 1) {
      const name = `user${index}`;
      const place = index % 2 === 0 ? 'characters' : 'dm';
      const interaction = await call(name, await person(name).channelOf(place));
      await port.answer(callOf(interaction), notice('hello'), 'public');
    }
    // Some of the last ones may not be collected yet.
    for (const [index, count] of kept().entries()) expect(count - (before[index] ?? 0)).toBeLessThan(10);
  });
});

describe('the end', () => {
  it('13: waits for the edit that is in flight', async () => {
    const { port, asked, close } = await openRaw();
    const edit = port.editReply(madeUpCall(), filesOf(await makeFile('picture')), 'once');
    await eventually(() => expect(asked[0]?.request.complete).toBe(true));
    const closed = close();
    // Long after the gateway is left.
    await new Promise((resolve) => setImmediate(resolve));
    asked[0]?.answer();
    await expect(edit).resolves.toBe('1');
    await closed;
  });
});
