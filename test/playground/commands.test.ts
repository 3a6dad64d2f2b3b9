import { ApplicationCommandOptionType, Routes, type APIApplicationCommand } from 'discord.js';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { interaction, register, stage } from './stage.ts';

const ping = { name: 'ping', description: 'Answers' };
const Command = z.custom<APIApplicationCommand>();

test('global commands are made, read, changed, replaced and removed', async () => {
  const { rest, discord, state } = await stage();
  const path = Routes.applicationCommands(discord.applicationId);
  const made = Command.parse(await rest.post(path, { body: ping }));
  expect(made).toMatchObject({
    ...ping,
    type: 1,
    application_id: discord.applicationId,
    default_member_permissions: null,
  });
  const again = Command.parse(await rest.post(path, { body: { ...ping, description: 'Twice' } }));
  expect(again.id).toBe(made.id);
  const one = Routes.applicationCommand(discord.applicationId, made.id);
  expect(await rest.get(one)).toEqual(again);
  expect(await rest.patch(one, { body: { description: 'Thrice' } })).toMatchObject({
    id: made.id,
    description: 'Thrice',
  });
  const body = [
    { name: 'one', description: 'One' },
    { name: 'Two', type: 3 },
    { name: 'two', description: 'Two', default_member_permissions: '8192' },
  ];
  const replaced = z.array(Command).parse(await rest.put(path, { body }));
  expect(replaced.map(({ name }) => name)).toEqual(['one', 'Two', 'two']);
  expect(await rest.get(path)).toEqual(replaced);
  expect((await state()).commands).toEqual(replaced);
  await rest.delete(Routes.applicationCommand(discord.applicationId, replaced[0]?.id ?? ''));
  await expect(rest.get(one)).rejects.toMatchObject({ code: 10063 });
  expect(await rest.get(path)).toHaveLength(2);
});

test('guild commands live in their guild and hide the global one of their name', async () => {
  const place = await stage();
  const { rest, discord } = place;
  await register(place, ping);
  const path = Routes.applicationGuildCommands(discord.applicationId, discord.guildId);
  await rest.put(path, { body: [{ name: 'ping', description: 'Here' }] });
  const local = Command.parse(await rest.post(path, { body: { name: 'local', description: 'Here only' } }));
  const one = Routes.applicationGuildCommand(discord.applicationId, discord.guildId, local.id);
  expect(await rest.get(one)).toMatchObject({ guild_id: discord.guildId });
  expect(await rest.patch(one, { body: { name: 'near' } })).toMatchObject({ name: 'near' });
  expect(await rest.get(path)).toHaveLength(2);
  const arrived = place.next();
  await place.person('ana').run('ping');
  expect((await arrived).data).toMatchObject({ guild_id: discord.guildId });
  await rest.delete(one);
  await expect(place.person('ana').run('near')).rejects.toThrow('404');
  await expect(
    rest.put(Routes.applicationGuildCommands(discord.applicationId, discord.applicationId), { body: [] }),
  ).rejects.toMatchObject({ code: 10004 });
});

test('commands that Discord would not take are refused with the place of each mistake', async () => {
  const { rest, discord } = await stage();
  const path = Routes.applicationCommands(discord.applicationId);
  const option = (name: string, more: object = {}) => ({ type: 3, name, description: 'x', ...more });
  const wrong: [object, string[]][] = [
    [{ name: 'Ping', description: 'x' }, ['name']],
    [{ name: 'a b', description: 'x' }, ['name']],
    [{ name: 'ping', description: '' }, ['description']],
    [{ name: 'ping', description: 'x'.repeat(101) }, ['description']],
    [{ name: 'ping', description: 'x', unknown: 1 }, ['unknown']],
    [
      { name: 'ping', description: 'x', options: Array.from({ length: 26 }, (_, index) => option(`o${index}`)) },
      ['options'],
    ],
    [{ name: 'ping', description: 'x', options: [option('a'), option('b', { required: true })] }, ['options', '1']],
    [{ name: 'ping', description: 'x', options: [option('a'), option('a')] }, ['options', '1']],
    [
      {
        name: 'ping',
        description: 'x',
        options: [option('a', { choices: [{ name: 'x', value: 'x' }], autocomplete: true })],
      },
      ['options', '0', 'autocomplete'],
    ],
    [{ name: 'ping', description: 'x', contexts: [2] }, ['contexts']],
    [{ name: 'ping', description: 'x', default_member_permissions: 'all' }, ['default_member_permissions']],
    [{ name: 'Menu', type: 3, description: 'x' }, ['description']],
  ];
  for (const [body, place] of wrong) {
    // discord.js reads the limits from the headers; a fresh bucket keeps this test quick.
    discord.clock.advance(5000);
    const error: unknown = await rest.post(path, { body }).catch((reason: unknown) => reason);
    expect({ body, error }).toMatchObject({ body, error: { status: 400, code: 50035 } });
    const { rawError } = z.object({ rawError: z.object({ errors: z.unknown() }) }).parse(error);
    let node: unknown = rawError.errors;
    for (const key of place) node = z.record(z.string(), z.unknown()).parse(node)[key];
    expect({ body, rawError, node }).toMatchObject({ node: expect.anything() });
  }
  const choices = Array.from({ length: 25 }, (_, index) => ({
    name: `${index}`.padEnd(100, 'n'),
    value: `${index}`.padEnd(100, 'v'),
  }));
  const large = { name: 'large', description: 'x', options: ['a', 'b'].map((name) => option(name, { choices })) };
  await expect(rest.put(path, { body: [large] })).rejects.toMatchObject({
    code: 50035,
    message: expect.stringContaining('8000'),
  });
  const many = Array.from({ length: 16 }, (_, index) => ({ name: `Menu ${index}`, type: 3 }));
  await expect(rest.put(path, { body: many })).rejects.toMatchObject({ code: 30032 });
});

const {
  Attachment,
  Boolean: Flag,
  Channel,
  Integer,
  Number: Decimal,
  String: Text,
  User,
} = ApplicationCommandOptionType;
const everything = {
  name: 'all',
  description: 'Takes everything',
  options: [
    { type: Text, name: 'text', description: 'x', required: true, min_length: 2, max_length: 5 },
    { type: Integer, name: 'whole', description: 'x', min_value: 1, max_value: 9 },
    { type: Decimal, name: 'part', description: 'x' },
    { type: Flag, name: 'flag', description: 'x' },
    { type: User, name: 'who', description: 'x' },
    { type: Channel, name: 'where', description: 'x' },
    { type: Text, name: 'size', description: 'x', choices: [{ name: 'Small', value: 's' }] },
    { type: Attachment, name: 'file', description: 'x', file_types: ['image', '.pdf'] },
  ],
};

test('what a person gives is converted to each option’s type, with what it means beside it', async () => {
  const place = await stage();
  await register(place, everything);
  const arrived = place.next();
  const file = new File(['%PDF'], 'a b.pdf', { type: 'application/pdf' });
  await place
    .person('ana')
    .run('all', { text: 'abc', whole: '7', part: '0.5', flag: 'true', who: 'bo', where: 'no-files', size: 's', file });
  const { data } = await arrived;
  const given = z.object({ options: z.array(z.object({ name: z.string(), value: z.unknown() })) }).parse(data).options;
  const values = Object.fromEntries(given.map(({ name, value }) => [name, value]));
  expect(values).toMatchObject({ text: 'abc', whole: 7, part: 0.5, flag: true, size: 's' });
  expect(data).toMatchObject({
    resolved: {
      users: { [String(values['who'])]: { username: 'bo' } },
      members: { [String(values['who'])]: { permissions: expect.any(String) } },
      channels: { [String(values['where'])]: { name: 'no-files' } },
      attachments: {
        [String(values['file'])]: {
          filename: 'a_b.pdf',
          title: 'a b',
          size: 4,
          content_type: 'application/pdf',
          ephemeral: true,
          url: expect.stringContaining(`/ephemeral-attachments/${place.discord.applicationId}/`),
        },
      },
    },
  });
  const { attachments } = z
    .object({ resolved: z.object({ attachments: z.record(z.string(), z.object({ url: z.string() })) }) })
    .parse(data).resolved;
  const response = await fetch(attachments[String(values['file'])]?.url ?? '');
  expect(await response.text()).toBe('%PDF');
});

test('what a Discord client would not send is refused with 422 and a sentence', async () => {
  const place = await stage();
  await register(place, everything);
  const wrong: [Record<string, string | Blob>, RegExp][] = [
    [{}, /text is required/u],
    [{ text: 'a' }, /2 to 5 characters/u],
    [{ text: 'abcdef' }, /2 to 5 characters/u],
    [{ text: 'abc', whole: '10' }, /from 1 to 9/u],
    [{ text: 'abc', whole: '1.5' }, /whole number/u],
    [{ text: 'abc', part: 'x' }, /a number/u],
    [{ text: 'abc', flag: 'yes' }, /true or false/u],
    [{ text: 'abc', who: 'No body' }, /nobody/u],
    [{ text: 'abc', size: 'l' }, /one of s/u],
    [{ text: 'abc', other: 'x' }, /no option other/u],
    [{ text: new File(['x'], 'x.txt') }, /does not take a file/u],
    [{ text: 'abc', file: new File(['x'], 'x.txt') }, /not one of image, .pdf/u],
  ];
  for (const [parts, words] of wrong) {
    const form = new FormData();
    for (const [key, value] of Object.entries(parts)) form.set(key, value);
    const { status, json } = await place.person('ana').post('commands/all', form);
    expect({ status, json }).toMatchObject({ status: 422, json: { error: expect.stringMatching(words) } });
  }
});

test('a command is offered by context, installation and permission', async () => {
  const place = await stage();
  await register(
    place,
    { ...ping, contexts: [0], integration_types: [0] },
    { name: 'mine', description: 'x', contexts: [0, 1, 2], integration_types: [0, 1] },
    { name: 'clean', description: 'x', default_member_permissions: '8192' },
  );
  const ana = place.person('ana');
  await expect(ana.run('ping', { channel: 'dm' })).rejects.toThrow('403');
  await expect(ana.run('ping', { channel: 'elsewhere' })).rejects.toThrow('403');
  await expect(ana.run('clean')).rejects.toThrow('403');
  await expect(ana.run('nothing')).rejects.toThrow('404');
  expect(await interaction(place, await place.person('mod').run('clean'))).toMatchObject({ state: 'pending' });

  const user = (await place.state()).users.find(({ name }) => name === 'ana')?.id ?? '';
  const places: [string, object][] = [
    ['elsewhere', { context: 0, authorizing_integration_owners: { 1: user }, member: expect.anything() }],
    ['dm', { context: 1, authorizing_integration_owners: { 0: '0' }, user: { username: 'ana' } }],
    ['ana, bo', { context: 2, authorizing_integration_owners: { 1: user }, user: { username: 'ana' } }],
  ];
  for (const [channel, expected] of places) {
    const arrived = place.next();
    await ana.run('mine', { channel });
    expect(await arrived).toMatchObject(expected);
  }
});

test('subcommands arrive nested', async () => {
  const place = await stage();
  const show = {
    type: 1,
    name: 'show',
    description: 'x',
    options: [{ type: 3, name: 'id', description: 'x', required: true }],
  };
  await register(place, { name: 'jobs', description: 'x', options: [show] });
  const arrived = place.next();
  await place.person('ana').run('jobs show', { id: '5' });
  expect((await arrived).data).toMatchObject({
    name: 'jobs',
    options: [{ type: 1, name: 'show', options: [{ name: 'id', value: '5' }] }],
  });
  await expect(place.person('ana').run('jobs')).rejects.toThrow('subcommand');
});

test('the largest file of an interaction is the person’s own limit or the guild’s', async () => {
  const place = await stage({ fileLimit: 1000, guildFileLimit: 3000 });
  await register(place, { ...everything, integration_types: [0, 1] });
  for (const [name, channel, limit] of [
    ['ana', 'characters', 3000],
    ['ana', 'elsewhere', 1000],
    ['nitro', 'elsewhere', 500 * 1024 * 1024],
  ] as const) {
    const arrived = place.next();
    await place.person(name).run('all', { text: 'abc', channel });
    expect((await arrived).attachment_size_limit).toBe(limit);
  }
  const file = new File(['x'.repeat(1001)], 'x.png');
  await expect(place.person('ana').run('all', { text: 'abc', channel: 'elsewhere', file })).rejects.toThrow('413');
});
