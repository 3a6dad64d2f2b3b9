import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createLocalDiscord, type LocalDiscord } from '../../src/playground/discord/server.ts';
import { createPerson } from './person.ts';

const DEPLOY = fileURLToPath(new URL('../../scripts/deploy.ts', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

const words = { kind: 'text', description: 'Words', required: true, parameters: ['1-inputs-text'] };
const mood = { kind: 'choice', description: 'How', parameters: ['1-inputs-mood'] };
const times = { kind: 'integer', description: 'Times', min: 0, max: 4, parameters: ['1-inputs-times'] };
const ECHO = {
  name: 'echo',
  description: 'Says it again',
  options: { words, old: words, times, mood: { ...mood, choices: { glad: 1, sad: 2 } } },
  outputs: { main: [] },
};
const ECHO_CHANGED = {
  ...ECHO,
  description: 'Says it twice',
  options: {
    words,
    mood: { ...mood, choices: { glad: 1, calm: 2 } },
    loud: { kind: 'switch', description: 'Loud', parameters: ['1-inputs-loud'] },
    times: { ...times, max: 8 },
  },
};

describe('with a Discord token', () => {
  let discord: LocalDiscord;
  let folder: string;
  let main: ChildProcess | undefined;

  beforeEach(async () => {
    discord = await createLocalDiscord();
    folder = await mkdtemp(join(tmpdir(), 'troupe-deploy-'));
  });
  afterEach(async () => {
    main?.kill('SIGKILL');
    await discord.close();
    await rm(folder, { recursive: true, force: true });
  });

  function start(script: string, environment: Record<string, string> = {}, ...args: string[]) {
    const env = {
      PATH: process.env['PATH'],
      DISCORD_TOKEN: discord.token,
      DISCORD_API_URL: discord.api,
      ...environment,
    };
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
      cwd: folder,
      env,
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return { child, output: () => output, closed: once(child, 'close').then(([code]) => Number(code)) };
  }

  async function registered(): Promise<string[]> {
    const response = await fetch(`${discord.url}/playground/state`);
    const State = z.object({ commands: z.array(z.object({ name: z.string(), guild_id: z.string().optional() })) });
    const { commands } = State.parse(await response.json());
    return commands.map((command) => `${command.name} ${command.guild_id ?? 'everywhere'}`);
  }

  it('npm run deploy registers the commands everywhere, or in one server, after it has said what changes', async () => {
    const asked = start(DEPLOY);
    await expect(asked.closed).resolves.toBe(2);
    expect(asked.output()).toMatch(
      /^What would change everywhere:\n(?:\+ \/[a-z]+ {2}\S.*\n)+Nothing was changed, .* npm run deploy -- --yes\n$/,
    );
    expect(asked.output()).toContain('+ /character  Put your character into four new scenes\n');
    await expect(registered()).resolves.toEqual([]);

    const everywhere = start(DEPLOY, {}, '--yes');
    await expect(everywhere.closed).resolves.toBe(0);
    expect(everywhere.output()).toMatch(/\n(?:\/[a-z]+, )+\/jobs: registered everywhere\.\n$/);
    await expect(registered()).resolves.toEqual(expect.arrayContaining(['character everywhere', 'jobs everywhere']));

    const inOneServer = start(DEPLOY, { DISCORD_GUILD_ID: discord.guildId }, '--yes');
    await expect(inOneServer.closed).resolves.toBe(0);
    await expect(registered()).resolves.toContain(`character ${discord.guildId}`);

    for (const guild of ['', discord.guildId]) {
      const again = start(DEPLOY, { DISCORD_GUILD_ID: guild });
      await expect(again.closed).resolves.toBe(0);
      expect(again.output()).toMatch(/^\/\S.* as they are\. Nothing changes\.\n$/);
    }
  });

  it('npm run deploy knows the recipes of COMMANDS_DIR, and tells every difference to what Discord has', async () => {
    const environment = { COMMANDS_DIR: folder };
    await writeFile(join(folder, 'echo.mjs'), `export default ${JSON.stringify(ECHO)};`);
    await expect(start(DEPLOY, environment, '--yes').closed).resolves.toBe(0);
    const before = await registered();
    await writeFile(join(folder, 'echo.mjs'), `export default ${JSON.stringify(ECHO_CHANGED)};`);
    await writeFile(join(folder, 'shout.mjs'), `export default ${JSON.stringify({ ...ECHO, name: 'shout' })};`);
    const asked = start(DEPLOY, environment);
    await expect(asked.closed).resolves.toBe(2);
    expect(asked.output().split('\n')).toEqual([
      'What would change everywhere:',
      '~ /echo  description "Says it again" → "Says it twice"',
      '~ /echo  option mood: new choices calm',
      '~ /echo  option mood: without the choices sad',
      '~ /echo  option loud: new',
      '~ /echo  option times: most 4 → 8',
      '~ /echo  option old: goes away',
      '~ /echo  options in another order: words, mood, times, private',
      '+ /shout  Says it again',
      'Nothing was changed, as nobody can be asked here. To change it: npm run deploy -- --yes',
      '',
    ]);
    await expect(registered()).resolves.toEqual(before);
    const gone = start(DEPLOY);
    await expect(gone.closed).resolves.toBe(2);
    expect(gone.output()).toContain('\n- /echo  goes away\n');
  });

  it('npm run deploy says in a line why it could not', async () => {
    const wrong = start(DEPLOY, { DISCORD_TOKEN: 'AAAAAAAAAAAAAAAAAAAAAAAA.AAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA' });
    await expect(wrong.closed).resolves.toBe(1);
    expect(wrong.output()).toBe('Discord did not take the commands: 401: Unauthorized\n');
    const none = start(DEPLOY, { DISCORD_TOKEN: '' });
    await expect(none.closed).resolves.toBe(1);
    expect(none.output()).toMatch(/^DISCORD_TOKEN is missing/);
    const elsewhere = start(DEPLOY, { DISCORD_API_URL: 'http://127.0.0.1:1/api' });
    await expect(elsewhere.closed).resolves.toBe(1);
    expect(elsewhere.output()).toMatch(/^Discord cannot be reached: .*\n$/);
    const unknown = start(DEPLOY, { DISCORD_GUILD_ID: '123456789012345678' }, '--yes');
    await expect(unknown.closed).resolves.toBe(1);
    expect(unknown.output()).toBe('Discord did not take the commands: Unknown Guild\n');
    const mistyped = start(DEPLOY, {}, '--yse');
    await expect(mistyped.closed).resolves.toBe(1);
    expect(mistyped.output()).toContain('npm run deploy -- --yes does not');
  });

  it('npm start prints the invite link, and answers there with the local ViewComfy', async () => {
    await expect(start(DEPLOY, {}, '--yes').closed).resolves.toBe(0);
    const { child, output } = start(MAIN, { PLAYGROUND_RUN_SECONDS: '0', PLAYGROUND_COLD_START_SECONDS: '0' });
    main = child;
    await expect.poll(output).toMatch(/is on Discord\.\nInvite it: https:\/\/discord\.com\/oauth2\/authorize\?\S+/);
    const invite = new URL(/Invite it: (\S+)/.exec(output())?.[1] ?? '');
    expect(Object.fromEntries(invite.searchParams)).toMatchObject({
      client_id: discord.applicationId,
      scope: 'bot applications.commands',
    });
    const ana = createPerson(discord.url, 'ana');
    const reply = await ana.character('a pilot');
    const result = await ana.waitFor(reply.id, / s on the local ViewComfy/);
    expect(result.pictures).toHaveLength(4);
  });

  it('npm start with a token that Discord does not know says where to get one', async () => {
    const { closed, output } = start(MAIN, {
      DISCORD_TOKEN: 'AAAAAAAAAAAAAAAAAAAAAAAA.AAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA',
    });
    await expect(closed).resolves.toBe(1);
    expect(output()).toMatch(/Troupe cannot start\.\nDiscord does not know this DISCORD_TOKEN\./);
  });
});
