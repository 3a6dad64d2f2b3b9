import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Routes, type APIMessage } from 'discord.js';
import sharp from 'sharp';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { stage } from './stage.ts';

const red = sharp({ create: { width: 30, height: 20, channels: 3, background: 'red' } });

test('files come whole through discord.js, as buffers and as a form of its own with file-backed blobs', async () => {
  const { rest, channel, discord } = await stage();
  const path = Routes.channelMessages(await channel('characters'));
  const png = await red.clone().png().toBuffer();

  const buffered = z
    .custom<APIMessage>()
    .parse(await rest.post(path, { body: { content: 'x' }, files: [{ name: 'red.png', data: png }] }));
  const folder = await mkdtemp(join(tmpdir(), 'upload-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'red'), png);
  const form = new FormData();
  form.set('files[0]', await openAsBlob(join(folder, 'red'), { type: 'image/png' }), 'red.png');
  form.set('payload_json', JSON.stringify({ attachments: [{ id: '0', description: 'alt' }] }));
  const streamed = z.custom<APIMessage>().parse(await rest.post(path, { body: form, passThroughBody: true }));

  for (const message of [buffered, streamed]) {
    expect(message.attachments).toMatchObject([
      { filename: 'red.png', content_type: 'image/png', size: png.length, width: 30, height: 20 },
    ]);
    const response = await fetch(message.attachments[0]?.url ?? '');
    expect(Buffer.from(await response.arrayBuffer()).equals(png)).toBe(true);
    expect(response.headers.get('content-type')).toBe('image/png');
  }
  expect(streamed.attachments[0]?.description).toBe('alt');
  expect(discord.url).toContain('127.0.0.1');
});
