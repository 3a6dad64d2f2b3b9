import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createLocalSegmind, type LocalSegmind } from '../../src/playground/segmind/server.ts';
import { eventually } from '../eventually.ts';

const KEY = 'a-key';
const face = await sharp({ create: { width: 120, height: 160, channels: 3, background: '#c03060' } })
  .png()
  .toBuffer();
const pose = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#204080' } })
  .jpeg()
  .toBuffer();
const BODY = {
  face_image: face.toString('base64'),
  pose_image: pose.toString('base64'),
  prompt: 'a pilot in an old forest',
  seed: 5,
};

let local: LocalSegmind;
beforeEach(async () => {
  local = await createLocalSegmind({ apiKey: KEY, runMs: 0, drawing: 'flat', credits: 5 });
});
afterEach(() => local.close());

const ask = (body: unknown, init: RequestInit = {}, url = local.url) =>
  fetch(url, {
    method: 'POST',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...init,
  });
const errorOf = async (response: Response) => [
  response.status,
  z.object({ error: z.string() }).parse(await response.json()).error,
];

describe('the local Segmind', () => {
  test('answers with base64 unless it is asked for bytes, as the page says', async () => {
    const answer = await ask(BODY);
    expect(answer.status).toBe(200);
    const { image } = z.object({ image: z.string() }).parse(await answer.json());
    expect((await sharp(Buffer.from(image, 'base64')).metadata()).format).toBe('png');
    const bytes = await ask({ ...BODY, base_64: false });
    // The mistake of the page's own example.
    expect(bytes.headers.get('content-type')).toBe('image/jpeg');
    expect((await sharp(Buffer.from(await bytes.arrayBuffer())).metadata()).format).toBe('png');
  });

  test('gives the same picture for the same request, and another for another seed', async () => {
    const pictures = [BODY, BODY, { ...BODY, seed: 6 }].map(async (body) => (await ask(body)).text());
    const [first, same, other] = await Promise.all(pictures);
    expect(same).toBe(first);
    expect(other).not.toBe(first);
  });

  test('tells what is left of the credits, and takes one for each picture', async () => {
    expect((await ask(BODY)).headers.get('x-remaining-credits')).toBe('4');
    expect((await ask({ ...BODY, samples: 3 })).headers.get('x-remaining-credits')).toBe('1');
    expect(await errorOf(await ask({ ...BODY, samples: 2 }))).toEqual([406, 'Not enough credits']);
    expect(local.credits).toBe(1);
    expect(local.runs.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded']);
  });

  test.for<[string, () => Promise<Response>, number]>([
    ['another key', () => ask(BODY, { headers: { 'x-api-key': 'no', 'content-type': 'application/json' } }), 401],
    ['another model', () => ask(BODY, {}, local.url.replace('pose', 'hat')), 404],
    ['a GET', () => fetch(local.url), 405],
    ['a form', () => ask(BODY, { headers: { 'x-api-key': KEY, 'content-type': 'text/plain' } }), 400],
  ])('refuses %s', async ([, send, status]) => {
    expect((await errorOf(await send()))[0]).toBe(status);
    expect(local.credits).toBe(5);
  });

  test.for<[string, unknown]>([
    ['face_image', undefined],
    ['face_image', 'https://example.com/a.png'],
    ['face_image', Buffer.from('no picture').toString('base64')],
    ['pose_image', `data:image/png;base64,${BODY.pose_image}`],
    ['prompt', ''],
    ['samples', 5],
    ['quality', 9],
    ['custom_width', 63],
    ['custom_height', 4097],
    ['seed', 1.5],
    ['base_64', 'yes'],
    ['output_format', 'bmp'],
    ['negative_prompt', 'hats'],
  ])('refuses %s that is %s, and says so by name', async ([name, value]) => {
    const [status, error] = await errorOf(await ask({ ...BODY, [name]: value }));
    expect(status).toBe(400);
    expect(error).toContain(name);
    expect(local.runs).toEqual([]);
  });

  test('works no more for a client that has hung up, and keeps the credit', async () => {
    local.next({ ending: 'silence' });
    const controller = new AbortController();
    const answer = ask(BODY, { signal: controller.signal }).catch((error: unknown) => error);
    await eventually(() => expect(local.runs[0]?.outcome).toBe('running'));
    controller.abort();
    await answer;
    await eventually(() => expect(local.runs[0]?.outcome).toBe('left'));
    expect(local.credits).toBe(4);
  });
});

describe('its pictures', () => {
  test.for([
    [{}, 120, 160, 'png'],
    [
      { use_input_img_dimension: false, custom_width: 320, custom_height: 128, output_format: 'webp' },
      320,
      128,
      'webp',
    ],
    [{ use_input_img_dimension: false, custom_width: 64, custom_height: 256, output_format: 'jpeg' }, 64, 256, 'jpeg'],
  ] as const)('of %o are of that size and format, and not of one colour', async ([fields, width, height, format]) => {
    const full = await createLocalSegmind({ apiKey: KEY, runMs: 0 });
    const answer = await ask({ ...BODY, ...fields, base_64: false }, {}, full.url);
    const picture = sharp(Buffer.from(await answer.arrayBuffer()));
    expect(await picture.metadata()).toMatchObject({ width, height, format });
    const { channels } = await picture.stats();
    expect(Math.max(...channels.map(({ stdev }) => stdev))).toBeGreaterThan(10);
    await full.close();
  });
});
