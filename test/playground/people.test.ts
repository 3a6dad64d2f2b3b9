import { request } from 'node:http';
import {
  Client,
  ComponentType,
  ModalBuilder,
  LabelBuilder,
  FileUploadBuilder,
  TextInputBuilder,
  TextInputStyle,
  Routes,
  type APIMessage,
} from 'discord.js';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import type { PlaygroundEvent } from '../../src/playground/api.ts';
import { eventually } from '../eventually.ts';
import { interaction, register, stage, type Stage } from './stage.ts';

const ping = { name: 'ping', description: 'x' };

/** Says something with components as the bot, in #characters. */
async function say({ rest, channel }: Stage, components: object[]): Promise<string> {
  const path = Routes.channelMessages(await channel('characters'));
  return z.custom<APIMessage>().parse(await rest.post(path, { body: { content: 'choose', components } })).id;
}

const button = { type: 2, style: 1, label: 'Go', custom_id: 'go' };
const select = {
  type: 3,
  custom_id: 'pick',
  min_values: 1,
  max_values: 2,
  options: ['a', 'b', 'c'].map((value) => ({ label: value, value })),
};

test('the state tells of the people, the channels and who sees them', async () => {
  const place = await stage({ users: 3 });
  const { users, channels, bot } = await place.state();
  expect(bot.user.username).toBe('Troupe');
  expect(users.map(({ name }) => name)).toEqual([
    'ana',
    'bo',
    'mod',
    'nitro',
    'closed',
    'stranger',
    'user1',
    'user2',
    'user3',
  ]);
  const id = (name: string) => users.find((user) => user.name === name)?.id ?? '';
  const seen = Object.fromEntries(channels.map((channel) => [channel.name, channel]));
  expect(seen['characters']).toMatchObject({ kind: 'guild-text', botIsMember: true });
  expect(seen['characters']?.users).not.toContain(id('stranger'));
  expect(seen['elsewhere']).toMatchObject({ kind: 'guild-text', botIsMember: false });
  expect(seen['ana, bo']).toMatchObject({ kind: 'group-dm', users: [id('ana'), id('bo')] });
  const face = await fetch(new URL(users[0]?.avatarUrl ?? '', place.discord.url));
  expect(face.headers.get('content-type')).toBe('image/svg+xml');
  expect(await face.text()).toContain('>An</text>');
});

test('a new name makes a new member, and what is no name does not', async () => {
  const place = await stage();
  await register(place, ping);
  await place.person('user99').run('ping');
  expect((await place.state()).users.map(({ name }) => name)).toContain('user99');
  expect(await place.person('Not A Name').post('commands/ping', {})).toMatchObject({
    status: 404,
    json: { error: expect.any(String) },
  });
});

test('a button is pressed and a select is chosen from as a client does it', async () => {
  const place = await stage();
  const id = await say(place, [
    { type: 1, components: [button, { ...button, custom_id: 'off', disabled: true }] },
    { type: 1, components: [select] },
  ]);
  const pressed = place.next();
  await place.person('ana').press(id, 'go');
  expect(await pressed).toMatchObject({
    type: 3,
    message: { id, content: 'choose' },
    data: { component_type: 2, custom_id: 'go' },
  });
  const chosen = place.next();
  await place.person('ana').press(id, 'pick', ['a', 'c']);
  const raw = await chosen;
  expect(raw).toMatchObject({ data: { component_type: 3, custom_id: 'pick', values: ['a', 'c'] } });
  await place.callback(raw, 7, { content: 'chosen', components: [] });
  expect(await place.person('bo').messages()).toMatchObject([{ id, content: 'chosen', components: [] }]);
  await expect(place.person('ana').press(id, 'go')).rejects.toThrow('404');
  const other = await say(place, [
    { type: 1, components: [{ ...button, disabled: true }] },
    { type: 1, components: [select] },
  ]);
  await expect(place.person('ana').press(other, 'go')).rejects.toThrow('422');
  await expect(place.person('ana').press(other, 'pick', ['a', 'b', 'c'])).rejects.toThrow('422');
  await expect(place.person('ana').press(other, 'pick', ['z'])).rejects.toThrow('422');
});

test('a deferred update edits the message of the button, and only its reader presses a private one', async () => {
  const place = await stage();
  await register(place, ping);
  const arrived = place.next();
  await place.person('ana').run('ping');
  await place.callback(await arrived, 4, {
    content: 'private',
    flags: 64,
    components: [{ type: 1, components: [button] }],
  });
  const [message] = await place.person('ana').messages();
  await expect(place.person('bo').press(message?.id ?? '', 'go')).rejects.toThrow('404');
  const pressed = place.next();
  await place.person('ana').press(message?.id ?? '', 'go');
  const raw = await pressed;
  await place.callback(raw, 6);
  await place.edit(raw, { content: 'still private' });
  expect(await place.person('ana').messages()).toMatchObject([
    { id: message?.id, content: 'still private', flags: 64 },
  ]);
});

test('autocomplete asks the bot and waits for its choices', async () => {
  const place = await stage();
  const option = { type: 3, name: 'style', description: 'x', autocomplete: true, required: true };
  await register(place, { ...ping, options: [option, { type: 3, name: 'other', description: 'x' }] });
  place.client.on('interactionCreate', (asked) => {
    if (!asked.isAutocomplete()) return;
    const { name, value } = asked.options.getFocused(true);
    void asked.respond([{ name: `${name} ${value} ${asked.options.getString('other')}`, value: 'v' }]);
  });
  const { status, json } = await place.person('ana').get('autocomplete?command=ping&option=style&value=in&other=o');
  expect({ status, json }).toEqual({ status: 200, json: { choices: [{ name: 'style in o', value: 'v' }] } });
  place.client.removeAllListeners('interactionCreate');
  const asked = place.next();
  const late = place.person('ana').get('autocomplete?command=ping&option=style&value=in');
  const raw = await asked;
  await expect(
    place.callback(raw, 8, { choices: Array.from({ length: 26 }, () => ({ name: 'x', value: 'x' })) }),
  ).rejects.toMatchObject({ code: 50035 });
  place.discord.clock.advance(3000);
  expect(await late).toMatchObject({ status: 504, json: { error: expect.any(String) } });
});

function form(): ModalBuilder {
  const words = new TextInputBuilder().setCustomId('words').setStyle(TextInputStyle.Short).setMaxLength(5);
  const files = new FileUploadBuilder().setCustomId('files').setMinValues(1).setMaxValues(2);
  return new ModalBuilder()
    .setCustomId('form')
    .setTitle('Form')
    .addLabelComponents(
      new LabelBuilder().setLabel('Words').setTextInputComponent(words),
      new LabelBuilder().setLabel('Files').setFileUploadComponent(files),
    );
}

test('a modal is opened, filled in with files and submitted', async () => {
  const place = await stage();
  await register(place, ping);
  const got = new Promise<unknown>((resolve) => {
    place.client.on('interactionCreate', (event) => {
      if (event.isChatInputCommand()) void event.showModal(form());
      if (!event.isModalSubmit()) return;
      const files = event.fields.getUploadedFiles('files', true).map(({ name, size }) => [name, size]);
      resolve({ words: event.fields.getTextInputValue('words'), files });
      void event.reply('thanks');
    });
  });
  const id = await place.person('ana').run('ping');
  await eventually(async () =>
    expect(await interaction(place, id)).toMatchObject({ modal: { custom_id: 'form', title: 'Form' } }),
  );

  const submit = (fields: object, ...files: File[]) => {
    const body = new FormData();
    body.set('interaction', id);
    body.set('fields', JSON.stringify(fields));
    for (const file of files) body.append('files', file);
    return place.person('ana').post('modals', body);
  };
  const file = new File(['abc'], 'a.txt');
  expect(await submit({ words: 'hi' })).toMatchObject({ status: 422, json: { error: 'files takes 1 to 2 files.' } });
  expect(await submit({ words: 'too long' }, file)).toMatchObject({ status: 422 });
  expect(await submit({ words: 'hi', more: 'x' }, file)).toMatchObject({ status: 422 });
  expect(await submit({ words: 'hi' }, file)).toMatchObject({ status: 201 });
  expect(await got).toEqual({ words: 'hi', files: [['a.txt', 3]] });
  expect(await submit({ words: 'hi' }, file)).toMatchObject({ status: 404 });
  // Who used which command is told of the answer to a modal as of the command's own.
  const thanks = {
    content: 'thanks',
    interaction: { type: 5, name: 'ping', user: { username: 'ana' } },
    interaction_metadata: { type: 5, triggering_interaction_metadata: { id, type: 2 } },
  };
  await eventually(async () => expect(await place.person('bo').messages()).toMatchObject([thanks]));
});

test('a modal that a modal answers is refused', async () => {
  const place = await stage();
  await register(place, ping);
  const arrived = place.next();
  const id = await place.person('ana').run('ping');
  const modal = {
    custom_id: 'm',
    title: 'M',
    components: [{ type: ComponentType.Label, label: 'L', component: { type: 4, custom_id: 't', style: 1 } }],
  };
  await expect(place.callback(await arrived, 9, { ...modal, title: 'x'.repeat(46) })).rejects.toMatchObject({
    code: 50035,
  });
  await place.callback(await arrived, 9, modal);
  const submitted = place.next();
  await place.person('ana').post('modals', { interaction: id, fields: { t: 'x' } });
  await expect(place.callback(await submitted, 9, modal)).rejects.toMatchObject({ code: 50035 });
});

test('a modal that was sent to nobody stays open and is sent again', async () => {
  const place = await stage();
  await register(place, ping);
  const arrived = place.next();
  const id = await place.person('ana').run('ping');
  const label = { type: ComponentType.Label, label: 'L', component: { type: 4, custom_id: 't', style: 1 } };
  await place.callback(await arrived, 9, { custom_id: 'm', title: 'M', components: [label] });
  const submit = () => place.person('ana').post('modals', { interaction: id, fields: { t: 'x' } });
  expect(await submit()).toMatchObject({ status: 201 });
  expect(await submit()).toMatchObject({ status: 404 });
  place.discord.clock.advance(3001);
  expect(await interaction(place, id)).toMatchObject({ modal: { custom_id: 'm' } });
  const again = place.next();
  expect(await submit()).toMatchObject({ status: 201 });
  await place.callback(await again, 4, { content: 'thanks' });
  expect(await submit()).toMatchObject({ status: 404 });
});

test('context-menu commands take a message or a user as their target', async () => {
  const place = await stage();
  await register(place, { name: 'Use picture', type: 3 }, { name: 'Who', type: 2 }, ping);
  const target = await say(place, []);
  const onMessage = place.next();
  await place.person('ana').run('Use picture', { target });
  expect(await onMessage).toMatchObject({
    data: { type: 3, target_id: target, resolved: { messages: { [target]: { content: 'choose' } } } },
  });
  const onUser = place.next();
  await place.person('ana').run('Who', { target: 'bo' });
  const bo = (await place.state()).users.find(({ name }) => name === 'bo')?.id ?? '';
  expect(await onUser).toMatchObject({
    data: { type: 2, target_id: bo, resolved: { users: { [bo]: { username: 'bo' } }, members: { [bo]: {} } } },
  });
  await expect(place.person('ana').run('Who')).rejects.toThrow('needs a target');
  await expect(place.person('ana').run('ping', { target })).rejects.toThrow('takes no target');
});

/** Reads server-sent events until the test is over. */
async function watch(url: string, user: string): Promise<PlaygroundEvent[]> {
  const over = new AbortController();
  onTestFinished(() => over.abort());
  const response = await fetch(`${url}/playground/events?user=${user}`, { signal: over.signal });
  const events: PlaygroundEvent[] = [];
  const read = async () => {
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^data: (.*)$/mu.exec(block)?.[1];
        if (data !== undefined) events.push(z.custom<PlaygroundEvent>().parse(JSON.parse(data)));
      }
    }
  };
  read().catch(() => {});
  return events;
}

test('what changes is told as it happens, to those who may see it', async () => {
  const place = await stage();
  await register(place, ping);
  const [ana, bo] = [await watch(place.discord.url, 'ana'), await watch(place.discord.url, 'bo')];
  const arrived = place.next();
  await place.person('ana').run('ping');
  const raw = await arrived;
  await place.callback(raw, 5, { flags: 64 });
  await place.edit(raw, { content: 'for ana' });
  await say(place, []);
  await eventually(() => expect(bo.map(({ type }) => type)).toEqual(['message-created']));
  expect(ana.map(({ type }) => type)).toEqual([
    'interaction-changed',
    'message-created',
    'interaction-changed',
    'message-updated',
    'message-created',
  ]);
  expect(ana[3]).toMatchObject({ message: { content: 'for ana' } });
  place.discord.setFault({ kind: '502', times: 1 });
  await eventually(() => expect(bo.at(-1)).toEqual({ type: 'state-changed' }));
});

test('the clock is moved, forward only', async () => {
  const place = await stage();
  const move = async (body: object) =>
    fetch(`${place.discord.url}/playground/clock`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  const before = (await place.state()).now;
  expect((await move({ advanceMs: 60_000 })).status).toBe(200);
  expect((await place.state()).now - before).toBeGreaterThanOrEqual(60_000);
  for (const body of [{ advanceMs: -1 }, { advanceMs: 'x' }, {}]) expect((await move(body)).status).toBe(400);
});

test('pages of other origins and names of other hosts are refused', async () => {
  const { discord } = await stage();
  const ask = (path: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${discord.url}${path}`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', reject);
      sent.end();
    });
  const { host, port } = new URL(discord.url);
  const state = '/playground/state';
  expect(await ask(state, {})).toBe(200);
  expect(await ask(state, { origin: `http://${host}` })).toBe(200);
  expect(await ask(state, { host: `localhost:${port}`, origin: `http://localhost:${port}` })).toBe(200);
  expect(await ask(state, { origin: 'https://example.com' })).toBe(403);
  expect(await ask(state, { origin: 'http://127.0.0.1:1' })).toBe(403);
  expect(await ask(state, { origin: 'null' })).toBe(403);
  expect(await ask(state, { host: 'example.com' })).toBe(403);
  expect(await ask(`/api/v10/gateway/bot`, { host: 'example.com' })).toBe(403);
});

test('what the playground does not have is told as an error, and the page gets the rest', async () => {
  const place = await stage({
    page: async (_request, response) => {
      response.end('the page');
      return true;
    },
  });
  expect(await (await fetch(place.discord.url)).text()).toBe('the page');
  const missing = await fetch(`${place.discord.url}/playground/nothing`);
  expect([missing.status, await missing.json()]).toEqual([
    404,
    { error: 'The playground has no GET /playground/nothing.' },
  ]);
  expect(await place.person('ana').get('channels/nowhere/messages')).toMatchObject({ status: 404 });
  expect((await fetch(`${place.discord.url}/playground/interactions/1`)).status).toBe(404);
});

test.each([
  ['application/json', '{'],
  ['text/plain', 'go'],
  ['multipart/form-data', 'go'],
  ['multipart/form-data; boundary=x', 'go'],
  ['multipart/form-data; boundary=x', '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nnever ended'],
])('a body of %s that cannot be read is told as an error: %j', async (type, body) => {
  const place = await stage();
  const url = `${place.discord.url}/playground/users/ana/components`;
  const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': type } });
  expect([answer.status, await answer.json()]).toEqual([400, { error: expect.stringMatching(/^The .*body .*\.$/) }]);
});

test('closing ends every socket', async () => {
  const place = await stage();
  await watch(place.discord.url, 'ana');
  const closed = new Promise((resolve) => {
    place.client.once('shardReconnecting', resolve);
  });
  expect(place.client).toBeInstanceOf(Client);
  await place.discord.close();
  await closed;
  await expect(fetch(place.discord.url)).rejects.toThrow('fetch failed');
});
