import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createLocalDiscord, type LocalDiscord } from '../../src/playground/discord/server.ts';
import { createPerson } from './person.ts';

const DEPLOY = fileURLToPath(new URL('../../scripts/deploy.ts', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

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

  function start(script: string, environment: Record<string, string> = {}) {
    const env = {
      PATH: process.env['PATH'],
      DISCORD_TOKEN: discord.token,
      DISCORD_API_URL: discord.api,
      ...environment,
    };
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], { cwd: folder, env });
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

  it('npm run deploy registers the commands everywhere, or in one server', async () => {
    const everywhere = start(DEPLOY);
    await expect(everywhere.closed).resolves.toBe(0);
    expect(everywhere.output()).toBe('/character, /jobs: registered everywhere.\n');
    await expect(registered()).resolves.toEqual(['character everywhere', 'jobs everywhere']);

    const inOneServer = start(DEPLOY, { DISCORD_GUILD_ID: discord.guildId });
    await expect(inOneServer.closed).resolves.toBe(0);
    await expect(registered()).resolves.toContain(`character ${discord.guildId}`);
  });

  it('npm run deploy says in a line why it could not', async () => {
    const wrong = start(DEPLOY, { DISCORD_TOKEN: 'AAAAAAAAAAAAAAAAAAAAAAAA.AAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA' });
    await expect(wrong.closed).resolves.toBe(1);
    expect(wrong.output()).toBe('Discord did not take the commands: 401: Unauthorized\n');
    const none = start(DEPLOY, { DISCORD_TOKEN: '' });
    await expect(none.closed).resolves.toBe(1);
    expect(none.output()).toMatch(/^DISCORD_TOKEN is missing/);
  });

  it('npm start prints the invite link, and answers there with the local ViewComfy', async () => {
    await expect(start(DEPLOY).closed).resolves.toBe(0);
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
