import { request } from 'node:http';
import { REST, Routes, type APIMessage } from 'discord.js';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { FaultKind } from '../../src/playground/api.ts';
import { register, stage, type Stage } from './stage.ts';

const POST = 'POST /channels/{channel}/messages';

async function room(place: Stage) {
  const path = Routes.channelMessages(await place.channel('characters'));
  const rest = new REST({ api: place.discord.api, retries: 0, timeout: 500 }).setToken(place.discord.token);
  return async (content: string) => z.custom<APIMessage>().parse(await rest.post(path, { body: { content } }));
}

async function fault({ discord }: Stage, kind: FaultKind, times: number, route?: string) {
  const body = JSON.stringify({ kind, times, ...(route === undefined ? {} : { route }) });
  const headers = { 'content-type': 'application/json' };
  return fetch(`${discord.url}/playground/faults`, { method: 'POST', body, headers });
}

test('a fault strikes its route as often as it is told, and is told in the state', async () => {
  const place = await stage();
  const send = await room(place);
  expect((await fault(place, '502', 2, POST)).status).toBe(201);
  expect((await place.state()).faults).toEqual([{ route: POST, kind: '502', times: 2 }]);
  await place.rest.get(Routes.user());
  await expect(send('x')).rejects.toMatchObject({ status: 502 });
  await expect(send('x')).rejects.toMatchObject({ status: 502 });
  await send('through');
  expect((await place.state()).faults).toEqual([]);
  expect((await place.person('ana').messages()).map(({ content }) => content)).toEqual(['through']);
});

test('reset, cut and stall leave the request without answer and undone', async () => {
  const place = await stage();
  const send = await room(place);
  const codes: Record<string, unknown> = {
    reset: { code: 'ECONNRESET' },
    cut: { code: 'UND_ERR_SOCKET' },
    stall: { name: 'AbortError' },
  };
  for (const kind of ['reset', 'cut', 'stall'] as const) {
    await fault(place, kind, 1);
    await expect(send(kind)).rejects.toMatchObject(codes[kind] ?? {});
  }
  expect(await place.person('ana').messages()).toEqual([]);
});

test('a lost answer is a request that was carried out', async () => {
  const place = await stage();
  const send = await room(place);
  await fault(place, 'lost-answer', 1);
  await expect(send('done all the same')).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await place.person('ana').messages()).toMatchObject([{ content: 'done all the same' }]);
});

test('after a lost answer the retry of discord.js finds the interaction answered', async () => {
  const place = await stage();
  await register(place, { name: 'ping', description: 'x' });
  const arrived = place.next();
  await place.person('ana').run('ping');
  await fault(place, 'lost-answer', 1, 'POST /interactions/{interaction}/{token}/callback');
  await expect(place.callback(await arrived, 5)).rejects.toMatchObject({ code: 40060 });
});

test('429 and 401 come as Discord sends them', async () => {
  const place = await stage();
  const get = () =>
    fetch(`${place.discord.api}/v10/users/@me`, { headers: { authorization: `Bot ${place.discord.token}` } });
  await fault(place, '429', 1);
  const limited = await get();
  expect([limited.status, limited.headers.get('retry-after'), limited.headers.get('x-ratelimit-scope')]).toEqual([
    429,
    '1',
    'shared',
  ]);
  place.discord.setFault({ kind: '401', times: 1 });
  expect(await (await get()).json()).toEqual({ message: '401: Unauthorized', code: 0 });
  expect((await get()).status).toBe(200);
});

test('a fault is switched off with no times, and one on no route is refused', async () => {
  const place = await stage();
  await fault(place, 'stall', 5);
  await fault(place, 'stall', 0);
  expect((await place.state()).faults).toEqual([]);
  expect((await fault(place, 'stall', 1, 'GET /nowhere')).status).toBe(422);
});

test('an unknown route answers 500 and is named', async () => {
  const { discord } = await stage();
  const response = await fetch(`${discord.api}/v10/guilds/1/bans`, {
    headers: { authorization: `Bot ${discord.token}` },
  });
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({
    code: 0,
    message: 'The playground does not know the route GET /guilds/1/bans',
  });
});

test('bodies that are broken, of another type or cut off in the middle end in an error or nothing, and not the service', async () => {
  const place = await stage();
  const path = `${place.discord.api}/v10${Routes.channelMessages(await place.channel('characters'))}`;
  const send = async (body: string, type: string) => {
    const headers = { authorization: `Bot ${place.discord.token}`, 'content-type': type };
    const response = await fetch(path, { method: 'POST', body, headers });
    return [response.status, z.object({ code: z.number() }).parse(await response.json()).code];
  };
  expect(await send('{"content":', 'application/json')).toEqual([400, 50109]);
  expect(await send('x', 'text/plain')).toEqual([400, 50035]);
  expect(await send('[]', 'application/json')).toEqual([400, 50035]);
  expect(await send('no parts', 'multipart/form-data; boundary=b')).toEqual([400, 50035]);
  const headers = {
    authorization: `Bot ${place.discord.token}`,
    'content-type': 'multipart/form-data; boundary=b',
    'content-length': '1000',
  };
  const half = request(path, { method: 'POST', headers });
  half.on('error', () => {});
  half.write('--b\r\ncontent-disposition: form-data; name="files[0]"; filename="x"\r\n\r\nhalf', () => half.destroy());
  await new Promise((resolve) => {
    half.on('close', resolve);
  });
  expect((await place.state()).bot.online).toBe(true);
});
