import { GatewayCloseCodes, GatewayDispatchEvents, REST, Routes, type APIInteraction } from 'discord.js';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { createLocalDiscord } from '../../src/playground/discord/server.ts';
import { eventually } from '../eventually.ts';
import { interaction, join, register, stage, type Stage } from './stage.ts';

const ping = { name: 'ping', description: 'Answers' };

function heard({ client }: Stage): string[] {
  const ids: string[] = [];
  client.ws.on(GatewayDispatchEvents.InteractionCreate, ({ id }: APIInteraction) => ids.push(id));
  return ids;
}

test('discord.js logs in without intents and gets the raw interactions', async () => {
  const place = await stage();
  await register(place, ping);
  const arrived = place.next();
  const id = await place.person('ana').run('ping');
  const raw = await arrived;
  expect(raw).toMatchObject({
    id,
    application_id: place.discord.applicationId,
    type: 2,
    version: 1,
    guild_id: place.discord.guildId,
    data: { name: 'ping', type: 1 },
    member: { user: { username: 'ana', discriminator: '0' }, permissions: expect.stringMatching(/^\d+$/u) },
    channel: { name: 'characters', type: 0 },
    locale: 'en-US',
    context: 0,
    entitlements: [],
    authorizing_integration_owners: { 0: place.discord.guildId },
    attachment_size_limit: 20 * 1024 * 1024,
  });
  expect(raw).not.toHaveProperty('user');
  expect((await place.state()).bot.online).toBe(true);
});

test('with the Guilds intent the guild and its channels arrive', async () => {
  const place = await stage({}, { intents: ['Guilds', 'GuildMessages'] });
  const guild = place.client.guilds.cache.get(place.discord.guildId);
  expect(guild?.channels.cache.map(({ name }) => name)).toEqual(['characters', 'no-files', 'read-only']);
  const said = new Promise<string>((resolve) => {
    place.client.once('messageCreate', (message) => resolve(message.content));
  });
  await place.rest.post(Routes.channelMessages(await place.channel('characters')), { body: { content: 'hello' } });
  expect(await said).toBe('hello');
});

test('interactions that were missed while the connection was cut are sent again on resume', async () => {
  const place = await stage();
  await register(place, ping);
  const ids = heard(place);
  const resumed = new Promise((resolve) => {
    place.client.once('shardResume', (_shard, replayed) => resolve(replayed));
  });
  place.discord.gateway.drop();
  await eventually(async () => expect((await place.state()).bot.online).toBe(false));
  const missed = [await place.person('ana').run('ping'), await place.person('bo').run('ping')];
  await resumed;
  await eventually(() => expect(ids).toEqual(missed));
});

test('a reconnect request makes the client resume', async () => {
  const place = await stage();
  await register(place, ping);
  const ids = heard(place);
  const resumed = new Promise((resolve) => {
    place.client.once('shardResume', resolve);
  });
  place.discord.gateway.reconnect();
  await resumed;
  const id = await place.person('ana').run('ping');
  await eventually(() => expect(ids).toEqual([id]));
});

test('an invalid session makes the client identify anew', async () => {
  const place = await stage();
  await register(place, ping);
  const ids = heard(place);
  const ready = new Promise((resolve) => {
    place.client.once('shardReady', resolve);
  });
  place.discord.gateway.invalidate();
  await ready;
  const id = await place.person('ana').run('ping');
  await eventually(() => expect(ids).toEqual([id]));
});

test('a wrong token is refused by REST with 401 and by the gateway with 4004', async () => {
  const discord = await createLocalDiscord();
  onTestFinished(() => discord.close());
  const rest = new REST({ api: discord.api }).setToken('wrong');
  await expect(rest.get(Routes.gatewayBot())).rejects.toMatchObject({ status: 401 });
  const identify = { token: 'wrong', intents: 0, properties: {} };
  expect(await closeCode(discord.url, { op: 2, d: identify })).toBe(GatewayCloseCodes.AuthenticationFailed);
});

test('broken, unknown and early frames close the connection with the code that says why', async () => {
  const discord = await createLocalDiscord();
  onTestFinished(() => discord.close());
  expect(await closeCode(discord.url, 'not json')).toBe(GatewayCloseCodes.DecodeError);
  expect(await closeCode(discord.url, { op: 2, d: 'x'.repeat(5000) })).toBe(GatewayCloseCodes.DecodeError);
  expect(await closeCode(discord.url, { op: 3, d: {} })).toBe(GatewayCloseCodes.NotAuthenticated);
  const wrongIntents = { token: discord.token, intents: 2 ** 30, properties: {} };
  expect(await closeCode(discord.url, { op: 2, d: wrongIntents })).toBe(GatewayCloseCodes.InvalidIntents);
});

test('a heartbeat is acknowledged', async () => {
  const discord = await createLocalDiscord();
  onTestFinished(() => discord.close());
  const socket = open(discord.url);
  const ops: number[] = [];
  socket.on('message', (data) => {
    ops.push(z.object({ op: z.number() }).parse(JSON.parse(z.instanceof(Buffer).parse(data).toString())).op);
    if (ops.length === 1) socket.send(JSON.stringify({ op: 1, d: null }));
  });
  await eventually(() => expect(ops).toEqual([10, 11]));
});

test('two clients may come and go', async () => {
  const place = await stage();
  const other = await join(place.discord);
  await other.client.destroy();
  await register(place, ping);
  const arrived = place.next();
  const id = await place.person('ana').run('ping');
  expect((await arrived).id).toBe(id);
});

test('a bot whose process was killed starts afresh: what came meanwhile has failed, its old session is gone', async () => {
  const discord = await createLocalDiscord();
  onTestFinished(() => discord.close());
  const identify = { op: 2, d: { token: discord.token, intents: 0, properties: {}, shard: [0, 1] } };
  const killed = open(discord.url);
  const session = await new Promise<string>((resolve) => {
    killed.once('message', () => killed.send(JSON.stringify(identify)));
    killed.on('message', (data) => {
      const { t, d } = Ready.parse(JSON.parse(z.instanceof(Buffer).parse(data).toString()));
      if (t === 'READY') resolve(d?.session_id ?? '');
    });
  });
  const rest = new REST({ api: discord.api }).setToken(discord.token);
  await rest.put(Routes.applicationCommands(discord.applicationId), { body: [ping] });
  killed.terminate();
  await eventually(async () => expect(await online(discord.url)).toBe(false));
  const response = await fetch(`${discord.url}/playground/users/ana/commands/ping`, { method: 'POST' });
  const missed = z.object({ interaction: z.string() }).parse(await response.json()).interaction;

  const place = await join(discord);
  const ids = heard(place);
  expect(await interaction(place, missed)).toMatchObject({ state: 'pending' });
  discord.clock.advance(3000);
  expect(await interaction(place, missed)).toMatchObject({ state: 'failed' });
  const next = await place.person('ana').run('ping');
  await eventually(() => expect(ids).toEqual([next]));
  const resume = { op: 6, d: { token: discord.token, session_id: session, seq: 1 } };
  expect(await answer(discord.url, resume)).toEqual({ op: 9, d: false });
});

const Ready = z.object({ t: z.string().nullish(), d: z.object({ session_id: z.string().optional() }).nullish() });

async function online(url: string): Promise<boolean> {
  const response = await fetch(`${url}/playground/state`);
  return z.object({ bot: z.object({ online: z.boolean() }) }).parse(await response.json()).bot.online;
}

/** What follows the hello when this is sent as the first frame. */
function answer(url: string, frame: object): Promise<{ op: number; d: unknown }> {
  const socket = open(url);
  socket.once('message', () => socket.send(JSON.stringify(frame)));
  return new Promise((resolve) => {
    socket.on('message', (data) => {
      const said = z
        .object({ op: z.number(), d: z.unknown() })
        .parse(JSON.parse(z.instanceof(Buffer).parse(data).toString()));
      if (said.op !== 10) resolve({ op: said.op, d: said.d });
    });
  });
}

function open(url: string): WebSocket {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/?v=10&encoding=json`);
  onTestFinished(() => socket.terminate());
  return socket;
}

function closeCode(url: string, frame: object | string): Promise<number> {
  const socket = open(url);
  socket.once('message', () => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)));
  return new Promise((resolve) => {
    socket.once('close', resolve);
  });
}
