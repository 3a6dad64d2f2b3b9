import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { createBackend } from '../../src/backends/index.ts';
import { startBot, type Bot } from '../../src/bot.ts';
import { systemClock } from '../../src/clock.ts';
import { loadRecipes } from '../../src/commands.ts';
import type { Config } from '../../src/config.ts';
import { PORT_PATIENCE, type PortPatience } from '../../src/discord/port.ts';
import {
  createLocalDiscord,
  type LocalDiscord,
  type LocalDiscordOptions,
} from '../../src/playground/discord/server.ts';
import {
  createLocalViewComfy,
  type LocalViewComfy,
  type LocalViewComfyOptions,
} from '../../src/playground/viewcomfy/server.ts';
import { checkRecording } from '../playground/openapi.ts';
import { createPerson, type Person, type SeenMessage } from './person.ts';

/** A local Discord, a local ViewComfy and the real bot between them. */
export interface Stage {
  readonly discord: LocalDiscord;
  readonly viewcomfy: LocalViewComfy;
  readonly bot: Bot;
  /** the recording of all that the bot asked of Discord: a path to JSON lines */
  readonly recording: string;
  person(name: string): Person;
  /** Makes a message go away, as a moderator would. */
  deleteMessage(message: SeenMessage): Promise<void>;
  close(): Promise<void>;
}

interface StageOptions {
  limits?: Partial<Config['limits']>;
  pictures?: Partial<Config['pictures']>;
  viewcomfy?: Partial<LocalViewComfyOptions>;
  discord?: Partial<LocalDiscordOptions>;
  /** how long the bot waits for Discord */
  patience?: Partial<PortPatience>;
  /** what the bot is told of ViewComfy, where it is not the truth */
  address?: Partial<{ url: string; clientSecret: string; idleTimeoutMs: number }>;
}

const keys = { clientId: 'stage', clientSecret: 'only-for-the-stage-3f8a1c' };

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-stage-'));
  const recording = join(folder, 'recording.jsonl');
  const discord = await createLocalDiscord({ record: recording, ...options.discord });
  const viewcomfy = await createLocalViewComfy({
    ...keys,
    runMs: 300,
    coldStartMs: 0,
    pictureScale: 0.25,
    ...options.viewcomfy,
  });
  const log = pino({ level: process.env['STAGE_LOG'] ?? 'silent' });
  const backend = createBackend(
    { type: 'viewcomfy', url: viewcomfy.url, ...keys, ...options.address },
    { clock: systemClock, log },
  );
  const bot = await startBot({
    config: {
      limits: { runningPerUser: 1, waitingPerUser: 3, runningAtOnce: 1, runMs: 60_000, ...options.limits },
      pictures: { maxBytes: 20 * 1024 * 1024, maxPixels: 50_000_000, ...options.pictures },
      dataDir: join(folder, 'data'),
      results: { keepMs: 7 * 24 * 3600_000, maxBytes: 10 * 1024 ** 3, keepWorkflow: false },
    },
    recipes: await loadRecipes(fileURLToPath(new URL('../../commands', import.meta.url))),
    backend,
    discord: {
      token: discord.token,
      api: discord.api,
      fileOrigins: [discord.url],
      register: true,
      patience: { ...PORT_PATIENCE, ...options.patience },
    },
    clock: systemClock,
    log,
  });
  return {
    discord,
    viewcomfy,
    bot,
    recording,
    person: (name) => createPerson(discord.url, name),
    async deleteMessage({ channel, id }) {
      const headers = { authorization: `Bot ${discord.token}` };
      const route = `${discord.api}/v10/channels/${channel}/messages/${id}`;
      const { status } = await fetch(route, { method: 'DELETE', headers });
      if (status !== 204) throw new Error(`not deleted: ${status}`);
    },
    async close() {
      await bot.stop(AbortSignal.abort());
      await viewcomfy.close();
      await discord.close();
      // Whatever the test was about: no request of the bot may be one that Discord would refuse for its form.
      await checkRecording(recording);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
