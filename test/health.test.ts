import { afterEach, expect, it } from 'vitest';
import { serveHealth, type Health, type HealthServer } from '../src/health.ts';

const well: Health = {
  discord: 'connected',
  jobs: { waiting: 2, running: 1, delivering: 0 },
  backends: [
    { name: 'ViewComfy', state: 'resting' },
    { name: 'ComfyUI', state: 'up', detail: 'one server' },
  ],
  disk: 'ok',
};
const servers: HealthServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function ask(health: Health, path = '/healthz', method = 'GET') {
  const server = await serveHealth({ host: '127.0.0.1', port: 0 }, () => health);
  servers.push(server);
  const response = await fetch(new URL(path, server.url), { method });
  return { status: response.status, body: await response.text() };
}

it('is well while Discord, the disk and one backend are there, and tells all of it', async () => {
  const { status, body } = await ask(well);
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual({ status: 'ok', ...well });
});

it.for([
  ['Discord', { discord: 'connecting' }],
  ['the disk', { disk: 'full' }],
  ['every backend', { backends: [{ name: 'ViewComfy', state: 'resting' }] }],
] satisfies [string, Partial<Health>][])('is not well without %s', async ([, lack]) => {
  const { status, body } = await ask({ ...well, ...lack });
  expect(status).toBe(503);
  expect(JSON.parse(body)).toMatchObject({ status: 'unwell', ...lack });
});

it('answers nothing else', async () => {
  expect((await ask(well, '/')).status).toBe(404);
  expect((await ask(well, '/healthz', 'POST')).status).toBe(404);
  expect((await ask(well, '/healthz?verbose')).status).toBe(200);
});
