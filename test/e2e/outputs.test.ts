import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, BackendEvent, RunRequest } from '../../src/backends/backend.ts';
import { createFailover } from '../../src/backends/failover.ts';
import { createBackend } from '../../src/backends/index.ts';
import { createThreadedBackend } from '../../src/backends/thread.ts';
import { systemClock } from '../../src/clock.ts';
import { createLocalComfyUI } from '../../src/playground/comfyui/server.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';
import type { Workflow } from '../../src/recipes/workflow.ts';
import type { SeenMessage } from './person.ts';
import { openStage, type Stage } from './stage.ts';

const MIB = 1024 * 1024;
const PROMPT = '594-inputs-string';

interface Given {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

const latin = (head: string, bytes = 0) => Buffer.concat([Buffer.from(head, 'latin1'), randomBytes(bytes)]);
const WEBM = latin('\x1aE\xdf\xa3\x87\x42\x82\x84webm', 200_000);
const MP4 = latin('\0\0\0\x18ftypisom\0\0\0\0isommp42', 100_000);
const MP3 = latin('ID3\x03\0\0\0\0\0\0', 50_000);
const ZIP = latin('PK\x03\x04', 5000);
const LARGE = Buffer.concat([WEBM, randomBytes(30 * MIB - WEBM.length)]);

/** What a run gives, by its prompt. */
const RESULTS: Readonly<Record<string, readonly Given[]>> = {
  film: [{ name: 'Wan 00001_.webm', mediaType: 'video/webm', bytes: WEBM }],
  'all kinds': [
    // Named as something else: nobody is asked but the bytes.
    { name: 'clip.png', mediaType: 'video/mp4', bytes: MP4 },
    { name: 'song.mp3', mediaType: 'audio/mpeg', bytes: MP3 },
    { name: '__All layers__00001_.zip', mediaType: 'application/zip', bytes: ZIP },
  ],
  caption: [{ name: 'text_9.txt', mediaType: 'text/plain', bytes: Buffer.from('A cat on a mat.\nGrün 🐈') }],
  novel: [{ name: 'text_9.txt', mediaType: 'text/plain', bytes: Buffer.from('It was a dark night. '.repeat(500)) }],
  hostile: [
    {
      name: 'text_9.txt',
      mediaType: 'text/plain',
      bytes: Buffer.from('before ``` @everyone <@1> ```\n# heading [x](https://evil.example) \u202Eabc'),
    },
    {
      name: 'text_10.txt',
      mediaType: 'text/plain',
      bytes: Buffer.from(`\`\`\`\n@everyone ${'🐈```<@1>'.repeat(12_000)}`),
    },
  ],
  large: [{ name: 'Wan_00001_.webm', mediaType: 'video/webm', bytes: LARGE }],
};

/** Gives files of every kind, as any backend may. */
const giving: Backend = {
  name: 'Giver',
  capabilities: { progress: false, preview: false, cancel: true, resume: false, handleFirst: false },
  run,
  close: () => Promise.resolve(),
};

async function* run({ folder, parameters }: RunRequest): AsyncGenerator<BackendEvent> {
  for (const { name, mediaType, bytes } of RESULTS[String(parameters[PROMPT])] ?? []) {
    const path = join(folder, name);
    await writeFile(path, bytes);
    yield { type: 'file-ready', name, mediaType, path, size: bytes.length };
  }
}

async function fetched(url: string | undefined): Promise<Buffer> {
  const response = await fetch(url ?? '');
  return Buffer.from(await response.arrayBuffer());
}

const isSame = async (url: string | undefined, bytes: Buffer) => (await fetched(url)).equals(bytes);

describe('a result', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage({ backend: giving });
  });
  afterAll(() => stage.close());

  async function outcome(name: string, prompt: string): Promise<SeenMessage> {
    const person = stage.person(name);
    const reply = await person.character(prompt);
    return await person.waitFor(reply.id, / s on Giver/);
  }

  it('that is a video is shown in the gallery, byte for byte as it was made', async () => {
    const { pictures, files, text, buttons } = await outcome('ana', 'film');
    expect(files).toEqual([]);
    expect(pictures).toHaveLength(1);
    expect(pictures[0]).toContain('wan_00001_.webm');
    expect(await isSame(pictures[0], WEBM)).toBe(true);
    expect(text).not.toMatch(/picture/i);
    expect(buttons).toEqual([]);
  });

  it('of several kinds has what can be shown in the gallery, and the rest to download', async () => {
    const { pictures, files } = await outcome('bo', 'all kinds');
    expect(pictures.map((url) => url.replace(/\?.*$/, '').split('/').at(-1))).toEqual(['clip.mp4']);
    expect(files.map((url) => url.replace(/\?.*$/, '').split('/').at(-1))).toEqual(['song.mp3', 'all_layers.zip']);
    expect(await isSame(pictures[0], MP4)).toBe(true);
    expect(await isSame(files[0], MP3)).toBe(true);
    expect(await isSame(files[1], ZIP)).toBe(true);
  });

  it('that is a short text is read in the message itself', async () => {
    const { pictures, files, text } = await outcome('cy', 'caption');
    expect([...pictures, ...files]).toEqual([]);
    expect(text).toContain('```\nA cat on a mat.\nGrün 🐈\n```');
  });

  it('that is a long text is a file, and its beginning is read', async () => {
    const { files, text } = await outcome('dee', 'novel');
    expect(text).toMatch(/```\nIt was a dark night\.[^`]{200,300}…\n```/);
    expect(await fetched(files[0])).toHaveLength(10_500);
  });

  it('that is a hostile text mentions nobody and leaves its block nowhere', async () => {
    const { files, text } = await outcome('eli', 'hostile');
    // Two texts, a fence before and behind each.
    expect(text.match(/```/g)).toHaveLength(4);
    for (const block of text.split('```').filter((_, index) => index % 2 === 0)) expect(block).not.toContain('@');
    expect(text).not.toContain('\u202E');
    expect(text.length).toBeLessThan(4000);
    expect(files).toHaveLength(1);
    expect(await isSame(files[0], RESULTS['hostile']?.[1]?.bytes ?? Buffer.alloc(0))).toBe(true);
  });

  it('that is too large for Discord is said to be, and comes in pieces that are the same video', async () => {
    const person = stage.person('fay');
    const card = await outcome('fay', 'large');
    expect([...card.pictures, ...card.files]).toEqual([]);
    expect(card.text).toMatch(/Wan.*webm has 30\.0 MiB and is too large for Discord here\. It is kept/);
    expect(card.text).not.toMatch(/picture/i);
    const pieces: Buffer[] = [];
    let said = '';
    let button: SeenMessage | undefined = card;
    for (let label = /^Originals$/; button; label = /^Next/) {
      const answer = await person.answer(await person.press(button, label));
      const page = await person.waitForFiles(answer.id);
      expect(page.ephemeral).toBe(true);
      for (const url of page.files) pieces.push(await fetched(url));
      said += page.text;
      button = page.buttons.length > 0 ? page : undefined;
    }
    expect(said).toContain('7-Zip');
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).equals(LARGE)).toBe(true);
  });
});

describe('a result of ComfyUI', () => {
  const WORDS: Workflow = {
    '12': { class_type: 'PreviewAny', inputs: { source: ['13', 0] }, _meta: { title: 'Words' } },
    '13': { class_type: 'PrimitiveStringMultiline', inputs: { value: 'a cat' } },
  };
  /** A film, what it was made from, and words about it. */
  const GRAPH: Workflow = {
    ...WORDS,
    '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
    '2': { class_type: 'CreateVideo', inputs: { images: ['1', 0], fps: 8 } },
    '9': { class_type: 'SaveVideo', inputs: { video: ['2', 0], filename_prefix: 'out' }, _meta: { title: 'Film' } },
    '10': {
      class_type: 'SaveImage',
      inputs: { images: ['1', 0], filename_prefix: 'out' },
      _meta: { title: 'Scratch' },
    },
    '11': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'out' } },
  };
  const about = { description: 'for a test', workflow: { graph: GRAPH } };
  const options = {
    prompt: { kind: 'text', description: 'the words', required: true, parameters: ['13-inputs-value'] },
  } as const;
  const film = {
    ...about,
    name: 'film',
    options,
    outputs: { main: [{ node: 'Film' }, { node: 'Words' }], hidden: [{ node: 'Scratch' }] },
  } satisfies Recipe;
  const words = { ...film, name: 'words', outputs: { main: [] }, workflow: { graph: WORDS } } satisfies Recipe;

  it('is sorted by the nodes that made it, and what nodes show as text is read', async () => {
    const comfyui = await createLocalComfyUI({ drawing: 'flat', pictureScale: 0.2, runMs: 100 });
    const dead = {
      type: 'viewcomfy',
      mode: 'stream',
      url: 'http://127.0.0.1:9/',
      clientId: 'x',
      clientSecret: 'y',
    } as const;
    const dependencies = { clock: systemClock, log: pino({ level: 'silent' }) };
    const backends = [
      await createBackend(dead, dependencies),
      await createThreadedBackend({ type: 'comfyui', urls: [comfyui.url] }, dependencies),
    ];
    const stage = await openStage({
      backend: createFailover(backends, dependencies),
      recipes: [film, words],
    });
    try {
      const ana = stage.person('ana');
      const seen = async (command: string, prompt: string) => {
        const reply = await ana.answer(await ana.call(command, { prompt }));
        return await ana.waitFor(reply.id, / s on ComfyUI/);
      };
      const result = await seen('film', 'a cat ``` @everyone');
      expect(result.pictures).toHaveLength(1);
      expect(result.pictures[0]).toMatch(/out_00001_\.webm/);
      expect(result.text).toContain('```\na cat ˋˋˋ @everyone\n```');
      expect(result.buttons.map(({ label }) => label)).toEqual(['1 other file']);
      const others = await ana.answer(await ana.press(result, /other file/));
      expect((await ana.waitForFiles(others.id)).pictures).toHaveLength(1);
      const alone = await seen('words', 'nothing but words');
      expect(alone.text).toContain('```\nnothing but words\n```');
      expect([...alone.pictures, ...alone.files]).toEqual([]);
    } finally {
      await stage.close();
      await Promise.all(backends.map((backend) => backend.close()));
      await comfyui.close();
    }
  });
});
