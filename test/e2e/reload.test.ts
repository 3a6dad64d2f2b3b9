import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createLocalDiscord, type LocalDiscord } from '../../src/playground/discord/server.ts';
import { createLocalViewComfy, type LocalViewComfy } from '../../src/playground/viewcomfy/server.ts';
import { createPerson } from './person.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const DEPLOY = fileURLToPath(new URL('../../scripts/deploy.ts', import.meta.url));
const KEYS = { clientId: 'reload', clientSecret: 'only-for-this-test-71ab' };
const DONE = / s on ViewComfy/;

let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-reload-'));
  await mkdir(join(folder, 'recipes'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

function put(name: string, content: string | Uint8Array): Promise<void> {
  return writeFile(join(folder, 'recipes', name), content);
}

/** A recipe that asks for words, its workflow and its default picture beside it, all of them told apart by a node's id. */
async function putEcho(node: string, side: number): Promise<void> {
  const picture = sharp({ create: { width: side, height: side, channels: 3, background: '#306090' } });
  await put('face.png', Uint8Array.from(await picture.png({ compressionLevel: 0 }).toBuffer()));
  const graph = {
    [node]: { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['4', 1] } },
    '8': { class_type: 'LoadImage', inputs: { image: '' } },
    '9': { class_type: 'SaveImage', inputs: { images: ['8', 0], filename_prefix: 'Echo' } },
  };
  await put('echo.json', JSON.stringify(graph));
  const words = `{ kind: 'text', required: true, description: 'Words of ${node}', parameters: ['${node}-inputs-text'] }`;
  const face =
    "{ kind: 'picture', description: 'Face', maxSide: 512, default: new URL('face.png', import.meta.url), parameters: ['8-inputs-image'] }";
  await put(
    'echo.ts',
    `import graph from './echo.json' with { type: 'json' };
const name: string = 'echo';
export default {
  name,
  description: 'Says it again',
  options: { words: ${words}, face: ${face} },
  workflow: { graph, always: true },
  outputs: { main: [] },
};
`,
  );
}

function start(script: string, environment: Record<string, string>, ...args: string[]) {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], COMMANDS_DIR: join(folder, 'recipes'), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const closed = once(child, 'close').then(([code]) => Number(code));
  return { child, output: () => output, closed };
}

const Line = z.looseObject({ msg: z.string() });

/** Those lines of the log that say so. */
function logged(output: string, message: RegExp) {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => Line.parse(JSON.parse(line)))
    .filter(({ msg }) => message.test(msg));
}

describe('a bot that is told to read its recipes again', { timeout: 60_000 }, () => {
  let discord: LocalDiscord;
  let viewcomfy: LocalViewComfy;
  beforeEach(async () => {
    discord = await createLocalDiscord();
    viewcomfy = await createLocalViewComfy({ ...KEYS, runMs: 100, coldStartMs: 0, pictureScale: 0.25 });
    await putEcho('6', 64);
  });
  afterEach(async () => {
    await discord.close();
    await viewcomfy.close();
  });

  const environment = () => ({
    DISCORD_TOKEN: discord.token,
    DISCORD_API_URL: discord.api,
    VIEWCOMFY_URL: viewcomfy.url,
    VIEWCOMFY_CLIENT_ID: KEYS.clientId,
    VIEWCOMFY_CLIENT_SECRET: KEYS.clientSecret,
  });

  async function startBot() {
    await deploy();
    const bot = start(MAIN, environment());
    await expect.poll(bot.output, { timeout: 15_000 }).toContain('Its commands: /');
    return bot;
  }

  async function deploy(): Promise<void> {
    await expect(start(DEPLOY, environment(), '--yes').closed).resolves.toBe(0);
  }

  async function echo(name: string, words: string) {
    const person = createPerson(discord.url, name);
    const reply = await person.answer(await person.call('echo', { words }));
    return { reply, says: (sentence: RegExp) => person.waitFor(reply.id, sentence) };
  }

  function asked() {
    return viewcomfy.runs.map(({ params, files, workflow = {} }) => ({
      words: Object.entries(params).find(([key]) => key.endsWith('-inputs-text')),
      nodes: Object.keys(workflow),
      bytes: files[0]?.size,
    }));
  }

  it('uses the new ones for what comes, and the old ones for what runs and waits', async () => {
    const { child, output } = await startBot();
    viewcomfy.next({ runMs: 6000 });
    const first = await echo('ana', 'the first');
    await first.says(/Running/);
    const second = await echo('bo', 'the second');
    await second.says(/Waiting/);
    await expect.poll(() => viewcomfy.runs.map(({ outcome }) => outcome)).toEqual(['running']);

    await putEcho('7', 128);
    child.kill('SIGHUP');
    await expect
      .poll(() => logged(output(), /^Recipes reloaded/))
      .toMatchObject([{ added: [], changed: ['echo'], removed: [] }]);
    // Discord still shows its description of before.
    expect(logged(output(), /npm run deploy/)).toHaveLength(1);
    expect(viewcomfy.runs.map(({ outcome }) => outcome)).toEqual(['running']);
    await deploy();
    const third = await echo('mod', 'the third');
    for (const { says } of [first, second, third]) await says(DONE);

    const [before, waited, after] = asked();
    expect(before).toMatchObject({ words: ['6-inputs-text', 'the first'], nodes: ['6', '8', '9'] });
    expect(waited).toEqual({ ...before, words: ['6-inputs-text', 'the second'] });
    expect(after).toMatchObject({ words: ['7-inputs-text', 'the third'], nodes: ['7', '8', '9'] });
    expect(after?.bytes).toBeGreaterThan(before?.bytes ?? Infinity);
  });

  it('keeps those that it has where one is wrong, and says why', async () => {
    const { child, output } = await startBot();
    await put('echo.ts', 'export default {\n  name: ,\n};\n');
    await put('more.mjs', `export default { name: 'more', description: 'More', options: {}, outputs: {} };`);
    child.kill('SIGHUP');
    await expect.poll(() => logged(output(), /^Recipes not reloaded/)).toHaveLength(1);
    const [line] = logged(output(), /^Recipes not reloaded/);
    expect(line?.['problems']).toEqual([
      expect.stringMatching(/^recipes\/echo\.ts:2: Expression expected$/),
      'recipes/more.mjs: outputs.main is missing',
    ]);
    await (await echo('ana', 'still there')).says(DONE);

    await rm(join(folder, 'recipes', 'echo.ts'));
    await rm(join(folder, 'recipes', 'more.mjs'));
    child.kill('SIGHUP');
    await expect.poll(() => logged(output(), /^Recipes reloaded/)).toMatchObject([{ removed: ['echo'] }]);
    const { reply } = await echo('ana', 'gone');
    expect(reply.ephemeral).toBe(true);
    expect(viewcomfy.runs).toHaveLength(1);
  });
});

describe('a bot in its playground', () => {
  it('makes Discord know of new recipes at once', async () => {
    const { child, output } = start(MAIN, { PLAYGROUND_PORT: '0' });
    await expect.poll(output, { timeout: 15_000 }).toMatch(/Open http\S+\nIts commands: \/.*\/jobs\n/);
    await putEcho('6', 64);
    child.kill('SIGHUP');
    await expect.poll(() => logged(output(), /^Recipes reloaded/)).toMatchObject([{ added: ['echo'] }]);
    const url = /Open (http\S+)/.exec(output())?.[1] ?? '';
    const State = z.object({ commands: z.array(z.object({ name: z.string() })) });
    const { commands } = State.parse(await (await fetch(`${url}/playground/state`)).json());
    expect(commands.map(({ name }) => name)).toContain('echo');
    expect(logged(output(), /npm run deploy/)).toEqual([]);
  });

  it('does not start with recipes that are wrong, tells all of them, and nothing else', async () => {
    await writeFile(join(folder, 'package.json'), '{}');
    await put('package.json', '{}');
    await putEcho('6', 64);
    await put('broken.js', 'export default {\n  name: "broken"\n  description: 1,\n};\n');
    await put('empty.ts', 'export default {};\n');
    await put('_parts.ts', 'throw new Error("nobody loads this");\n');
    const { closed, output } = start(MAIN, { PLAYGROUND_PORT: '0' });
    await expect(closed).resolves.toBe(1);
    expect(output().split('\n')).toEqual([
      'Troupe cannot start.',
      expect.stringMatching(/^recipes\/broken\.js:3: \S/),
      ...['name', 'description', 'options', 'outputs'].map((field) => `recipes/empty.ts: ${field} is missing`),
      '',
    ]);
  });
});
