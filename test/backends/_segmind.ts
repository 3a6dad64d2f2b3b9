import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { BackendEvent, RunRequest } from '../../src/backends/backend.ts';
import { createSegmind, type SegmindBackend, type SegmindOptions } from '../../src/backends/segmind.ts';
import {
  createLocalSegmind,
  type LocalSegmind,
  type LocalSegmindOptions,
} from '../../src/playground/segmind/server.ts';
import { createQuickClock } from '../quick-clock.ts';
import { createDesk, type Desk } from './_run.ts';
import { createService, type Reply, type Seen, type Service } from './_service.ts';

/** What tests of the Segmind backend share: the answers of a person to `commands/character.ts`. */

/** To be called once in a test file. */
export function createAnswers(): { request(changes?: Changes): Asked } {
  let folder = '';
  const files: Asked['files'] = {
    '626-inputs-image': file('character.png'),
    '625-inputs-image': file('character-pose.png'),
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-segmind-'));
    for (const [index, { name }] of Object.values(files).entries()) {
      const background = index === 0 ? '#c03060' : '#204080';
      const picture = sharp({ create: { width: 96 + index, height: 64, channels: 3, background } });
      await writeFile(join(folder, name), await picture.png().toBuffer());
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  function file(name: string) {
    return {
      name,
      mediaType: 'image/png',
      get path() {
        return join(folder, name);
      },
      size: 1,
    };
  }

  return { request: (changes = {}) => ({ parameters: { ...PARAMETERS, ...changes }, files }) };
}

type Changes = RunRequest['parameters'];

interface Asked {
  readonly parameters: RunRequest['parameters'];
  readonly files: RunRequest['files'];
}

const PARAMETERS = {
  '594-inputs-string': 'a woman with grüne eyes 🎭',
  '426-inputs-string': 'in an old forest',
  '608-inputs-string': 'a natural photograph',
  '499-inputs-noise_seed': 2 ** 32 + 7,
};

export const API_KEY = 'SG_key-of-the-house';

/** To be called once in a test file: everything is closed and cleared after each test. */
export function createBench() {
  const answers = createAnswers();
  const toClose: (() => Promise<void>)[] = [];
  const logged: Logged[] = [];
  let desk: Desk;
  beforeEach(async () => {
    logged.length = 0;
    desk = await createDesk();
  });
  afterEach(async () => {
    for (const close of toClose.splice(0)) await close();
    await desk.clear();
  });
  const log = (level: Logged['level']) => (fields: unknown, message?: string) => {
    logged.push({ level, text: `${message} ${JSON.stringify(fields)}` });
  };

  function connect(url: string, options: Partial<SegmindOptions> = {}): SegmindBackend {
    const backend = createSegmind(
      { url, apiKey: API_KEY, ...options },
      { clock: createQuickClock(100), log: { debug: log('debug'), warn: log('warn') } },
    );
    toClose.push(backend.close);
    return backend;
  }

  return {
    get desk() {
      return desk;
    },
    logged,
    connect,
    /** What a person who fills in nothing but `changes` asks for. */
    ask: (changes: Changes = {}): RunRequest => ({
      ...desk.request,
      ...answers.request(changes),
    }),
    /** A service that gives these replies, which are JSON with status 200 where they do not say. */
    async serve(...replies: readonly (Reply | ((seen: Seen) => Reply))[]): Promise<Service> {
      const usual = (reply: Reply): Reply => ({ status: 200, contentType: 'application/json', ...reply });
      const service = await createService(
        replies.map((reply) => (typeof reply === 'function' ? (seen: Seen) => usual(reply(seen)) : usual(reply))),
      );
      toClose.push(service.close);
      return service;
    },
    async local(options: Partial<LocalSegmindOptions> = {}): Promise<LocalSegmind> {
      const local = await createLocalSegmind({ apiKey: API_KEY, runMs: 0, drawing: 'flat', ...options });
      toClose.push(local.close);
      return local;
    },
  };
}

interface Logged {
  readonly level: 'debug' | 'warn';
  readonly text: string;
}

export const warningsOf = (events: readonly BackendEvent[]) =>
  events.flatMap((event) => (event.type === 'warning-raised' ? [event.warning] : []));
export const filesOf = (events: readonly BackendEvent[]) =>
  events.flatMap((event) => (event.type === 'file-ready' ? [event] : []));
