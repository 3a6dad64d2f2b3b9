import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createComfyUI } from '../../src/backends/comfyui.ts';
import { startChild, withChild, type Child, type ChildOptions } from '../../src/backends/comfyui/child.ts';
import { eventually } from '../eventually.ts';
import { createQuickClock } from '../quick-clock.ts';
import { quietLog, WORKFLOW } from './_comfyui.ts';
import { collect, createDesk } from './_run.ts';

/** Behaves like ComfyUI as far as its process goes; every start leaves a line in `starts`. */
const FAKE = `
const { appendFileSync, readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
appendFileSync('starts', JSON.stringify({ pid: process.pid, port, args: process.argv.slice(2), secret: process.env.DISCORD_TOKEN }) + '\\n');
const start = readFileSync('starts', 'utf8').split('\\n').length - 1;
console.log('Total VRAM 24576 MB, models in ' + process.cwd() + '/models/checkpoints');
console.error(' 36%|###6      | 9/25 [00:04<00:07,  2.1it/s]');
console.log('x'.repeat(5000));
if (process.env.STUBBORN) process.on('SIGTERM', () => {});
if (start <= Number(process.env.FAILS ?? 0)) { console.error('No module named torch'); process.exit(3); }
if (process.env.DEAF) setInterval(() => {}, 1000);
else createServer((request, response) => {
  if (request.url === '/die') process.exit(9);
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"system":{"comfyui_version":"0.12.1"}}');
}).listen(port, '127.0.0.1');
`;

describe('a ComfyUI of our own', () => {
  let dir: string;
  let child: Child | undefined;
  let logged: [fields: object, message: unknown][];
  const note = (fields: unknown, message?: unknown) => void logged.push([Object(fields), message]);
  const log = { debug: note, info: note, warn: note };

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'troupe-comfyui-'));
    await writeFile(join(dir, 'main.py'), FAKE);
    logged = [];
    child = undefined;
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await child?.close();
    await rm(dir, { recursive: true });
  });

  async function start(env: Record<string, string> = {}, options: Partial<ChildOptions> = {}, times = 100) {
    child = await startChild(
      { dir, python: process.execPath, env, ...options },
      { clock: createQuickClock(times), log },
    );
    return child;
  }
  async function starts(): Promise<{ pid: number; port: number; args: string[]; secret?: string }[]> {
    const lines = await readFile(join(dir, 'starts'), 'utf8').catch(() => '');
    return lines
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }
  const { signal } = new AbortController();
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  test.skipIf(process.platform === 'win32')('ends with the bot, however that ends', async () => {
    const script = `
      import { startChild } from ${JSON.stringify(new URL('../../src/backends/comfyui/child.ts', import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(new URL('../../src/clock.ts', import.meta.url).href)};
      const log = { debug() {}, info() {}, warn() {} };
      const options = { dir: ${JSON.stringify(dir)}, python: process.execPath, env: {} };
      const child = await startChild(options, { clock: systemClock, log });
      await child.ready(new AbortController().signal);
      console.log('ready');`;
    const bot = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script]);
    let said = '';
    bot.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await eventually(() => expect(said).toContain('ready'));
    const [{ pid } = { pid: 0 }] = await starts();
    expect(isAlive(pid)).toBe(true);
    bot.kill('SIGKILL');
    await eventually(() => expect(isAlive(pid)).toBe(false));
  });

  test('is started on a port of its own, and is ready when it answers', async () => {
    const own = await start({}, { args: ['--lowvram'] });
    expect(own.state()).toBe('starting');
    await own.ready(signal);
    expect(own.state()).toBe('ready');
    expect(withChild(createComfyUI({ urls: [own.url] }, { clock: createQuickClock(60), log }), own).health?.()).toEqual(
      [{ name: 'ComfyUI', state: 'up' }],
    );
    expect((await fetch(`${own.url}/system_stats`)).status).toBe(200);
    const [{ port, args } = { port: 0, args: [] }] = await starts();
    expect(args).toEqual(['--listen', '127.0.0.1', '--port', String(port), '--lowvram']);
    expect(own.url).toBe(`http://127.0.0.1:${port}`);
  });

  test('gets only the environment that it is given', async () => {
    vi.stubEnv('DISCORD_TOKEN', 'of the bot');
    const own = await start({ PATH: '' });
    await own.ready(signal);
    expect((await starts())[0]?.secret).toBeUndefined();
  });

  test('is started again after it ends, at the same address, with growing pauses', async () => {
    const own = await start({ FAILS: '3' });
    await own.ready(signal);
    expect(await starts()).toHaveLength(4);
    expect(new Set((await starts()).map(({ port }) => port)).size).toBe(1);
    const pauses = logged.flatMap(([fields]) => ('pauseMs' in fields ? [fields.pauseMs] : []));
    expect(pauses).toEqual([1000, 2000, 4000]);
    await fetch(`${own.url}/die`).catch(() => {});
    await eventually(async () => expect(await starts()).toHaveLength(5));
    await own.ready(signal);
  });

  test('is stopped with the bot, and not started again', async () => {
    const own = await start();
    await own.ready(signal);
    const [{ pid } = { pid: 0 }] = await starts();
    expect(isAlive(pid)).toBe(true);
    await own.close();
    expect(isAlive(pid)).toBe(false);
    expect(own.state()).toBe('stopped');
    expect(await starts()).toHaveLength(1);
  });

  test('is ended when it does not want to end', async () => {
    const own = await start({ STUBBORN: '1' });
    await own.ready(signal);
    const [{ pid } = { pid: 0 }] = await starts();
    await own.close();
    expect(isAlive(pid)).toBe(false);
  });

  test('that never answers is ended and started again, and nobody waits for it for ever', async () => {
    const own = await start({ DEAF: '1' }, { startMs: 20_000 });
    await expect(own.ready(signal)).rejects.toMatchObject({ type: 'unreachable', billed: 'no', retryable: true });
    await eventually(async () => expect((await starts()).length).toBeGreaterThan(1));
  });

  test('whose program is not there says so in the log', async () => {
    const own = await start({}, { python: join(dir, 'no-python') });
    await eventually(() => expect(JSON.stringify(logged)).toContain('cannot be started'));
    await own.close();
    expect(own.state()).toBe('stopped');
  });

  test('has its lines in the log: cut, clean and without bars', async () => {
    const own = await start();
    await own.ready(signal);
    await eventually(() => expect(logged.filter(([, message]) => message === 'ComfyUI says')).toHaveLength(2));
    const lines = logged.flatMap(([fields]) => ('line' in fields ? [String(fields.line)] : []));
    expect(lines.toSorted()[0]).toMatch(/^Total VRAM 24576 MB, models in \S*$/);
    for (const line of lines) {
      expect(line.length).toBeLessThanOrEqual(300);
      expect(line).not.toContain(dir);
    }
  });

  test('is waited for by a run, which ends when it is cancelled', async () => {
    const own = await start({ DEAF: '1' }, {}, 1);
    const desk = await createDesk({ workflow: WORKFLOW });
    const plain = createComfyUI({ urls: [own.url] }, { clock: createQuickClock(60), log: quietLog });
    const backend = withChild(plain, own);
    expect(backend.capabilities).toEqual(plain.capabilities);
    const run = collect(backend.run(desk.request)).catch((error: unknown) => error);
    await eventually(async () => expect(await starts()).toHaveLength(1));
    expect(backend.health?.()).toEqual([{ name: 'ComfyUI', state: 'starting' }]);
    desk.abort();
    expect(await run).toMatchObject({ type: 'cancelled', billed: 'no' });
    await backend.close();
    expect(own.state()).toBe('stopped');
    expect(backend.health?.()).toMatchObject([{ state: 'down' }]);
    await desk.clear();
  });
});
