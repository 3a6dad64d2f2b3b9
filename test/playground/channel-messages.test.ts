import { MessageFlags, REST, Routes, type APIMessage } from 'discord.js';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { wrongAnswer } from './openapi.ts';
import { register, stage, type Stage } from './stage.ts';

const Message = z.custom<APIMessage>();
const file = { name: 'x.txt', data: Buffer.from('x') };

async function dmOf({ rest, state }: Stage, name: string): Promise<string> {
  const recipient_id = (await state()).users.find((user) => user.name === name)?.id;
  return z.object({ id: z.string() }).parse(await rest.post(Routes.userChannels(), { body: { recipient_id } })).id;
}

test('a message is written, read, listed, changed and deleted by the bot’s own token', async () => {
  const { rest, channel, person } = await stage();
  const id = await channel('characters');
  const all = Routes.channelMessages(id);
  const first = Message.parse(await rest.post(all, { body: { content: 'one' } }));
  const second = Message.parse(
    await rest.post(all, { body: { content: 'two', message_reference: { message_id: first.id } } }),
  );
  expect(second).toMatchObject({
    type: 19,
    message_reference: { message_id: first.id },
    referenced_message: { content: 'one' },
  });
  expect(await rest.get(Routes.channelMessage(id, first.id))).toMatchObject({ content: 'one', author: { bot: true } });
  const listed = z.array(Message).parse(await rest.get(all, { query: new URLSearchParams({ limit: '1' }) }));
  expect(listed.map(({ content }) => content)).toEqual(['two']);
  const newer = z.array(Message).parse(await rest.get(all, { query: new URLSearchParams({ after: first.id }) }));
  expect(newer.map(({ id }) => id)).toEqual([second.id]);
  expect(await rest.patch(Routes.channelMessage(id, first.id), { body: { content: 'changed' } })).toMatchObject({
    content: 'changed',
  });
  await rest.delete(Routes.channelMessage(id, second.id));
  expect((await person('bo').messages()).map(({ content }) => content)).toEqual(['changed']);
  await expect(rest.get(Routes.channelMessage(id, second.id))).rejects.toMatchObject({ code: 10008 });
  await expect(
    rest.post(all, { body: { content: 'x', message_reference: { message_id: second.id } } }),
  ).rejects.toMatchObject({ code: 50035 });
});

test('the answer of an interaction can be edited by the bot’s own token long after the interaction’s has died', async () => {
  const place = await stage();
  await register(place, { name: 'ping', description: 'x' });
  const arrived = place.next();
  await place.person('ana').run('ping');
  const raw = await arrived;
  await place.callback(raw, 5);
  const { id } = await place.edit(raw, { content: 'working' });
  place.discord.clock.advance(40 * 60_000);
  await expect(place.edit(raw, { content: 'x' })).rejects.toMatchObject({ code: 50027 });
  const path = Routes.channelMessage(await place.channel('characters'), id);
  expect(await place.rest.patch(path, { body: { content: 'done' }, files: [file] })).toMatchObject({
    content: 'done',
    attachments: [{ filename: 'x.txt' }],
  });
});

test('a message with an enforced nonce is made once in five minutes, per channel', async () => {
  const { rest, channel, person, discord } = await stage();
  const all = Routes.channelMessages(await channel('characters'));
  const body = { content: 'once', nonce: 'n-1', enforce_nonce: true };
  const post = async (path: `/${string}`, request: object) => Message.parse(await rest.post(path, { body: request }));
  const first = await post(all, body);
  discord.clock.advance(4 * 60_000);
  expect(await post(all, { ...body, content: 'again' })).toMatchObject({ id: first.id, content: 'once', nonce: 'n-1' });
  expect(await person('ana').messages()).toHaveLength(1);
  const elsewhere = await post(Routes.channelMessages(await channel('no-files')), body);
  expect(elsewhere.id).not.toBe(first.id);
  discord.clock.advance(60_000);
  expect((await post(all, body)).id).not.toBe(first.id);
  expect((await post(all, { content: 'x', nonce: 'n-1' })).id).not.toBe(first.id);
  expect(await person('ana').messages()).toHaveLength(3);
});

test('the same enforced nonce twice at once makes one message, and a refused request keeps no nonce', async () => {
  const { rest, channel, person, discord } = await stage();
  const all = Routes.channelMessages(await channel('characters'));
  const body = { nonce: 'n-2', enforce_nonce: true };
  await expect(rest.post(all, { body })).rejects.toMatchObject({ code: 50006 });
  const twice = await Promise.all(
    [1, 2].map(async () =>
      Message.parse(await new REST({ api: discord.api }).setToken(discord.token).post(all, { body, files: [file] })),
    ),
  );
  expect(twice[0]?.id).toBe(twice[1]?.id);
  expect(await person('ana').messages()).toHaveLength(1);
});

test('permissions and membership are enforced per channel', async () => {
  const { rest, channel, discord } = await stage();
  const send = async (name: string, files: (typeof file)[] = []) =>
    rest.post(Routes.channelMessages(await channel(name)), { body: { content: 'x' }, files });
  await expect(send('no-files', [file])).rejects.toMatchObject({ status: 403, code: 50013 });
  await send('no-files');
  await expect(send('read-only')).rejects.toMatchObject({ status: 403, code: 50013 });
  await expect(send('elsewhere')).rejects.toMatchObject({ status: 403, code: 50001 });
  await expect(send('ana, bo')).rejects.toMatchObject({ status: 403, code: 50001 });
  await expect(rest.get(Routes.channel(await channel('elsewhere')))).rejects.toMatchObject({ code: 50001 });
  await expect(rest.get(Routes.channel('100000000000000000'))).rejects.toMatchObject({ code: 10003 });
  expect(await rest.get(Routes.channel(await channel('characters')))).toMatchObject({
    type: 0,
    guild_id: discord.guildId,
  });
  const guild = await rest.get(Routes.guild(discord.guildId));
  expect(guild).toMatchObject({
    id: discord.guildId,
    premium_tier: 0,
    roles: [{ name: '@everyone' }, { name: 'Moderator' }],
  });
  expect(await wrongAnswer('GET', '/guilds/{guild}', guild)).toBeUndefined();
  await expect(rest.get(Routes.guild('100000000000000000'))).rejects.toMatchObject({ code: 10004 });
});

test('direct messages reach those who take them', async () => {
  const place = await stage();
  const dm = await dmOf(place, 'ana');
  await place.rest.post(Routes.channelMessages(dm), { body: { content: 'hello' } });
  expect(await place.person('ana').messages('dm')).toMatchObject([{ content: 'hello', channel_id: dm }]);
  const other = await place.person('bo').get(`channels/${dm}/messages`);
  expect(other.status).toBe(404);
  for (const [name, code] of [
    ['closed', 50007],
    ['stranger', 50278],
  ] as const) {
    const path = Routes.channelMessages(await dmOf(place, name));
    await expect(place.rest.post(path, { body: { content: 'x' } })).rejects.toMatchObject({ status: 403, code });
  }
  await expect(place.rest.post(Routes.userChannels(), { body: { recipient_id: '1' } })).rejects.toMatchObject({
    code: 10013,
  });
});

test('only those are mentioned whom allowed_mentions allows', async () => {
  const { rest, channel, state } = await stage();
  const all = Routes.channelMessages(await channel('characters'));
  const ana = (await state()).users.find(({ name }) => name === 'ana')?.id ?? '';
  const content = `<@${ana}> @everyone`;
  const mentioned = async (allowed_mentions?: object) => {
    const body = { content, ...(allowed_mentions ? { allowed_mentions } : {}) };
    const { mentions, mention_everyone } = Message.parse(await rest.post(all, { body }));
    return [mentions.map(({ username }) => username), mention_everyone];
  };
  expect(await mentioned()).toEqual([['ana'], true]);
  expect(await mentioned({ parse: [] })).toEqual([[], false]);
  expect(await mentioned({ parse: [], users: [ana] })).toEqual([['ana'], false]);
});

test('the bot finds itself, its application and the gateway', async () => {
  const { rest, discord } = await stage();
  const me = z.object({ id: z.string(), bot: z.literal(true) }).parse(await rest.get(Routes.user()));
  expect(await rest.get(Routes.currentApplication())).toMatchObject({ id: discord.applicationId, bot: { id: me.id } });
  expect(await rest.get(Routes.gatewayBot())).toMatchObject({ url: discord.url.replace('http', 'ws'), shards: 1 });
});

test('flags that are not the app’s to set are left out', async () => {
  const { rest, channel } = await stage();
  const body = { content: 'x', flags: MessageFlags.SuppressEmbeds | MessageFlags.Crossposted };
  const message = Message.parse(await rest.post(Routes.channelMessages(await channel('characters')), { body }));
  expect(message.flags).toBe(MessageFlags.SuppressEmbeds);
});
