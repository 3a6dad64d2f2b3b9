import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContainerBuilder, MediaGalleryBuilder, MessageFlags, SlashCommandBuilder } from 'discord.js';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { checkRecording } from './openapi.ts';
import { register, stage } from './stage.ts';

const Line = z.looseObject({ time: z.iso.datetime(), method: z.string(), route: z.string(), status: z.number() });

async function recordingPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recording-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'traffic.jsonl');
}

test('all that discord.js asks is written down without bytes and tokens, and satisfies Discord’s schema', async () => {
  const record = await recordingPath();
  const place = await stage({ record });
  const command = new SlashCommandBuilder()
    .setName('draw')
    .setDescription('Draws')
    .setDefaultMemberPermissions(0x800)
    .addAttachmentOption((option) => option.setName('picture').setDescription('x').setRequired(true));
  await register(place, command.toJSON());
  let token = '';
  const done = new Promise<void>((resolve, reject) => {
    place.client.on('interactionCreate', (event) => {
      if (!event.isChatInputCommand()) return;
      token = event.token;
      const run = async () => {
        await event.deferReply();
        await event.editReply({ content: 'working', allowedMentions: { parse: [] } });
        const gallery = new MediaGalleryBuilder().addItems({ media: { url: 'attachment://out.png' } });
        await event.editReply({
          content: null,
          flags: MessageFlags.IsComponentsV2,
          components: [new ContainerBuilder().addMediaGalleryComponents(gallery)],
          files: [{ attachment: Buffer.from('secret bytes'), name: 'out.png', description: 'alt' }],
        });
        await event.followUp({ content: 'there', flags: MessageFlags.Ephemeral });
      };
      run().then(resolve, reject);
    });
  });
  await place.person('ana').run('draw', { picture: new File(['x'], 'x.png') });
  await done;

  const text = await readFile(record, 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => Line.parse(JSON.parse(line)));
  expect(lines.map(({ method, route, status }) => `${method} ${route} ${status}`)).toEqual([
    'GET /gateway/bot 200',
    'PUT /applications/{application}/commands 200',
    'POST /interactions/{interaction}/{token}/callback 204',
    'PATCH /webhooks/{application}/{token}/messages/{message} 200',
    'PATCH /webhooks/{application}/{token}/messages/{message} 200',
    'POST /webhooks/{application}/{token} 200',
  ]);
  expect(lines[4]).toMatchObject({
    files: [{ name: 'out.png', size: 12 }],
    params: { message: '@original' },
    body: { flags: 32768 },
  });
  expect(text).not.toContain('secret bytes');
  expect(token).not.toBe('');
  expect(text).not.toContain(token);
  expect(text).not.toContain(place.discord.token);
  // Without the schema at hand nothing is checked.
  expect([0, 5]).toContain(await checkRecording(record));
});

test('a recorded body that Discord’s schema does not take is found', async () => {
  const record = await recordingPath();
  const line = { method: 'POST', route: '/channels/{channel}/messages', params: {}, body: { content: 5 } };
  await writeFile(record, `${JSON.stringify(line)}\n`);
  const found = await checkRecording(record).catch((error: unknown) => String(error));
  expect(found === 0 || String(found).includes('content')).toBe(true);
});

test('a recording that cannot be written is told at once', async () => {
  await expect(stage({ record: join(tmpdir(), 'no', 'such', 'folder', 'x.jsonl') })).rejects.toThrow('ENOENT');
});
