import { MessageFlags, Routes, type APIInteraction, type APIMessage } from 'discord.js';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { interaction, register, stage, type Stage } from './stage.ts';

const ping = { name: 'ping', description: 'Answers', integration_types: [0, 1], contexts: [0, 1, 2] };
const Message = z.custom<APIMessage>();

async function called(place: Stage, person = 'ana', channel = 'characters'): Promise<APIInteraction> {
  place.discord.clock.advance(5000);
  await register(place, ping);
  const arrived = place.next();
  await place.person(person).run('ping', { channel });
  return arrived;
}

function routes({ discord, rest }: Stage, { token }: APIInteraction) {
  const one = (id: string) => Routes.webhookMessage(discord.applicationId, token, id);
  return {
    get: async (id = '@original') => Message.parse(await rest.get(one(id), { auth: false })),
    patch: async (body: object, id = '@original') => Message.parse(await rest.patch(one(id), { body, auth: false })),
    delete: (id = '@original') => rest.delete(one(id), { auth: false }),
    post: async (body: object) =>
      Message.parse(
        await rest.post(Routes.webhook(discord.applicationId, token), {
          body,
          auth: false,
          query: new URLSearchParams({ wait: 'true' }),
        }),
      ),
  };
}

test('an answer tells its message when asked, and a second one comes too late', async () => {
  const place = await stage();
  const raw = await called(place);
  const response = await place.callback(raw, 4, { content: 'pong' });
  expect(response).toMatchObject({
    interaction: { id: raw.id, type: 2, response_message_loading: false, response_message_ephemeral: false },
    resource: {
      type: 4,
      message: {
        content: 'pong',
        webhook_id: place.discord.applicationId,
        interaction: { name: 'ping' },
        interaction_metadata: { id: raw.id, user: { username: 'ana' } },
      },
    },
  });
  await expect(place.callback(raw, 5)).rejects.toMatchObject({ status: 400, code: 40060 });
  expect(await interaction(place, raw.id)).toMatchObject({
    state: 'answered',
    answeredAfterMs: expect.any(Number),
    message: expect.any(String),
  });
});

test('a client of discord.js defers, edits and follows up', async () => {
  const place = await stage();
  const done = new Promise<string>((resolve, reject) => {
    place.client.on('interactionCreate', (command) => {
      if (!command.isChatInputCommand()) return;
      const run = async () => {
        await command.deferReply();
        await command.editReply('one');
        await command.editReply({ content: 'two', files: [{ attachment: Buffer.from('x'), name: 'x.txt' }] });
        const more = await command.followUp({ content: 'three', flags: MessageFlags.Ephemeral });
        resolve(more.id);
      };
      run().catch(reject);
    });
  });
  await called(place);
  const id = await done;
  const seen = await place.person('ana').messages();
  expect(seen.map(({ content }) => content)).toEqual(['two', 'three']);
  expect(seen[0]?.attachments).toMatchObject([{ filename: 'x.txt' }]);
  expect(seen[1]).toMatchObject({ id, flags: MessageFlags.Ephemeral });
});

test('a deferred answer is loading until it is edited, and is fetched and deleted', async () => {
  const place = await stage();
  const raw = await called(place);
  expect(await place.callback(raw, 5)).toMatchObject({ interaction: { response_message_loading: true } });
  const hook = routes(place, raw);
  expect((await hook.get()).flags).toBe(MessageFlags.Loading);
  expect(await hook.patch({ content: 'done' })).toMatchObject({
    content: 'done',
    flags: 0,
    edited_timestamp: expect.any(String),
  });
  expect((await hook.get()).content).toBe('done');
  await hook.delete();
  await expect(hook.get()).rejects.toMatchObject({ code: 10008 });
  expect(await place.person('ana').messages()).toEqual([]);
});

test('the follow-up right after a defer edits the deferred answer, and finds no new file for a gallery', async () => {
  const place = await stage();
  const raw = await called(place);
  await place.callback(raw, 5);
  const hook = routes(place, raw);
  const original = await hook.get();
  const body = {
    flags: MessageFlags.IsComponentsV2,
    components: [{ type: 12, items: [{ media: { url: 'attachment://x.png' } }] }],
  };
  const post = place.rest.post(Routes.webhook(place.discord.applicationId, raw.token), {
    body,
    files: [{ name: 'x.png', data: Buffer.from('x') }],
    auth: false,
  });
  await expect(post).rejects.toMatchObject({
    code: 50035,
    message: expect.stringContaining('UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND'),
  });
  expect((await hook.post({ content: 'first' })).id).toBe(original.id);
  const second = await hook.post({ content: 'second' });
  expect(second.id).not.toBe(original.id);
  expect(await hook.patch({ content: 'changed' }, second.id)).toMatchObject({ content: 'changed' });
  expect((await hook.get(second.id)).content).toBe('changed');
  await hook.delete(second.id);
  expect((await place.person('ana').messages()).map(({ content }) => content)).toEqual(['first']);
});

test('where the bot is not a member the sixth follow-up is refused', async () => {
  const place = await stage();
  const raw = await called(place, 'ana', 'elsewhere');
  await place.callback(raw, 4, { content: 'x' });
  const hook = routes(place, raw);
  for (let index = 0; index < 5; index += 1) {
    place.discord.clock.advance(2000);
    await hook.post({ content: `${index}` });
  }
  await expect(hook.post({ content: 'six' })).rejects.toMatchObject({ code: 40094 });
  expect(await hook.patch({ content: 'an edit is none' })).toMatchObject({ content: 'an edit is none' });
});

test('before the first answer there is no webhook, and after fifteen minutes its token is dead', async () => {
  const place = await stage();
  const raw = await called(place);
  const hook = routes(place, raw);
  await expect(hook.patch({ content: 'x' })).rejects.toMatchObject({ status: 404, code: 10015 });
  await place.callback(raw, 5);
  place.discord.clock.advance(15 * 60_000 - 5000);
  await hook.patch({ content: 'just in time' });
  place.discord.clock.advance(6000);
  await expect(hook.patch({ content: 'x' })).rejects.toMatchObject({ status: 401, code: 50027 });
  await expect(hook.post({ content: 'x' })).rejects.toMatchObject({ status: 401, code: 50027 });
  await expect(routes(place, { ...raw, token: 'made-up' }).get()).rejects.toMatchObject({ code: 50027 });
});

test('a private answer is seen by its one reader and is out of reach of the bot’s own token', async () => {
  const place = await stage();
  const raw = await called(place);
  await place.callback(raw, 5, { flags: MessageFlags.Ephemeral });
  const edited = await routes(place, raw).patch({ content: 'between us' });
  expect(edited.flags).toBe(MessageFlags.Ephemeral);
  expect(await place.person('ana').messages()).toHaveLength(1);
  expect(await place.person('bo').messages()).toEqual([]);
  const path = Routes.channelMessage(await place.channel('characters'), edited.id);
  await expect(place.rest.patch(path, { body: { content: 'x' } })).rejects.toMatchObject({ code: 10008 });
  await expect(place.rest.get(path)).rejects.toMatchObject({ code: 10008 });
});

test('each kind of interaction takes its own answers only', async () => {
  const place = await stage();
  const raw = await called(place);
  for (const type of [1, 6, 7, 8, 12]) {
    await expect(place.callback(raw, type, {})).rejects.toMatchObject({ code: 50035 });
  }
  await expect(place.callback(raw, 4, { content: 'x'.repeat(2001) })).rejects.toMatchObject({ code: 50035 });
  await expect(place.callback(raw, 4, {})).rejects.toMatchObject({ code: 50006 });
  await place.callback(raw, 4, { content: 'a refused answer was none' });
});

test('two answers at once: one is taken', async () => {
  const place = await stage();
  const raw = await called(place);
  const both = await Promise.allSettled([
    place.callback(raw, 4, { content: 'a' }),
    place.callback(raw, 4, { content: 'b' }),
  ]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await place.person('ana').messages()).toHaveLength(1);
});

test('answers have files also where the bot’s own messages may have none, or where it may not write', async () => {
  const place = await stage();
  for (const channel of ['no-files', 'read-only', 'elsewhere', 'dm', 'ana, bo']) {
    const raw = await called(place, 'ana', channel);
    await place.callback(raw, 5);
    const edited = await place.edit(raw, { content: channel }, [{ name: 'x.txt', data: Buffer.from('x') }]);
    expect(edited).toMatchObject({ content: channel, attachments: [{ filename: 'x.txt' }] });
    expect(await place.person('ana').messages(channel)).toMatchObject([{ content: channel }]);
  }
});
