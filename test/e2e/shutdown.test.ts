import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPerson } from './person.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

let folder: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-main-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** Starts `npm start`'s process with nothing configured but a free port. */
async function startMain(environment: Record<string, string> = {}) {
  const started = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      PLAYGROUND_PORT: '0',
      PLAYGROUND_RECORD: 'recording.jsonl',
      PLAYGROUND_RUN_SECONDS: '2',
      PLAYGROUND_COLD_START_SECONDS: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  let output = '';
  started.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  started.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = once(started, 'exit').then(([code]) => ({ code: Number(code), output }));
  return { process: started, exit, output: () => output };
}

async function startPlayground() {
  const main = await startMain();
  await expect.poll(main.output, { timeout: 15_000 }).toMatch(/Open http\S+/);
  const url = /Open (http\S+)/.exec(main.output())?.[1] ?? '';
  return { ...main, url, ana: createPerson(url, 'ana'), bo: createPerson(url, 'bo') };
}

describe('a bot that is told to stop', () => {
  it('lets the running job end, keeps the others, and ends by itself', { timeout: 60_000 }, async () => {
    const { process: main, exit, ana, bo } = await startPlayground();
    const running = await ana.character('the last one');
    await ana.waitFor(running.id, /Running/);
    const waiting = await bo.character('too late');
    await bo.waitFor(waiting.id, /Waiting/);
    main.kill('SIGTERM');
    const refused = await bo.character('one more');
    expect(refused.ephemeral).toBe(true);
    expect(refused.text).toMatch(/being restarted/);
    // Ends without being made to: no timer and no socket is left.
    await expect(exit).resolves.toMatchObject({ code: 0 });
    const recording = await readFile(join(folder, 'recording.jsonl'), 'utf8');
    expect(recording).toContain('attachment://image_4_00001_.png');
    expect(recording).not.toMatch(/too late.*attachment:/);
  });

  it('ends at once when it is told a second time', async () => {
    const { process: main, exit, ana } = await startPlayground();
    const running = await ana.character('never to end');
    await ana.waitFor(running.id, /Running/);
    main.kill('SIGTERM');
    main.kill('SIGINT');
    await expect(exit).resolves.toMatchObject({ code: 1 });
  });
});

describe('a bot that cannot start', () => {
  it('says which variable is wrong, without a traceback', async () => {
    const { exit } = await startMain({ RUNNING_AT_ONCE: 'two', VIEWCOMFY_URL: 'https://run.example' });
    const { code, output } = await exit;
    expect(code).toBe(1);
    expect(output).toContain('RUNNING_AT_ONCE must be a number');
    expect(output).not.toMatch(/\n\s+at /);
  });
});
