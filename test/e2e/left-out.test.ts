import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createLocalDiscord, type LocalDiscord } from '../../src/playground/discord/server.ts';

const DEPLOY = fileURLToPath(new URL('../../scripts/deploy.ts', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

const VIEWCOMFY = {
  VIEWCOMFY_URL: 'http://127.0.0.1:9/',
  VIEWCOMFY_CLIENT_ID: 'id',
  VIEWCOMFY_CLIENT_SECRET: 'secret',
};
const LEFT = '/sing is left out: it runs on comfyui, and this bot has viewcomfy.';

describe('a recipe that none of the backends can run', () => {
  let discord: LocalDiscord;
  let folder: string;
  let child: ChildProcess | undefined;
  beforeEach(async () => {
    discord = await createLocalDiscord();
    folder = await mkdtemp(join(tmpdir(), 'troupe-left-'));
    await mkdir(join(folder, 'recipes'));
    await addRecipe('sing', 'comfyui');
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await discord.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function addRecipe(name: string, backend: string): Promise<void> {
    const options = { prompt: { kind: 'text', description: 'Words', parameters: ['1-inputs-text'] } };
    const workflow = { graph: { '1': { class_type: 'Echo', inputs: { text: '' } } } };
    const recipe = { name, description: name, options, workflow, outputs: { main: [] }, backends: [backend] };
    await writeFile(join(folder, 'recipes', `${name}.js`), `export default ${JSON.stringify(recipe)};`);
  }

  function start(script: string, variables: Readonly<Record<string, string>> = {}, ...args: string[]) {
    const env = {
      PATH: process.env['PATH'],
      DISCORD_TOKEN: discord.token,
      DISCORD_API_URL: discord.api,
      COMMANDS_DIR: join(folder, 'recipes'),
      ...VIEWCOMFY,
      ...variables,
    };
    const started = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
      cwd: folder,
      env,
    });
    child = started;
    let output = '';
    started.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    started.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return { output: () => output, closed: once(started, 'close').then(([code]) => Number(code)) };
  }

  it('is not registered by npm run deploy, which says so', async () => {
    const { closed, output } = start(DEPLOY, {}, '--yes');
    await expect(closed).resolves.toBe(0);
    expect(output().split('\n')).toContain(LEFT);
    const response = await fetch(`${discord.url}/playground/state`);
    const State = z.object({ commands: z.array(z.object({ name: z.string() })) });
    const names = State.parse(await response.json()).commands.map(({ name }) => name);
    expect(names).toContain('character');
    expect(names).not.toContain('sing');
  });

  it('is told by npm start, in the log and beside what it prints', async () => {
    const { output } = start(MAIN);
    await expect.poll(output, { timeout: 10_000 }).toMatch(/Invite it/);
    await expect.poll(() => output().split('\n')).toContain(LEFT);
    expect(output()).toContain(`"msg":"${LEFT}"`);
  });

  it('is not among those that COMMANDS names, and neither is any other', async () => {
    const { closed, output } = start(DEPLOY, { COMMANDS: '/character' }, '--yes');
    await expect(closed).resolves.toBe(0);
    expect(output()).toContain('/character, /jobs: registered everywhere.');
    expect(output()).not.toContain('sing');
    const wrong = start(DEPLOY, { COMMANDS: 'character,portrait' }, '--yes');
    await expect(wrong.closed).resolves.toBe(1);
    expect(wrong.output()).toBe('COMMANDS names portrait, which is no recipe; there are animate, character, sing\n');
  });

  it('stops the start where no other is left, with the reason', async () => {
    await addRecipe('character', 'segmind');
    const { closed, output } = start(MAIN);
    await expect(closed).resolves.toBe(1);
    expect(output()).toMatch(/^Troupe cannot start\.$/m);
    expect(output()).toMatch(/^\/character is left out: it runs on segmind/m);
    expect(output()).toContain('So there is no command left.');
    expect(output()).not.toContain('    at ');
  });
});
