import { openAsBlob } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createDiscordClient } from '../../src/discord/client.ts';
import { createLocalDiscord, type LocalDiscord } from '../../src/playground/discord/server.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url);
const Message = z.object({ attachments: z.array(z.object({ size: z.number(), filename: z.string() })) });

/** Several undici in one process break each other's uploads, while requests with JSON alone still pass. */
describe('an upload, after everything that main.ts imports', () => {
  let discord: LocalDiscord;
  let folder: string;

  beforeEach(async () => {
    const imports = [...(await readFile(MAIN, 'utf8')).matchAll(/^import .* from '(\..*)';$/gm)];
    if (imports.length < 5) throw new Error('main.ts is written in another way');
    for (const [, specifier = ''] of imports) await import(new URL(specifier, MAIN).href);
    discord = await createLocalDiscord();
    folder = await mkdtemp(join(tmpdir(), 'troupe-uploads-'));
  });
  afterEach(async () => {
    await discord.close();
    await rm(folder, { recursive: true });
  });

  it('arrives whole, as bytes through discord.js and as a form with a file behind it', async () => {
    const bytes = Buffer.alloc(300_000, 'picture');
    const path = join(folder, 'picture');
    await writeFile(path, bytes);
    const log = pino({ level: 'silent' });
    const client = createDiscordClient({ token: discord.token, api: discord.api, log });
    await client.connect(() => undefined);
    const state = await fetch(`${discord.url}/playground/state`);
    const { channels } = z.object({ channels: z.array(z.object({ id: z.string() })) }).parse(await state.json());
    const route = `/channels/${channels[0]?.id ?? ''}/messages` as const;

    const asBytes = await client.bot.post(route, { body: {}, files: [{ name: 'a.bin', data: bytes }] });
    const form = new FormData();
    form.set('files[0]', await openAsBlob(path), 'b.bin');
    form.set('payload_json', JSON.stringify({ attachments: [{ id: '0' }] }));
    const asForm = await client.bot.post(route, { body: form, passThroughBody: true });
    const fetched = await fetch(`${discord.url}/playground/state`, { method: 'GET' });
    await client.close();

    const sent = [asBytes, asForm].map((message) => Message.parse(message).attachments);
    expect(sent).toEqual([[{ size: bytes.length, filename: 'a.bin' }], [{ size: bytes.length, filename: 'b.bin' }]]);
    expect(fetched.status).toBe(200);
  });

  it('has one undici to go by: ours is that of discord.js', () => {
    const ours = createRequire(import.meta.url);
    const theirs = createRequire(ours.resolve('discord.js'));
    const rests = createRequire(theirs.resolve('@discordjs/rest'));
    expect(theirs.resolve('undici')).toBe(ours.resolve('undici'));
    expect(rests.resolve('undici')).toBe(ours.resolve('undici'));
  });
});
