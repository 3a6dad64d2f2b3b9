import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import character from '../../commands/character.ts';
import type { SegmindOptions } from '../../src/backends/segmind.ts';
import { createBody } from '../../src/backends/segmind/body.ts';
import type { BackendError } from '../../src/errors.ts';
import { completeAnswers, fill, labelsOf, sortOutputs } from '../../src/recipes/recipe.ts';
import { collect, failureOf } from './_run.ts';
import { API_KEY, createBench, filesOf, warningsOf } from './_segmind.ts';

const bench = createBench();

const Body = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const PNG = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1');
const picture = { contentType: 'image/jpeg', body: [PNG] };
const SCENES = {
  '426-inputs-string': 'in a forest.',
  '436-inputs-string': 'in a city',
  '443-inputs-string': ' ',
  '458-inputs-string': 'in a desert',
};

async function run(changes: Record<string, string | number | boolean> = {}, options: Partial<SegmindOptions> = {}) {
  const service = await bench.serve(picture, picture, picture, picture);
  const events = await collect(bench.connect(service.url, options).run(bench.ask(changes)));
  return { events, service, bodies: service.seen.map(({ body }) => Body.parse(JSON.parse(body.toString()))) };
}

describe('what Segmind is sent', () => {
  test('is the key, the two pictures as base64 of their bytes, the words in one prompt, and the seed', async () => {
    const { service, bodies } = await run();
    const [seen] = service.seen;
    expect(seen?.method).toBe('POST');
    expect(seen?.headers).toMatchObject({ 'x-api-key': API_KEY, 'content-type': 'application/json' });
    expect(seen?.headers['content-length']).toBe(String(seen?.body.length));
    const { files } = bench.ask();
    const [face, pose] = await Promise.all(
      ['626-inputs-image', '625-inputs-image'].map((key) => readFile(files[key]?.path ?? '', 'base64')),
    );
    expect(bodies).toEqual([
      {
        face_image: face,
        pose_image: pose,
        prompt: 'a woman with grüne eyes 🎭, in an old forest, a natural photograph',
        base_64: false,
        samples: 1,
        seed: 7,
      },
    ]);
  });

  test.for([1, 2, 3, 196_607, 196_608, 196_609, 1_000_000])('is exact for pictures of %i bytes', async (size) => {
    const bytes = Buffer.alloc(size, 'the bytes of a picture');
    const path = join(bench.desk.request.folder, '..', 'large.png');
    await writeFile(path, bytes);
    const service = await bench.serve(picture);
    const asked = bench.ask();
    const files = { ...asked.files, '626-inputs-image': { name: 'large.png', mediaType: 'image/png', path, size } };
    await collect(bench.connect(service.url).run({ ...asked, files }));
    const body = Body.parse(JSON.parse(service.seen[0]?.body.toString() ?? ''));
    expect(Buffer.from(String(body['face_image']), 'base64').equals(bytes)).toBe(true);
    expect(String(body['face_image'])).toHaveLength(4 * Math.ceil(size / 3));
  });

  test('is as much of a file as was announced, though it grows meanwhile', async () => {
    const path = join(bench.desk.request.folder, '..', 'growing.png');
    await writeFile(path, Buffer.alloc(400_000, 1));
    const order = { name: 'a', samples: 1, attributes: { prompt: 'a pilot' } };
    const body = await createBody({ face: { path }, pose: { path } }, order);
    await appendFile(path, Buffer.alloc(400_000, 2));
    const sent = Buffer.concat(await Array.fromAsync(body.body()));
    expect(sent).toHaveLength(body.contentLength);
    const { face_image: face } = Body.parse(JSON.parse(sent.toString()));
    expect(Buffer.from(String(face), 'base64').equals(Buffer.alloc(400_000, 1))).toBe(true);
  });

  test('is a new seed each time where none was answered', async () => {
    const service = await bench.serve(picture, picture);
    const backend = bench.connect(service.url, { attributes: { ...KEYS, seed: [] } });
    const seeds = new Set<unknown>();
    for (let runs = 0; runs < 2; runs += 1) {
      await collect(backend.run(bench.ask()));
      seeds.add(Body.parse(JSON.parse(service.seen[runs]?.body.toString() ?? ''))['seed']);
    }
    expect(seeds.size).toBe(2);
    expect(seeds.has(2_778_725_438)).toBe(false);
  });

  test('has the values that are the same for every job, and those of its own parameters before them', async () => {
    const values = { samples: 1, output_format: 'webp', quality: 80, custom_width: 768, custom_height: 1152 } as const;
    const attributes = { ...KEYS, quality: ['7-inputs-quality'] };
    const { bodies } = await run({ '7-inputs-quality': 60 }, { values, attributes });
    expect(bodies[0]).toMatchObject({ ...values, quality: 60, use_input_img_dimension: false });
  });

  test('asks for base64 only where there is more than one picture, which bytes cannot hold', async () => {
    const local = await bench.local();
    for (const samples of [1, 2, 4]) {
      const events = await collect(bench.connect(local.url, { values: { samples } }).run(bench.ask()));
      expect(filesOf(events)).toHaveLength(samples);
    }
    expect(local.runs.map(({ wish }) => wish.base64)).toEqual([false, true, true]);
  });
});

const KEYS = {
  face_image: ['626-inputs-image'],
  pose_image: ['625-inputs-image'],
  prompt: ['594-inputs-string'],
  seed: ['499-inputs-noise_seed'],
};

describe('several scenes', () => {
  test('are one request and a warning, unless more are allowed', async () => {
    const { bodies, events } = await run(SCENES);
    expect(bodies.map(({ prompt }) => prompt)).toEqual([
      'a woman with grüne eyes 🎭, in a forest, a natural photograph',
    ]);
    expect(warningsOf(events)).toContainEqual(expect.stringContaining('Only 1 of the 3 scenes'));
  });

  test('are as many requests as are allowed, one after the other, and tell how far they are', async () => {
    const { bodies, events } = await run(SCENES, { requestsPerJob: 2 });
    expect(bodies.map(({ prompt }) => prompt)).toEqual([
      expect.stringContaining('in a forest'),
      expect.stringContaining('in a city'),
    ]);
    expect(bodies.map(({ seed }) => seed)).toEqual([7, 7]);
    expect(events.filter(({ type }) => type === 'progress-changed')).toEqual([
      { type: 'progress-changed', done: 1, total: 2 },
      { type: 'progress-changed', done: 2, total: 2 },
    ]);
    expect(filesOf(events).map(({ name }) => name)).toEqual(['Image_1.png', 'Image_2.png']);
  });

  test('that are all allowed give no warning, and files that the recipe finds', async () => {
    const { events } = await run(SCENES, { requestsPerJob: 4, poseSheets: [] });
    expect(warningsOf(events)).toEqual([]);
    const names = filesOf(events).map(({ name }) => name);
    expect(names).toEqual(['Image_1.png', 'Image_2.png', 'Image_3.png']);
    const sorted = sortOutputs(character, filesOf(events));
    expect(sorted.main.map(({ name }) => name)).toEqual(names);
    expect(sorted.extra).toEqual([]);
  });
});

describe('what Segmind cannot do', () => {
  test('is told for everything that commands/character.ts asks', async () => {
    const { '626-inputs-image': face } = bench.ask().files;
    const given = { prompt: 'a pilot', character: face };
    const answers = completeAnswers(
      character,
      given,
      () => 5,
      (location) => ({ name: 'character-pose.png', mediaType: 'image/png', path: location.pathname, size: 1 }),
    );
    const service = await bench.serve(picture);
    const events = await collect(
      bench.connect(service.url).run({
        ...bench.desk.request,
        ...fill(character, answers),
        labels: labelsOf(character),
      }),
    );
    expect(warningsOf(events)).toEqual([
      expect.stringContaining('1 of the 4 scenes'),
      expect.stringContaining('pose sheet'),
      expect.stringMatching(/left out: upscale\.$/),
    ]);
  });

  test('includes a workflow, and parameters that nobody has a name for', async () => {
    const service = await bench.serve(picture);
    const asked = { ...bench.ask({ '9-inputs-steps': 4 }), workflow: {} };
    const warnings = warningsOf(await collect(bench.connect(service.url).run(asked)));
    expect(warnings).toContainEqual(expect.stringContaining('9-inputs-steps'));
    expect(warnings).toContainEqual(expect.stringContaining('not the workflow'));
  });

  test('includes films, sounds and masks, which are called as their options are', async () => {
    const { '626-inputs-image': file } = bench.ask().files;
    if (!file) throw new Error('no file');
    const service = await bench.serve(picture);
    const asked = bench.ask();
    const events = await collect(
      bench.connect(service.url).run({
        ...asked,
        files: { ...asked.files, '7-inputs-video': file, '8-inputs-audio': file, '9-inputs-image': file },
        labels: { '7-inputs-video': 'dance', '8-inputs-audio': 'music', '9-inputs-image': 'mask' },
      }),
    );
    expect(warningsOf(events)).toContainEqual(expect.stringMatching(/left out: dance, music, mask\.$/));
  });

  test('a pose sheet gives way to a picture of one pose where there is one, and says so', async () => {
    const { '626-inputs-image': face } = bench.ask().files;
    const { bodies, events } = await run({}, { posePicture: face?.path ?? '' });
    expect(bodies[0]?.['pose_image']).toBe(await readFile(face?.path ?? '', 'base64'));
    expect(warningsOf(events)).toEqual([expect.stringContaining('is used instead')]);
  });
});

describe('nothing is sent', () => {
  test.for<[string, number | string | boolean, string]>([
    ['samples', 5, 'from 1 to 4'],
    ['samples', 0, 'from 1 to 4'],
    ['samples', '2', 'from 1 to 4'],
    ['samples', 1.5, 'from 1 to 4'],
    ['custom_width', 63, 'from 64 to 4096'],
    ['custom_width', 4097, 'from 64 to 4096'],
    ['custom_height', Number.NaN, 'from 64 to 4096'],
    ['quality', 9, 'from 10 to 100'],
    ['quality', 101, 'from 10 to 100'],
    ['seed', -1, 'from 0'],
    ['seed', 2 ** 53, 'from 0'],
    ['output_format', 'gif', 'png, jpeg or webp'],
    ['use_input_img_dimension', 'yes', 'true or false'],
  ])('where %s is %s', async ([name, value, words]) => {
    const service = await bench.serve();
    const backend = bench.connect(service.url, { attributes: { ...KEYS, [name]: ['7-inputs-x'] } });
    const error = await failureOf(backend, bench.desk, [API_KEY], bench.ask({ '7-inputs-x': value }));
    expect(error).toMatchObject({ type: 'invalid', billed: 'no', retryable: false, parameters: ['7-inputs-x'] });
    expect(error.detail).toContain(`${name} must be`);
    expect(error.detail).toContain(words);
    expect(service.seen).toEqual([]);
  });

  test.for<[string, (asked: ReturnType<typeof bench.ask>) => Partial<typeof asked>, Partial<BackendError>]>([
    [
      'there is no face',
      ({ files }) => ({ files: without(files, '626-inputs-image') }),
      { parameters: ['626-inputs-image'] },
    ],
    [
      'there is no pose',
      ({ files }) => ({ files: without(files, '625-inputs-image') }),
      { parameters: ['625-inputs-image'] },
    ],
    [
      'it is for another recipe, whose picture has another key',
      ({ files: { '626-inputs-image': file } }) => ({ files: file ? { '9-inputs-image': file } : {} }),
      { detail: 'a picture of the character is needed' },
    ],
    [
      'there are no words',
      () => ({ parameters: { '499-inputs-noise_seed': 1 } }),
      { parameters: ['594-inputs-string'] },
    ],
    [
      'a picture is gone',
      ({ files }) => ({
        files: {
          ...files,
          '626-inputs-image': { name: 'a.png', mediaType: 'image/png', path: '/nowhere/a.png', size: 1 },
        },
      }),
      { detail: 'a picture to be sent cannot be read' },
    ],
  ])('where %s', async ([, change, fields]) => {
    const service = await bench.serve();
    const asked = bench.ask();
    const error = await failureOf(bench.connect(service.url), bench.desk, [API_KEY], { ...asked, ...change(asked) });
    expect(error).toMatchObject({ type: 'invalid', billed: 'no', ...fields });
    expect(service.seen).toEqual([]);
  });

  test.for<Partial<SegmindOptions>>([
    { apiKey: '' },
    { apiKey: 'a key' },
    { requestsPerJob: 0 },
    { requestsPerJob: 1.5 },
    { values: { samples: 5 } },
    { values: { output_format: 'bmp' } },
  ])('by a backend with %o, which is not made at all', (options) => {
    expect(() => bench.connect('http://127.0.0.1:9', options)).toThrow(RangeError);
  });
});

function without<T>(files: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(files).filter(([name]) => name !== key));
}
