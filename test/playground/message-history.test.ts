import { MessageFlags, Routes, type APIMessage } from 'discord.js';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { register, stage, type Stage } from './stage.ts';

const Message = z.custom<APIMessage>();
const Messages = z.array(Message);

/** Asks as the bot, without the patience of discord.js, which keeps to the limits of each route by the real clock. */
async function ask(place: Stage, method: string, path: string, body: object) {
  place.discord.clock.advance(1001);
  const headers = { authorization: `Bot ${place.discord.token}`, 'content-type': 'application/json' };
  const response = await fetch(`${place.discord.api}/v10${path}`, { method, body: JSON.stringify(body), headers });
  return { status: response.status, headers: response.headers, json: z.unknown().parse(await response.json()) };
}

/** Writes messages `1` to `count` into a channel of many characters; returns its path and how to read it. */
async function history(place: Stage, count: number) {
  const all = Routes.channelMessages(await place.channel('characters'));
  const ids: string[] = [];
  for (let number = 1; number <= count; number += 1) {
    ids.push(Message.parse((await ask(place, 'POST', all, { content: `${number}` })).json).id);
  }
  return {
    all,
    id: (number: number) => ids[number - 1] ?? '',
    async read(query: Record<string, string> = {}) {
      const messages = Messages.parse(await place.rest.get(all, { query: new URLSearchParams(query) }));
      return messages.map(({ content }) => content).join(' ');
    },
  };
}

test('a channel’s messages are read newest first, page by page', async () => {
  const { read, id } = await history(await stage(), 7);
  expect(await read()).toBe('7 6 5 4 3 2 1');
  expect(await read({ limit: '2' })).toBe('7 6');
  expect(await read({ limit: '2', before: id(6) })).toBe('5 4');
  expect(await read({ limit: '2', before: id(1) })).toBe('');
  // The oldest that are newer, newest first: how a reader walks ahead.
  expect(await read({ limit: '2', after: id(3) })).toBe('5 4');
  expect(await read({ limit: '3', around: id(4) })).toBe('5 4 3');
  expect(await read({ limit: '5', around: id(2) })).toBe('4 3 2 1');
  expect(await read({ limit: '1', around: id(4) })).toBe('4');
  expect(await read({ after: '0' })).toBe('7 6 5 4 3 2 1');
});

test('fifty messages are read where no limit is named', async () => {
  const place = await stage();
  const { read } = await history(place, 52);
  expect((await read()).split(' ')).toHaveLength(50);
  expect((await read({ limit: '100' })).split(' ')).toHaveLength(52);
});

test.each([{ limit: '0' }, { limit: '101' }, { limit: 'x' }, { before: 'x' }, { before: '1', after: '2' }])(
  'a page that cannot be is refused: %o',
  async (query) => {
    const { read } = await history(await stage(), 1);
    await expect(read(query)).rejects.toMatchObject({ status: 400, code: 50035 });
  },
);

test('what is read has no nonce, which the answer to its creation has', async () => {
  const place = await stage();
  const { all } = await history(place, 0);
  const made = Message.parse(await place.rest.post(all, { body: { content: 'x', nonce: 'n-1' } }));
  expect(made.nonce).toBe('n-1');
  const one = Routes.channelMessage(made.channel_id, made.id);
  expect(Messages.parse(await place.rest.get(all))[0]).toMatchObject({ id: made.id });
  expect(Messages.parse(await place.rest.get(all))[0]).not.toHaveProperty('nonce');
  expect(await place.rest.get(one)).not.toHaveProperty('nonce');
  expect(await place.rest.patch(one, { body: { content: 'y' } })).not.toHaveProperty('nonce');
});

test('without the history a channel reads as empty and a message is refused; without access both are', async () => {
  const place = await stage();
  const { all, id, read } = await history(place, 1);
  const one = Routes.channelMessage(await place.channel('characters'), id(1));
  place.discord.setBotPermissions('characters', { ReadMessageHistory: false });
  expect(await read()).toBe('');
  await expect(place.rest.get(one)).rejects.toMatchObject({ status: 403, code: 50013 });
  place.discord.setBotPermissions('characters', { ViewChannel: false });
  await expect(place.rest.get(all)).rejects.toMatchObject({ status: 403, code: 50001 });
  await expect(place.rest.get(one)).rejects.toMatchObject({ status: 403, code: 50001 });
  const elsewhere = Routes.channelMessages(await place.channel('elsewhere'));
  await expect(place.rest.get(elsewhere)).rejects.toMatchObject({ status: 403, code: 50001 });
  await expect(place.rest.get(Routes.channelMessages('100000000000000000'))).rejects.toMatchObject({
    status: 404,
    code: 10003,
  });
});

test('a private answer is in nobody’s history', async () => {
  const place = await stage();
  await register(place, { name: 'ping', description: 'x' });
  const arrived = place.next();
  await place.person('ana').run('ping');
  const raw = await arrived;
  await place.callback(raw, 4, { content: 'psst', flags: MessageFlags.Ephemeral });
  const [own] = await place.person('ana').messages();
  expect(own?.content).toBe('psst');
  expect(await place.rest.get(Routes.channelMessages(own?.channel_id ?? ''))).toEqual([]);
  await expect(place.rest.get(Routes.channelMessage(own?.channel_id ?? '', own?.id ?? ''))).rejects.toMatchObject({
    code: 10008,
  });
});

const text = (content: string, id?: number) => ({ type: 10, content, ...(id === undefined ? {} : { id }) });

test('components keep the ids that were sent, and the others get free ones in their order', async () => {
  const { rest, channel } = await stage();
  const all = Routes.channelMessages(await channel('characters'));
  const row = { type: 1, components: [{ type: 2, style: 1, custom_id: 'a', label: 'A', id: 2_000_000_000 }] };
  const container = { type: 17, id: 1, components: [text('one', 0), text('two', 3), row] };
  const body = { flags: MessageFlags.IsComponentsV2, components: [text('zero'), container] };
  const made = Message.parse(await rest.post(all, { body }));
  const ids = [
    { id: 2 },
    { id: 1, components: [{ id: 4 }, { id: 3 }, { id: 5, components: [{ id: 2_000_000_000 }] }] },
  ];
  expect(made.components).toMatchObject(ids);
  const one = Routes.channelMessage(made.channel_id, made.id);
  expect(Message.parse(await rest.get(one)).components).toMatchObject(ids);
  expect(Messages.parse(await rest.get(all))[0]?.components).toMatchObject(ids);
  const edited = await rest.patch(one, { body: { components: [text('new', 7), text('next')] } });
  expect(Message.parse(edited).components).toMatchObject([{ id: 7 }, { id: 1 }]);
});

test.each([
  ['the same twice', [text('a', 4), { type: 17, components: [text('b', 4)] }]],
  ['more than 32 bits', [text('a', 2 ** 31)]],
  ['less than 0', [text('a', -1)]],
  ['no whole number', [text('a', 1.5)]],
])('component ids are refused: %s', async (_name, components) => {
  const { rest, channel } = await stage();
  const all = Routes.channelMessages(await channel('characters'));
  const body = { flags: MessageFlags.IsComponentsV2, components };
  await expect(rest.post(all, { body })).rejects.toMatchObject({ status: 400, code: 50035 });
});

test('a message of more than an hour takes a few edits a minute, by the bot’s token and an interaction’s', async () => {
  const place = await stage();
  await register(place, { name: 'ping', description: 'x' });
  const { all, id } = await history(place, 2);
  const edit = async (number: number) => (await ask(place, 'PATCH', `${all}/${id(number)}`, { content: 'x' })).status;
  place.discord.clock.advance(59 * 60_000);
  for (let times = 0; times < 10; times += 1) expect(await edit(1)).toBe(200);
  place.discord.clock.advance(60_000);
  for (let times = 0; times < 3; times += 1) expect(await edit(1)).toBe(200);
  const refused = await ask(place, 'PATCH', `${all}/${id(1)}`, { content: 'y' });
  expect(refused.status).toBe(429);
  expect(refused.json).toMatchObject({ code: 30046, global: false, retry_after: expect.any(Number) });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
  expect(await edit(2)).toBe(200);
  place.discord.clock.advance(60_000);
  expect(await edit(1)).toBe(200);

  // A click on an old message brings a fresh token, and edits the old message all the same.
  const row = { type: 1, components: [{ type: 2, style: 1, custom_id: 'more', label: 'More' }] };
  const { id: card } = Message.parse((await ask(place, 'POST', all, { components: [row] })).json);
  place.discord.clock.advance(61 * 60_000);
  const arrived = place.next();
  await place.person('ana').press(card, 'more');
  const raw = await arrived;
  await place.callback(raw, 6);
  const original = Routes.webhookMessage(place.discord.applicationId, raw.token, '@original');
  for (let times = 0; times < 3; times += 1) {
    expect(await ask(place, 'PATCH', original, { content: 'x' })).toMatchObject({ status: 200 });
  }
  expect(await ask(place, 'PATCH', original, { content: 'x' })).toMatchObject({ status: 429, json: { code: 30046 } });
});
