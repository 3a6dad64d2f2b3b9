import { MessageFlags, Routes, type APIMessage } from 'discord.js';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { eventually } from '../eventually.ts';
import { register, stage, type Stage } from './stage.ts';

const Message = z.custom<APIMessage>();
const MIB = 1024 * 1024;
const file = { name: 'x.txt', data: Buffer.from('x') };
const ping = { name: 'ping', description: 'x', integration_types: [0, 1], contexts: [0, 1, 2] };

async function called(place: Stage, who = 'ana') {
  const arrived = place.next();
  await place.person(who).run('ping');
  return arrived;
}

/** A member's command that was deferred and edited once; the answer's message and its path for the bot's own token. */
async function answered(place: Stage) {
  await register(place, ping);
  const raw = await called(place);
  await place.callback(raw, 5);
  const message = await place.edit(raw, { content: 'working' });
  return { raw, message, path: Routes.channelMessage(message.channel_id, message.id) };
}

test('a deleted channel takes its messages along', async () => {
  const place = await stage({}, { intents: ['Guilds'] });
  const { raw, path, message } = await answered(place);
  const [{ url } = { url: '' }] = (await place.edit(raw, {}, [file])).attachments;
  expect((await fetch(url)).status).toBe(200);
  const pending = await called(place, 'bo');
  const deleted = new Promise<string>((resolve) => {
    place.client.once('channelDelete', ({ id }) => resolve(id));
  });
  expect(await place.ask('DELETE', 'channels/characters')).toMatchObject({ status: 204 });
  expect(await deleted).toBe(message.channel_id);
  expect((await fetch(url)).status).toBe(404);
  const all = Routes.channelMessages(message.channel_id);
  const gone = { status: 404, code: 10003 };
  await expect(place.rest.get(path)).rejects.toMatchObject(gone);
  await expect(place.rest.get(all)).rejects.toMatchObject(gone);
  await expect(place.rest.patch(path, { body: { content: 'x' } })).rejects.toMatchObject(gone);
  await expect(place.rest.post(all, { body: { content: 'x' } })).rejects.toMatchObject(gone);
  await expect(place.edit(raw, { content: 'done' })).rejects.toMatchObject({ status: 404, code: 10008 });
  const followUp = Routes.webhook(place.discord.applicationId, raw.token);
  await expect(place.rest.post(followUp, { body: { content: 'x' }, auth: false })).rejects.toMatchObject(gone);
  await expect(place.callback(pending, 5)).rejects.toMatchObject(gone);
  expect((await place.state()).channels.map(({ name }) => name)).not.toContain('characters');
  expect((await place.person('ana').get('channels/characters/messages')).status).toBe(404);
  expect(await place.ask('DELETE', 'channels/characters')).toMatchObject({ status: 404 });
  expect(await place.ask('DELETE', `channels/${await place.channel('ana and Troupe')}`)).toMatchObject({ status: 422 });
});

test('permissions of the bot are taken and given while it runs', async () => {
  const place = await stage();
  const { path, message, raw } = await answered(place);
  const all = Routes.channelMessages(message.channel_id);
  const change = (botPermissions: object) => place.ask('PATCH', 'channels/characters', { botPermissions });
  expect(await change({ SendMessages: false, AttachFiles: false })).toMatchObject({ status: 204 });
  await expect(place.rest.post(all, { body: { content: 'x' } })).rejects.toMatchObject({ status: 403, code: 50013 });
  await expect(place.rest.patch(path, { body: {}, files: [file] })).rejects.toMatchObject({ code: 50013 });
  await place.rest.patch(path, { body: { content: 'x' } });
  await change({ SendMessages: true });
  await place.rest.post(all, { body: { content: 'x' } });
  await expect(place.rest.post(all, { body: {}, files: [file] })).rejects.toMatchObject({ code: 50013 });
  await change({ ViewChannel: false });
  await expect(place.rest.patch(path, { body: { content: 'x' } })).rejects.toMatchObject({ status: 403, code: 50001 });
  // An interaction's token asks for no permissions.
  await place.edit(raw, { content: 'by token' }, [file]);
  const { botPermissions } = (await place.state()).channels.find(({ name }) => name === 'characters') ?? {};
  expect(botPermissions).toEqual({
    ViewChannel: false,
    SendMessages: true,
    AttachFiles: false,
    ReadMessageHistory: true,
  });
  const { app_permissions } = await called(place);
  expect(BigInt(app_permissions) & (1n << 10n)).toBe(0n);
  expect(await change({ Dance: true })).toMatchObject({ status: 400 });
  expect(await place.ask('PATCH', 'channels/elsewhere', { botPermissions: {} })).toMatchObject({ status: 422 });
});

test('a user closes and opens their direct messages', async () => {
  const place = await stage();
  const recipient_id = (await place.state()).users.find(({ name }) => name === 'ana')?.id;
  const dm = z
    .object({ id: z.string() })
    .parse(await place.rest.post(Routes.userChannels(), { body: { recipient_id } }));
  const send = () => place.rest.post(Routes.channelMessages(dm.id), { body: { content: 'x' } });
  await send();
  expect(await place.ask('PATCH', 'users/ana', { closedDms: true })).toMatchObject({ status: 204 });
  await expect(send()).rejects.toMatchObject({ status: 403, code: 50007 });
  expect((await place.state()).users.find(({ name }) => name === 'ana')?.closedDms).toBe(true);
  place.discord.setClosedDms('ana', false);
  await send();
});

test('a message that a moderator deletes is gone for the bot and for everybody', async () => {
  const place = await stage({}, { intents: ['Guilds', 'GuildMessages'], partials: [] });
  const { raw, path, message } = await answered(place);
  const told: string[] = [];
  place.client.on('raw', (packet: { t: string; d: { id: string } }) => {
    if (packet.t === 'MESSAGE_DELETE') told.push(packet.d.id);
  });
  expect(await place.ask('DELETE', `messages/${message.id}`)).toMatchObject({ status: 204 });
  const gone = { status: 404, code: 10008 };
  await expect(place.rest.get(path)).rejects.toMatchObject(gone);
  await expect(place.rest.patch(path, { body: { content: 'x' } })).rejects.toMatchObject(gone);
  await expect(place.edit(raw, { content: 'x' })).rejects.toMatchObject(gone);
  expect(await place.person('ana').messages()).toEqual([]);
  await eventually(() => expect(told).toEqual([message.id]));
  expect(await place.ask('DELETE', `messages/${message.id}`)).toMatchObject({ status: 404 });
});

test('a private message is nobody’s to delete', async () => {
  const place = await stage();
  await register(place, ping);
  await place.callback(await called(place), 4, { content: 'psst', flags: MessageFlags.Ephemeral });
  const [own] = await place.person('ana').messages();
  expect(() => place.discord.deleteMessage(own?.id ?? '')).toThrow('only its reader sees');
  expect(await place.person('ana').messages()).toHaveLength(1);
});

test('the bot is removed from its guild and added again', async () => {
  const place = await stage({}, { intents: ['Guilds'] });
  const { raw, path, message } = await answered(place);
  const dm = (await place.state()).channels.find(({ name }) => name === 'ana and Troupe')?.id ?? '';
  const left = new Promise<string>((resolve) => {
    place.client.once('guildDelete', ({ id }) => resolve(id));
  });
  const guild = `guilds/${place.discord.guildId}`;
  expect(await place.ask('PATCH', guild, { botIsMember: false })).toMatchObject({ status: 204 });
  expect(await left).toBe(place.discord.guildId);
  const refused = { status: 403, code: 50001 };
  await expect(place.rest.get(path)).rejects.toMatchObject(refused);
  await expect(place.rest.get(Routes.guild(place.discord.guildId))).rejects.toMatchObject(refused);
  const all = Routes.channelMessages(message.channel_id);
  await expect(place.rest.post(all, { body: { content: 'x' } })).rejects.toMatchObject(refused);
  await expect(place.rest.post(Routes.channelMessages(dm), { body: { content: 'x' } })).rejects.toMatchObject({
    code: 50278,
  });
  // The interaction's token does not depend on it (inferred: it works where the bot never was a member).
  await place.edit(raw, { content: 'by token' });
  const outside = await called(place);
  expect(outside.authorizing_integration_owners).toEqual({ 1: expect.any(String) });
  await place.ask('PATCH', guild, { botIsMember: true });
  expect(await place.rest.get(path)).toMatchObject({ content: 'by token' });
  expect((await called(place)).authorizing_integration_owners).toEqual({ 0: place.discord.guildId });
});

test('a guild’s tier sets how large files may be', async () => {
  const place = await stage({ requestLimit: 120 * MIB });
  await register(place, ping);
  const path = Routes.channelMessages(await place.channel('characters'));
  const send = (mib: number) =>
    place.rest.post(path, { body: {}, files: [{ name: 'x.bin', data: Buffer.alloc(mib * MIB) }] });
  const limit = async (who: string) => (await called(place, who)).attachment_size_limit / MIB;
  expect(await limit('ana')).toBe(20);
  place.discord.setPremiumTier(place.discord.guildId, 1);
  expect(await limit('ana')).toBe(20);
  await expect(send(21)).rejects.toMatchObject({ status: 413, code: 40005 });
  expect(await place.ask('PATCH', `guilds/${place.discord.guildId}`, { premiumTier: 2 })).toMatchObject({
    status: 204,
  });
  expect(await limit('ana')).toBe(50);
  expect(await limit('nitro')).toBe(500);
  await send(21);
  place.discord.setPremiumTier(place.discord.guildId, 3);
  expect(await limit('ana')).toBe(100);
  expect(await place.rest.get(Routes.guild(place.discord.guildId))).toMatchObject({ premium_tier: 3 });
  expect((await place.state()).guilds[0]).toMatchObject({ premiumTier: 3, fileLimit: 100 * MIB, botIsMember: true });
  expect(await place.ask('PATCH', `guilds/${place.discord.guildId}`, { premiumTier: 4 })).toMatchObject({
    status: 400,
  });
  expect(await place.ask('PATCH', 'guilds/nowhere', { premiumTier: 1 })).toMatchObject({ status: 404 });
});

test('every message that the bot ever made is listed, with what became of it', async () => {
  const place = await stage();
  const { raw, message } = await answered(place);
  await place.edit(raw, { content: 'done' }, [file, { name: 'y.bin', data: Buffer.alloc(7) }]);
  place.discord.clock.advance(2000);
  const dm = await place.channel('ana and Troupe');
  const told = Message.parse(
    await place.rest.post(Routes.channelMessages(dm), { body: { content: 'x', nonce: 'n-1' } }),
  );
  const hidden = await called(place, 'bo');
  await place.callback(hidden, 5, { flags: MessageFlags.Ephemeral });
  place.discord.deleteMessage(message.id);
  const bo = (await place.state()).users.find(({ name }) => name === 'bo')?.id;
  const list = [
    {
      id: message.id,
      channel: message.channel_id,
      interaction: raw.id,
      loading: false,
      edits: 2,
      createdAt: expect.any(Number),
      editedAt: expect.any(Number),
      deletedAt: expect.any(Number),
      files: [
        { id: expect.any(String), name: 'x.txt', size: 1 },
        { id: expect.any(String), name: 'y.bin', size: 7 },
      ],
    },
    { id: told.id, channel: dm, nonce: 'n-1', loading: false, edits: 0, createdAt: expect.any(Number), files: [] },
    {
      id: expect.any(String),
      channel: message.channel_id,
      onlyFor: bo,
      interaction: hidden.id,
      loading: true,
      edits: 0,
      createdAt: expect.any(Number),
      files: [],
    },
  ];
  expect(await place.ask('GET', 'messages')).toEqual({ status: 200, json: list });
  expect(await place.ask('GET', `messages?channel=${dm}`)).toEqual({ status: 200, json: [list[1]] });
  place.discord.deleteChannel('characters');
  const swept = place.discord.madeMessages(message.channel_id);
  expect(swept.map(({ deletedAt }) => typeof deletedAt)).toEqual(['number', 'number']);
  expect(await place.ask('GET', `messages?channel=${message.channel_id}`)).toMatchObject({ json: [{}, {}] });
  expect(await place.ask('GET', 'messages?channel=nowhere')).toMatchObject({ status: 404 });
});

test('what the bot was refused is counted, and what it could have foreseen', async () => {
  const place = await stage();
  const { raw, path } = await answered(place);
  place.discord.clock.advance(16 * 60_000);
  const dead = { code: 50027 };
  await expect(place.edit(raw, { content: 'x' })).rejects.toMatchObject(dead);
  const followUp = Routes.webhook(place.discord.applicationId, raw.token);
  await expect(place.rest.post(followUp, { body: { content: 'x' }, auth: false })).rejects.toMatchObject(dead);
  await place.rest.patch(path, { body: { content: 'x' } });
  await expect(place.rest.get(Routes.channel('100000000000000000'))).rejects.toMatchObject({ code: 10003 });
  await expect(place.rest.get(Routes.channel('100000000000000001'))).rejects.toMatchObject({ code: 10003 });
  const edit = 'PATCH /webhooks/{application}/{token}/messages/{message}';
  const counts = place.discord.requests();
  expect(counts).toEqual(
    expect.arrayContaining([
      { route: edit, status: 200, times: 1, repeats: 0 },
      { route: edit, status: 401, code: 50027, times: 1, repeats: 0 },
      { route: 'POST /webhooks/{application}/{token}', status: 401, code: 50027, times: 1, repeats: 1 },
      { route: 'PATCH /channels/{channel}/messages/{message}', status: 200, times: 1, repeats: 0 },
      { route: 'GET /channels/{channel}', status: 404, code: 10003, times: 2, repeats: 0 },
    ]),
  );
  expect(await place.ask('GET', 'requests')).toEqual({ status: 200, json: counts });
});
