import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { z } from 'zod';
import { startChild } from './child.ts';
import { Addresses, JourneyMeasurement } from './messages.ts';

/**
 * The whole way: from the first byte of a result of 150 MB on the socket to the last byte that the local Discord has
 * taken, ten files a message, while other people call commands. Bot, Discord and ViewComfy are processes of their own;
 * what is measured is the bot.
 */
const MEGABYTES = 150;
const FILES = 60;
/** other commands a second; each brings a file that is no picture, so that the bot answers, fetches, checks and refuses */
const CALLS_A_SECOND = 50;

interface JourneyLine {
  readonly round: number;
  /** from the first byte of the result to the last byte of the last message */
  readonly ms: number;
  readonly mbPerSecond: number;
  readonly messages: number;
  readonly files: number;
  /** highest resident memory of the bot above that before the command */
  readonly peakMb: number;
  readonly stallMs: number;
  /** of the other people: from their command to the bot's first answer */
  readonly calls: number;
  readonly answerP50Ms: number;
  readonly answerP99Ms: number;
  readonly answerMaxMs: number;
}

export interface JourneyReport {
  readonly lines: readonly JourneyLine[];
  readonly medians: Pick<JourneyLine, 'ms' | 'mbPerSecond' | 'peakMb' | 'stallMs' | 'answerP50Ms' | 'answerP99Ms'>;
}

const Began = z.object({ began: z.number() });
const Started = z.object({ interaction: z.string() });
const Answered = z.object({ state: z.string(), answeredAfterMs: z.number().optional() });
const Recorded = z.object({
  time: z.union([z.number(), z.string()]),
  status: z.number(),
  files: z.array(z.object({ size: z.number() })).optional(),
});

export async function benchJourney({
  quick,
  tell,
}: {
  quick: boolean;
  tell: (progress: string) => void;
}): Promise<JourneyReport> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-journey-'));
  try {
    const lines: JourneyLine[] = [];
    for (let round = 1; round <= (quick ? 2 : 5); round += 1) {
      tell(`journey ${round}`);
      lines.push(await journey(join(folder, String(round)), round));
    }
    const of = (pick: (line: JourneyLine) => number) => median(lines.map(pick));
    return {
      lines,
      medians: {
        ms: of(({ ms }) => ms),
        mbPerSecond: of(({ mbPerSecond }) => mbPerSecond),
        peakMb: of(({ peakMb }) => peakMb),
        stallMs: of(({ stallMs }) => stallMs),
        answerP50Ms: of(({ answerP50Ms }) => answerP50Ms),
        answerP99Ms: of(({ answerP99Ms }) => answerP99Ms),
      },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** One journey of a fresh bot, which has made a small one before: code is compiled, connections are open. */
async function journey(folder: string, round: number): Promise<JourneyLine> {
  await mkdir(folder);
  const record = join(folder, 'recording.jsonl');
  const server = startChild('server.ts');
  const discord = startChild('journey-discord.ts', {}, [record]);
  const bot = startChild('journey-bot.ts', { NODE_OPTIONS: await flagsOfStart() });
  try {
    const { plain } = await server.hear(Addresses);
    const { url, ...place } = await discord.hear(z.object({ url: z.string(), api: z.string(), token: z.string() }));
    const viewcomfy = `${plain}?mb=${MEGABYTES}&chunk=65536&files=${FILES}&first=1`;
    bot.send({ ...place, url, viewcomfy, folder });
    await bot.hear(z.literal('ready'));
    await travel(url);
    return await travel(url);
  } finally {
    for (const child of [bot, discord, server]) child.end();
  }

  async function travel(url: string): Promise<JourneyLine> {
    const before = (await readRecording(record)).length;
    bot.send('start');
    await bot.hear(z.literal('started'));
    const others = startCalls(url);
    await setTimeout(500);
    await call(url, 'ana', await portrait());
    const { began } = await server.hear(Began);
    let uploads: { at: number; files: number }[] = [];
    while (uploads.reduce((sum, { files }) => sum + files, 0) < FILES) {
      await setTimeout(50);
      uploads = (await readRecording(record)).slice(before).filter(({ files }) => files > 0);
    }
    const times = (await others.stop()).toSorted((a, b) => a - b);
    bot.send('stop');
    const { peakMb, stallMs } = await bot.hear(JourneyMeasurement);
    const ms = Math.max(...uploads.map(({ at }) => at)) - began;
    return {
      round,
      ms,
      mbPerSecond: round1((MEGABYTES / ms) * 1000),
      messages: uploads.length,
      files: FILES,
      peakMb: round1(peakMb),
      stallMs: round1(stallMs),
      calls: times.length,
      answerP50Ms: at(times, 0.5),
      answerP99Ms: at(times, 0.99),
      answerMaxMs: at(times, 1),
    };
  }
}

/** How `npm start` runs Node. Short-lived objects get little room: it is 40 MB less to have, and no slower. */
async function flagsOfStart(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  const { start } = z.object({ scripts: z.object({ start: z.string() }) }).parse(manifest).scripts;
  return start
    .split(' ')
    .filter((word) => word.startsWith('--'))
    .join(' ');
}

/** People who call commands all the while, each of them a new one, whether or not the ones before were answered. */
function startCalls(url: string) {
  const calls: Promise<string>[] = [];
  const timer = setInterval(() => {
    calls.push(call(url, `user${calls.length % 200}`, new Blob(['no picture'])));
  }, 1000 / CALLS_A_SECOND);
  return {
    /** @returns milliseconds to the first answer, of each */
    async stop(): Promise<number[]> {
      clearInterval(timer);
      const times: number[] = [];
      for (const interaction of await Promise.all(calls)) {
        const response = await fetch(`${url}/playground/interactions/${interaction}`);
        const { state, answeredAfterMs } = Answered.parse(await response.json());
        if (state === 'failed') throw new Error('a command was not answered within 3 s');
        if (answeredAfterMs !== undefined) times.push(answeredAfterMs);
      }
      return times;
    },
  };
}

async function call(url: string, user: string, character: Blob): Promise<string> {
  const form = new FormData();
  form.set('channel', 'characters');
  form.set('prompt', 'a pilot');
  form.set('character', character, 'picture.png');
  const response = await fetch(`${url}/playground/users/${user}/commands/character`, { method: 'POST', body: form });
  return Started.parse(await response.json()).interaction;
}

async function portrait(): Promise<Blob> {
  const background = '#446688';
  const picture = await sharp({ create: { width: 512, height: 512, channels: 3, background } })
    .png()
    .toBuffer();
  return new Blob([Uint8Array.from(picture)]);
}

/** When each request of the bot had been taken whole, and how many files came with it. */
async function readRecording(path: string): Promise<{ at: number; files: number }[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => Recorded.parse(JSON.parse(line)))
    .map(({ time, files }) => ({ at: new Date(time).getTime(), files: files?.length ?? 0 }));
}

function at(sorted: readonly number[], share: number): number {
  return round1(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

function median(values: readonly number[]): number {
  return at(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
