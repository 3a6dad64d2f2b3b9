import { openAsBlob } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Routes, type APIMessage } from 'discord.js';
import sharp from 'sharp';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { createByteStore } from '../../src/playground/discord/byte-store.ts';
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

test('file names are kept as Discord keeps them', async () => {
  const { rest, channel } = await stage();
  const path = Routes.channelMessages(await channel('characters'));
  const names = ['my cat (1).png', 'größe.png', '../../etc/passwd', '名前.png', 'SPOILER_x.png'];
  const files = names.map((name) => ({ name, data: Buffer.from('x') }));
  const message = z.custom<APIMessage>().parse(await rest.post(path, { body: {}, files }));
  expect(message.attachments.map(({ filename }) => filename)).toEqual([
    'my_cat_1.png',
    'gre.png',
    'passwd',
    'unknown.png',
    'SPOILER_x.png',
  ]);
  expect(message.attachments[0]?.title).toBe('my cat (1)');
});

test('a file over the limit, a request over its limit and an eleventh file are refused', async () => {
  const { rest, channel, person } = await stage({ fileLimit: 1000, requestLimit: 5000 });
  const path = Routes.channelMessages(await channel('characters'));
  const post = (...sizes: number[]) =>
    rest.post(path, { body: {}, files: sizes.map((size) => ({ name: 'x.bin', data: Buffer.alloc(size) })) });
  await post(1000);
  await expect(post(1001)).rejects.toMatchObject({ status: 413, code: 40005 });
  await expect(post(1000, 1000, 1000, 1000, 1000)).rejects.toMatchObject({ status: 413, code: 40005 });
  await expect(post(...Array.from({ length: 11 }, () => 1))).rejects.toMatchObject({ status: 400, code: 30015 });
  expect(await person('ana').messages()).toHaveLength(1);
});

test('a request of more than 25 MiB is refused although every file is small enough', async () => {
  const { rest, channel } = await stage();
  const path = Routes.channelMessages(await channel('characters'));
  const files = [13, 13].map((size) => ({ name: 'x.bin', data: Buffer.alloc(size * 1024 * 1024) }));
  await expect(rest.post(path, { body: {}, files })).rejects.toMatchObject({ status: 413, code: 40005 });
});

test('the address of a file expires, cannot be made up, and is fresh on every message', async () => {
  const { rest, channel, discord, person } = await stage();
  const path = Routes.channelMessages(await channel('characters'));
  await rest.post(path, { body: {}, files: [{ name: 'x.html', data: Buffer.from('<b>x</b>') }] });
  const address = async () => (await person('ana').messages())[0]?.attachments[0]?.url ?? '';
  const url = await address();
  const first = await fetch(url);
  expect(first.status).toBe(200);
  expect(first.headers.get('content-security-policy')).toBe('sandbox');
  const expires = new URL(url).searchParams.get('ex') ?? '';
  expect(Number.parseInt(expires, 16) * 1000 - discord.clock.now()).toBeGreaterThan(23 * 3600_000);
  expect((await fetch(url.replace(/ex=\w+/u, 'ex=ffffffff'))).status).toBe(404);
  expect((await fetch(url.split('?')[0] ?? '')).status).toBe(404);
  discord.clock.advance(25 * 3600_000);
  expect((await fetch(url)).status).toBe(404);
  expect((await fetch(await address())).status).toBe(200);
});

test('the bytes of files lie on disk in files without a name, and the oldest go beyond the limit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kept-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = createByteStore({ folder, mostBytes: 1600 });
  onTestFinished(() => store.close());
  const keep = (letter: string) => store.keep(Buffer.alloc(100, letter));
  const letters = 'abcdefghijklmnop'.split('');
  const kept = await Promise.all(letters.map(keep));
  const read = async () => (await Promise.all(kept.map((bytes) => bytes.read()))).map((bytes) => bytes?.toString()[0]);
  expect(await read()).toEqual(letters);
  expect(await readdir(folder)).toEqual([]);
  // What is forgotten makes room, so the oldest may stay.
  kept[4]?.forget();
  kept.push(await keep('q'));
  expect(await read()).toEqual(['a', 'b', 'c', 'd', undefined, ...'fghijklmnopq'.split('')]);
  kept.push(await keep('r'), await keep('s'));
  expect(await read()).toEqual([undefined, undefined, 'c', 'd', undefined, ...'fghijklmnopqrs'.split('')]);
  expect(kept[0]?.isGone()).toBe(true);
  store.close();
  expect(new Set(await read())).toEqual(new Set([undefined]));
});

test('a file that had to make room is gone as behind an expired address', async () => {
  const { rest, channel, person } = await stage({ keptBytes: 1500 });
  const path = Routes.channelMessages(await channel('characters'));
  for (const name of ['a.bin', 'b.bin']) {
    await rest.post(path, { body: {}, files: [{ name, data: Buffer.alloc(1000) }] });
  }
  const urls = (await person('ana').messages()).map(({ attachments }) => attachments[0]?.url ?? '');
  const answers = await Promise.all(urls.map((url) => fetch(url)));
  expect(answers.map(({ status }) => status)).toEqual([404, 200]);
});

test('a part of a file is given to those who ask for one, as players of films do', async () => {
  const { rest, channel } = await stage();
  const path = Routes.channelMessages(await channel('characters'));
  const data = Buffer.from('0123456789');
  const files = [{ name: 'film.webm', data, contentType: 'video/webm' }];
  const { attachments } = z.custom<APIMessage>().parse(await rest.post(path, { body: {}, files }));
  const ask = async (range: string) => {
    const response = await fetch(attachments[0]?.url ?? '', { headers: { range } });
    const { status, headers } = response;
    return [status, headers.get('content-range'), await response.text(), headers.get('content-type')];
  };
  expect(await ask('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234', 'video/webm']);
  expect(await ask('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789', 'video/webm']);
  expect(await ask('bytes=8-99')).toEqual([206, 'bytes 8-9/10', '89', 'video/webm']);
  expect(await ask('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789', 'video/webm']);
  expect(await ask('bytes=-99')).toEqual([206, 'bytes 0-9/10', '0123456789', 'video/webm']);
  for (const beyond of ['bytes=10-', 'bytes=-0']) {
    expect(await ask(beyond)).toEqual([416, 'bytes */10', '', null]);
  }
  for (const none of ['bytes=4-2', 'bytes=-', 'bytes=0-1,3-4', 'lines=1-2']) {
    expect(await ask(none)).toEqual([200, null, '0123456789', 'video/webm']);
  }
});
