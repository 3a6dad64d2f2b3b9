import { RESTEvents, Routes } from 'discord.js';
import { expect, test } from 'vitest';
import { createMovableClock } from '../../src/playground/clock.ts';
import { createRateLimits } from '../../src/playground/discord/rate-limits.ts';
import { register, stage, type Stage } from './stage.ts';

async function called(place: Stage): Promise<string> {
  const arrived = place.next();
  await place.person('ana').run('ping');
  const raw = await arrived;
  await place.callback(raw, 5);
  return `${place.discord.api}/v10${Routes.webhookMessage(place.discord.applicationId, raw.token, '@original')}`;
}

function patch(url: string) {
  const body = JSON.stringify({ content: 'x' });
  return fetch(url, { method: 'PATCH', body, headers: { 'content-type': 'application/json' } });
}

test('each interaction token has five requests in two seconds, told by the headers', async () => {
  const place = await stage();
  await register(place, { name: 'ping', description: 'x' });
  const [first, second] = [await called(place), await called(place)];
  const left: (string | null)[] = [];
  for (let index = 0; index < 5; index += 1) left.push((await patch(first)).headers.get('x-ratelimit-remaining'));
  expect(left).toEqual(['4', '3', '2', '1', '0']);
  const over = await patch(first);
  expect(over.status).toBe(429);
  expect(over.headers.get('retry-after')).toMatch(/^[12]$/u);
  expect(over.headers.get('x-ratelimit-bucket')).toMatch(/^\w+$/u);
  expect(await over.json()).toMatchObject({ global: false, retry_after: expect.any(Number) });
  expect((await patch(second)).status).toBe(200);
  place.discord.clock.advance(2000);
  expect((await patch(first)).status).toBe(200);
});

test('discord.js reads the headers and never runs into the limit', async () => {
  const place = await stage();
  await register(place, { name: 'ping', description: 'x' });
  const arrived = place.next();
  await place.person('ana').run('ping');
  const raw = await arrived;
  await place.callback(raw, 5);
  const answers: number[] = [];
  place.rest.on(RESTEvents.Response, (_request, response) => answers.push(response.status));
  await Promise.all(Array.from({ length: 7 }, (_, index) => place.edit(raw, { content: `${index}` })));
  expect(answers).toEqual(Array.from({ length: 7 }, () => 200));
});

test('the bot’s own token has fifty requests a second over all routes, interactions aside', async () => {
  const limits = createRateLimits({ clock: createMovableClock(), global: { limit: 50, windowMs: 60_000 } });
  const take = (index: number, countsGlobally: boolean) =>
    limits.take({ bucket: 'route', major: `${index}`, limit: { limit: 5, windowMs: 60_000 }, countsGlobally });
  for (let index = 0; index < 60; index += 1) expect(take(index, false).retryAfterMs).toBeUndefined();
  for (let index = 100; index < 150; index += 1) expect(take(index, true).retryAfterMs).toBeUndefined();
  const over = take(200, true);
  expect(over.isGlobal).toBe(true);
  expect(over.headers).toMatchObject({ 'x-ratelimit-global': 'true', 'x-ratelimit-scope': 'global' });
});

test('over the global limit every route of the bot answers 429', async () => {
  const place = await stage();
  const get = (path: string) =>
    fetch(`${place.discord.api}/v10${path}`, { headers: { authorization: `Bot ${place.discord.token}` } });
  const channels = (await place.state()).channels.map(({ id }) => Routes.channel(id));
  const answers = await Promise.all(
    Array.from({ length: 120 }, (_, index) => get(channels[index % channels.length] ?? '')),
  );
  const global = answers.filter(({ headers }) => headers.get('x-ratelimit-global') === 'true');
  expect(global.length).toBeGreaterThan(0);
  expect(global[0]?.status).toBe(429);
});
