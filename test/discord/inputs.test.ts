import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { createInputs } from '../../src/discord/inputs.ts';
import { UserError } from '../../src/errors.ts';
import { readDefaultFiles } from '../../src/recipes/default-files.ts';
import type { GivenAnswers, Recipe, StoredFile } from '../../src/recipes/recipe.ts';
import { createSpool } from '../../src/storage/spool.ts';
import { matroska, mp3Frames, mp4, mp4Of } from '../pictures/_media.ts';
import { halves, quarters } from '../pictures/_samples.ts';

/** A CDN that answers as the test says; its requests are counted. */
async function openCdn(answer: RequestListener) {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return {
    origin,
    requests: () => requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Attached {
  readonly filename?: string;
  readonly size?: number;
  readonly url?: string;
}

const LIMITS = { pictures: { maxBytes: 50_000, maxPixels: 1_000_000 }, media: { maxBytes: 200_000 } };

let folder: string;
let dispatcher: Agent;
let cdn: Awaited<ReturnType<typeof openCdn>> | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-inputs-'));
  dispatcher = new Agent();
});
afterEach(async () => {
  await dispatcher.close();
  await cdn?.close();
  await rm(folder, { recursive: true });
});

/** Reads a command of which each file is at `/<its option>` of the CDN. */
async function read(
  recipe: Recipe,
  values: Readonly<Record<string, string>>,
  attached: Readonly<Record<string, Attached>>,
  answer: RequestListener,
): Promise<GivenAnswers> {
  cdn = await openCdn(answer);
  const { origin } = cdn;
  const inputs = createInputs({
    spool: await createSpool(folder),
    limits: LIMITS,
    extraOrigins: [origin],
    defaults: await readDefaultFiles([recipe]),
    dispatcher,
    log: pino({ level: 'silent' }),
  });
  const attachments = Object.fromEntries(
    Object.entries(attached).map(([option, { filename = option, size = 1, url = `${origin}/${option}?ex=1` }]) => [
      `id of ${option}`,
      { id: `id of ${option}`, filename, size, url, proxy_url: '' },
    ]),
  );
  const ids = Object.keys(attached).map((option) => [option, `id of ${option}`] as const);
  const given = new Map([...Object.entries(values), ...ids]);
  return await inputs.read('job', recipe, { values: given, resolved: { attachments } });
}

/** Reads files of which each is answered with its bytes. */
async function readFiles(recipe: Recipe, files: Readonly<Record<string, Buffer>>): Promise<GivenAnswers> {
  const attached = Object.fromEntries(Object.entries(files).map(([option, { length: size }]) => [option, { size }]));
  return await read(recipe, {}, attached, ({ url = '' }, response) => response.end(files[/\w+/.exec(url)?.[0] ?? '']));
}

/** What is told of a command that is refused, of which nothing may be left. */
async function problemsOf(reading: Promise<GivenAnswers>): Promise<readonly string[]> {
  const error: unknown = await reading.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  await expect(kept()).resolves.toEqual([]);
  return error instanceof UserError ? error.problems : [];
}

async function kept(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.filter((entry) => !['inputs', 'results'].includes(entry)).toSorted();
}

function storedOf(answers: GivenAnswers, option: string): StoredFile {
  const stored = answers[option];
  if (typeof stored !== 'object') throw new Error(`${option} is no file`);
  return stored;
}

async function rowOf({ path }: StoredFile): Promise<{ size: string; left: number[]; right: number[] }> {
  const { data, info } = await sharp(await readFile(path))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const pixel = (x: number) => [...data.subarray(x * channels, (x + 1) * channels)];
  return { size: `${width} x ${height}`, left: pixel(0), right: pixel(width - 1) };
}

const endless: (begin: Buffer, onClose: () => void) => RequestListener = (begin, onClose) => (_request, response) => {
  response.on('close', onClose);
  response.write(begin);
  const chunk = Buffer.alloc(16_384);
  const write = () => {
    while (!response.destroyed && response.write(chunk));
    response.once('drain', write);
  };
  write();
};

/** Says that more comes than does. */
const cutAfter: (bytes: Buffer, announced: number) => RequestListener = (bytes, announced) => (_request, response) => {
  response.writeHead(200, { 'content-length': announced });
  response.write(bytes, () => response.destroy());
};

function recipeOf(options: Recipe['options']): Recipe {
  return { name: 'test', description: 'A test', options, outputs: { main: [] } };
}

const common = { description: 'A file', parameters: ['1-inputs-file'] } as const;
const VIDEO = recipeOf({ clip: { ...common, kind: 'video' } });
const SOUND = recipeOf({ voice: { ...common, kind: 'audio' } });
const MASK = recipeOf({ area: { ...common, kind: 'mask' } });
const SCENE = { ...common, kind: 'picture', maxSide: 64 } as const;
const CAREFULLY = recipeOf({ scene: SCENE, area: { ...common, kind: 'mask', of: 'scene' } });
const TOGETHER = recipeOf({ scene: SCENE, area: { ...common, kind: 'mask', of: 'scene', parameters: [] } });

const PICTURE = quarters(300, 200).jpeg().toBuffer();
const RIGHT_HALF = halves(30, 30, [0, 0, 0], [255, 255, 255]).png().toBuffer();

describe('a picture that came with a command', () => {
  function readCharacter(answer: RequestListener, attached: Attached = {}) {
    return read(
      character,
      { prompt: 'a pilot' },
      { character: { filename: '../../My Face!.PNG', ...attached } },
      answer,
    );
  }

  it('is fetched, cleaned and copied, under a name of ours', async () => {
    const body = await sharp({ create: { width: 300, height: 200, channels: 3, background: '#468' } })
      .jpeg()
      .withExif({ IFD3: { GPSLatitudeRef: 'N' } })
      .toBuffer();
    const answers = await readCharacter((_request, response) => response.end(body));
    expect(answers['character']).toMatchObject({ name: 'my_face_.jpg', mediaType: 'image/jpeg' });
    const { path } = storedOf(answers, 'character');
    expect(path.startsWith(folder)).toBe(true);
    const { exif, width } = await sharp(await readFile(path)).metadata();
    expect({ exif, width }).toEqual({ exif: undefined, width: 300 });
  });

  it.each([
    'https://evil.example/face.png',
    'https://cdn.discordapp.com.evil.example/face.png',
    'http://cdn.discordapp.com/face.png',
    'file:///etc/passwd',
    'not an address',
  ])('is not fetched from %s', async (url) => {
    const problems = await problemsOf(readCharacter((_request, response) => response.end('x'), { url }));
    expect(problems).toEqual([expect.stringMatching(/does not come from Discord/)]);
    expect(cdn?.requests()).toBe(0);
  });

  it('is not fetched when Discord says that it is too large', async () => {
    const problems = await problemsOf(readCharacter((_request, response) => response.end('x'), { size: 60_000 }));
    expect(problems).toEqual([
      '**character**: This file has 59 KiB; at most 49 KiB are taken. Send a smaller picture.',
    ]);
    expect(cdn?.requests()).toBe(0);
  });

  it('is cut off when it is larger than Discord said', async () => {
    let closed = false;
    const problems = await problemsOf(readCharacter(endless(Buffer.from('x'), () => (closed = true))));
    expect(problems).toEqual([expect.stringMatching(/has more than 49 KiB; at most 49 KiB/)]);
    await expect.poll(() => closed).toBe(true);
  });

  it('is not followed to another place', async () => {
    const redirect: RequestListener = (request, response) => {
      response.writeHead(302, { location: request.url?.startsWith('/elsewhere') ? '/' : '/elsewhere' }).end();
    };
    const problems = await problemsOf(readCharacter(redirect));
    expect(problems).toEqual([expect.stringMatching(/did not hand this file over/)]);
    expect(cdn?.requests()).toBe(1);
  });

  it('leaves nothing on disk when it cannot be used', async () => {
    const problems = await problemsOf(readCharacter((_request, response) => response.end('words')));
    expect(problems).toEqual([expect.stringMatching(/a text file, which cannot be used/)]);
  });
});

describe('a film or a sound that came with a command', () => {
  it.each([
    [VIDEO, 'clip', 'Holiday 1!.mp4.exe', mp4(150_000), 'holiday_1_mp4.mp4', 'video/mp4'],
    [VIDEO, 'clip', 'a.gif', Buffer.from('GIF89a\x01\0\x01\0', 'latin1'), 'a.gif', 'image/gif'],
    [VIDEO, 'clip', '…', matroska('webm', ['V_VP8']), '_.webm', 'video/webm'],
    [SOUND, 'voice', '.mp3', mp3Frames(30), 'voice.mp3', 'audio/mpeg'],
    [SOUND, 'voice', 'Memo 1.mp4', mp4Of('soun'), 'memo_1.m4a', 'audio/mp4'],
    [VIDEO, 'clip', 'Memo 1.mp4', mp4Of('soun', 'vide'), 'memo_1.mp4', 'video/mp4'],
  ] as const)('is kept as it is: %#', async (recipe, option, filename, bytes, name, mediaType) => {
    const attached = { [option]: { filename, size: bytes.length } };
    const stored = storedOf(await read(recipe, {}, attached, (_request, response) => response.end(bytes)), option);
    expect(stored).toMatchObject({ name, mediaType, size: bytes.length });
    expect(stored.path.startsWith(folder)).toBe(true);
    await expect(readFile(stored.path)).resolves.toEqual(bytes);
    expect((await kept()).map((path) => basename(path))).toEqual(['job', basename(stored.path)]);
  });

  it('is told byte by byte as well', async () => {
    const bytes = mp4(6000);
    const drop: RequestListener = (_request, response) => {
      let at = 0;
      const write = () => {
        at += 1;
        if (at > bytes.length) response.end();
        else response.write(bytes.subarray(at - 1, at), write);
      };
      write();
    };
    const stored = storedOf(await read(VIDEO, {}, { clip: { size: bytes.length } }, drop), 'clip');
    await expect(readFile(stored.path)).resolves.toEqual(bytes);
  });

  it.each([
    [
      VIDEO,
      'clip',
      Buffer.from('PK\x03\x04'.repeat(3000)),
      'a zip archive or an office document, which is no video. Send an MP4',
    ],
    [VIDEO, 'clip', mp3Frames(30), 'an MP3 sound, which is no video. Send an MP4'],
    [SOUND, 'voice', mp4(100), 'an MP4 video, which is no sound. Send an MP3'],
    [SOUND, 'voice', mp4Of('vide', 'soun'), 'an MP4 video, which is no sound. Send an MP3'],
    [VIDEO, 'clip', mp4Of('soun'), 'an M4A sound, which is no video. Send an MP4'],
    [SOUND, 'voice', Buffer.from('GIF89a'), 'a GIF picture, which is no sound. Send an MP3'],
    [SOUND, 'voice', Buffer.from('just words'), 'a text file, which is no sound. Send an MP3'],
  ] as const)('is refused for what it is: %#', async (recipe, option, bytes, sentence) => {
    const attached = { [option]: { filename: `${option}.mp4`, size: bytes.length } };
    const problems = await problemsOf(read(recipe, {}, attached, (_request, response) => response.end(bytes)));
    expect(problems).toEqual([expect.stringContaining(`**${option}**: This file is ${sentence}`)]);
  });

  it('is refused when there is nothing in it', async () => {
    const problems = await problemsOf(read(VIDEO, {}, { clip: { size: 0 } }, (_request, response) => response.end()));
    expect(problems).toEqual(['**clip**: This file is empty. Send it again, or another video.']);
  });

  it('is not fetched when Discord says that it is too large', async () => {
    const problems = await problemsOf(
      read(VIDEO, {}, { clip: { size: 500_000_000_000 } }, (_request, response) => response.end('x')),
    );
    expect(problems).toEqual(['**clip**: This file has 476837.2 MiB; at most 195 KiB are taken. Send a smaller file.']);
    expect(cdn?.requests()).toBe(0);
  });

  it('is cut off when it is larger than Discord said, and leaves nothing', async () => {
    let closed = false;
    const problems = await problemsOf(
      read(
        VIDEO,
        {},
        { clip: {} },
        endless(mp4(5000), () => (closed = true)),
      ),
    );
    expect(problems).toEqual([expect.stringMatching(/has more than 195 KiB; at most 195 KiB/)]);
    await expect.poll(() => closed).toBe(true);
  });

  it('is cut off as soon as it is known to be something else', async () => {
    let closed = false;
    const words = Buffer.from('words '.repeat(1000));
    const problems = await problemsOf(
      read(
        VIDEO,
        {},
        { clip: {} },
        endless(words, () => (closed = true)),
      ),
    );
    expect(problems).toEqual([expect.stringMatching(/a text file, which is no video/)]);
    await expect.poll(() => closed).toBe(true);
  });

  it.each([
    ['before its first byte', (_request, response) => response.destroy()],
    ['within its first bytes', cutAfter(mp4(100), 100_000)],
    ['in its middle', cutAfter(mp4(60_000), 100_000)],
    ['without a word', (_request, response) => response.writeHead(200, { connection: 'close' }).end(mp4(60_000))],
    ['by a refusal', (_request, response) => response.writeHead(404).end('gone')],
  ] satisfies [string, RequestListener][])('that breaks off %s leaves nothing', async (_when, answer) => {
    const problems = await problemsOf(read(VIDEO, {}, { clip: { size: 100_000 } }, answer));
    expect(problems).toEqual(['**clip**: Discord did not hand this file over. Please send the command again.']);
  });
});

describe('a mask that came with a command', () => {
  it('without a picture keeps its own size', async () => {
    const stored = storedOf(await readFiles(MASK, { area: await RIGHT_HALF }), 'area');
    expect(stored).toMatchObject({ name: 'area.png', mediaType: 'image/png' });
    await expect(rowOf(stored)).resolves.toEqual({ size: '30 x 30', left: [0, 0, 0, 255], right: [255, 255, 255, 0] });
  });

  it('is made as large as its picture is when the workflow gets it', async () => {
    const answers = await readFiles(CAREFULLY, { scene: await PICTURE, area: await RIGHT_HALF });
    await expect(rowOf(storedOf(answers, 'area'))).resolves.toMatchObject({
      size: '64 x 43',
      right: [255, 255, 255, 0],
    });
    expect(storedOf(answers, 'scene')).toMatchObject({ name: 'scene.jpg', mediaType: 'image/jpeg' });
  });

  it('becomes the transparency of its picture where the workflow has no other place for it', async () => {
    const answers = await readFiles(TOGETHER, { scene: await PICTURE, area: await RIGHT_HALF });
    const scene = storedOf(answers, 'scene');
    expect(scene).toMatchObject({ name: 'scene.png', mediaType: 'image/png' });
    const { size, left, right } = await rowOf(scene);
    expect([size, left[3], right[3]]).toEqual(['64 x 43', 255, 0]);
    // Green, which is not to be seen any more.
    expect([Number(right[0]) < 60, Number(right[1]) > 170]).toEqual([true, true]);
    const files = (await kept()).map((path) => basename(path));
    expect(files.toSorted()).toEqual(['area.png', 'job', 'scene.masked.png']);
    expect(scene.size).toBe((await readFile(scene.path)).length);
  });

  it('is about the picture that stands beside the recipe when none was given', async () => {
    const { pose } = character.options;
    const recipe = recipeOf({ pose, area: { ...common, kind: 'mask', of: 'pose', parameters: [] } });
    const before = await readFile(pose.default);
    const answers = await readFiles(recipe, { area: await RIGHT_HALF });
    const { width, height } = await sharp(before).metadata();
    expect((await rowOf(storedOf(answers, 'pose'))).size).toBe(`${width} x ${height}`);
    expect(storedOf(answers, 'pose').path.startsWith(folder)).toBe(true);
    await expect(readFile(pose.default)).resolves.toEqual(before);
  });

  it('of a picture that was not given is told', async () => {
    const problems = await problemsOf(readFiles(TOGETHER, { area: await RIGHT_HALF }));
    expect(problems).toEqual([
      '**area**: This marks a part of scene, where nothing was sent. Send that too, or leave this out.',
    ]);
  });

  it('is told beside what is wrong with its picture', async () => {
    const problems = await problemsOf(
      readFiles(TOGETHER, {
        scene: Buffer.from('words'),
        area: await halves(9, 9, [0, 0, 0], [0, 0, 0]).png().toBuffer(),
      }),
    );
    expect(problems).toEqual([
      expect.stringMatching(/^\*\*scene\*\*: This file is a text file/),
      expect.stringMatching(/^\*\*area\*\*: Nothing in it is marked/),
    ]);
  });

  it('that is needed and missing is told', async () => {
    const needed = recipeOf({ area: { ...common, kind: 'mask', required: true } });
    await expect(problemsOf(readFiles(needed, {}))).resolves.toEqual(['**area**: This is needed.']);
  });
});

describe('what is wrong with a command', () => {
  const message = 'Send what I asked for.';
  const OWN_WORDS = recipeOf({
    scene: { ...SCENE, message },
    area: { ...common, kind: 'mask', message },
    clip: { ...common, kind: 'video', message },
  });

  it('is told in the order of its options, all of it at once, and nothing is kept of what was right', async () => {
    const recipe = recipeOf({
      clip: { ...common, kind: 'video' },
      area: { ...common, kind: 'mask' },
      scene: SCENE,
      other: SCENE,
      voice: { ...common, kind: 'audio', required: true },
      words: { ...common, kind: 'text', required: true },
    });
    const problems = await problemsOf(
      readFiles(recipe, {
        clip: Buffer.from('words'),
        area: Buffer.from('words'),
        scene: await PICTURE,
        other: (await PICTURE).subarray(0, 500),
      }),
    );
    expect(problems.map((problem) => problem.replace(/: .*/, ''))).toEqual([
      '**clip**',
      '**area**',
      '**other**',
      '**voice**',
      '**words**',
    ]);
  });

  it("is told in the recipe's own words where it is about what the files are", async () => {
    const words = Buffer.from('words');
    await expect(problemsOf(readFiles(OWN_WORDS, { scene: words, area: words, clip: words }))).resolves.toEqual([
      `**scene**: ${message}`,
      `**area**: ${message}`,
      `**clip**: ${message}`,
    ]);
  });

  it("is told in the recipe's own words where they are too large", async () => {
    const large = Buffer.alloc(300_000, 'x');
    await expect(problemsOf(readFiles(OWN_WORDS, { scene: large, area: large, clip: large }))).resolves.toEqual([
      `**scene**: ${message}`,
      `**area**: ${message}`,
      `**clip**: ${message}`,
    ]);
  });

  it('is told in ours where they did not come', async () => {
    const problems = await problemsOf(
      read(OWN_WORDS, {}, { scene: {}, area: {}, clip: { url: 'https://evil.example/a' } }, (_request, response) =>
        response.writeHead(503).end(),
      ),
    );
    expect(problems).toEqual([
      '**scene**: Discord did not hand this file over. Please send the command again.',
      '**area**: Discord did not hand this file over. Please send the command again.',
      '**clip**: This file does not come from Discord. Please attach it to the command.',
    ]);
  });
});
