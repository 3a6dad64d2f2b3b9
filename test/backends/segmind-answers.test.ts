import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import type { SegmindOptions } from '../../src/backends/segmind.ts';
import { createThreadedBackend } from '../../src/backends/thread.ts';
import { systemClock } from '../../src/clock.ts';
import type { BackendError } from '../../src/errors.ts';
import { eventually } from '../eventually.ts';
import { collect, expectFiles, failureOf } from './_run.ts';
import { API_KEY, createBench, filesOf, warningsOf } from './_segmind.ts';
import type { Reply } from './_service.ts';

const bench = createBench();

const pictureOf = (background: string) => sharp({ create: { width: 40, height: 30, channels: 3, background } });
const PNG = await pictureOf('#123456').png().toBuffer();
const JPEG = await pictureOf('#654321').jpeg().toBuffer();
const WEBP = await pictureOf('#aabbcc').webp().toBuffer();
const [png64, jpeg64] = [PNG, JPEG].map((bytes) => bytes.toString('base64'));

const text = (body: string, contentType = 'text/plain'): Reply => ({ contentType, body: [body] });
const json = (value: unknown): Reply => text(JSON.stringify(value), 'application/json');

async function filesFrom(reply: Reply, options: Partial<SegmindOptions> = {}) {
  const service = await bench.serve(reply);
  const events = await collect(bench.connect(service.url, options).run(bench.ask()));
  const files = await expectFiles(bench.desk, events);
  return Promise.all(
    files.map(async ({ name, mediaType, path }) => ({ name, mediaType, bytes: await readFile(path) })),
  );
}

async function failureFrom(reply: Reply, options: Partial<SegmindOptions> = {}): Promise<BackendError> {
  const service = await bench.serve(reply);
  const error = await failureOf(bench.connect(service.url, options), bench.desk, [API_KEY], bench.ask());
  expect(service.seen).toHaveLength(1);
  return error;
}

describe('an answer of bytes', () => {
  test.for([
    ['png', PNG, 'image/jpeg', 'Image_1.png'],
    ['jpeg', JPEG, 'image/png', 'Image_1.jpg'],
    ['webp', WEBP, 'application/octet-stream', 'Image_1.webp'],
    ['png', PNG, 'application/json', 'Image_1.png'],
  ] as const)('is the %s that it is, whatever its header says', async ([format, bytes, contentType, name]) => {
    // In pieces that end inside the first bytes.
    const body = [bytes.subarray(0, 3), bytes.subarray(3, 9), bytes.subarray(9)];
    expect(await filesFrom({ contentType, body })).toEqual([{ name, mediaType: `image/${format}`, bytes }]);
  });

  test('is kept out of memory: what is larger than we take ends at once', async () => {
    const body = [PNG, Buffer.alloc(2_000_000), new Promise<never>(() => {})];
    expect(await failureFrom({ contentType: 'image/png', body }, { maxResultBytes: 1_000_000 })).toMatchObject({
      type: 'too-large',
      billed: 'maybe',
    });
  });

  test('that breaks off is a cut, and is not asked for again', async () => {
    expect(
      await failureFrom({ contentType: 'image/png', body: [PNG], headers: { 'content-length': '99999' }, end: 'cut' }),
    ).toMatchObject({ type: 'cut', billed: 'maybe', retryable: false });
  });
});

describe('an answer of base64', () => {
  const one = { name: 'Image_1.png', mediaType: 'image/png', bytes: PNG };
  const two = [
    { ...one, name: 'Image_1_1.png' },
    { name: 'Image_1_2.jpg', mediaType: 'image/jpeg', bytes: JPEG },
  ];

  test.for<[string, Reply, readonly object[]]>([
    ['a bare string', json(png64), [one]],
    ['a bare string without quotes', text(png64 ?? ''), [one]],
    ['the same with white space around', text(`\n ${png64}\n\n`), [one]],
    ['{image}', json({ image: png64 }), [one]],
    ['{images} of one', json({ images: [png64] }), [one]],
    ['{images} of several', json({ seed: 5, images: [png64, jpeg64], more: { images: ['no'], image: 'no' } }), two],
    ['a data: URL', json(`data:image/png;base64,${png64}`), [one]],
    ['a data: URL without quotes', text(`data:image/png;base64,${png64}`), [one]],
    ['data: URLs in {images}', json({ images: [`data:image/png;base64,${png64}`, `data:;base64,${jpeg64}`] }), two],
    ['escaped slashes', text(JSON.stringify({ image: png64 }).replaceAll('/', '\\/')), [one]],
    ['base64 under the name of a picture', { ...json({ image: png64 }), contentType: 'image/jpeg' }, [one]],
  ])('is read as %s', async ([, reply, files]) => {
    expect(await filesFrom(reply, { values: { samples: Math.max(1, files.length) } })).toEqual(files);
  });

  test('with fewer pictures than were asked for says so', async () => {
    const local = await bench.local();
    local.next({ count: 2 });
    const events = await collect(bench.connect(local.url, { values: { samples: 4 } }).run(bench.ask()));
    expect(filesOf(events)).toHaveLength(2);
    expect(warningsOf(events)).toContainEqual(expect.stringContaining('2 of the 4 pictures'));
  });

  test.for<[string, Reply, Partial<BackendError>]>([
    ['nothing', { body: [] }, { type: 'failed', detail: 'no pictures' }],
    ['an empty list', json({ images: [] }), { type: 'failed', detail: 'no pictures' }],
    ['null', json({ image: null }), { type: 'failed', detail: 'no pictures' }],
    ['an error', json({ error: `no face in the picture of ${API_KEY}` }), { type: 'failed' }],
    ['base64 of no picture', json({ image: 'aGVsbG8gd29ybGQ=' }), { type: 'unintelligible' }],
    ['an empty string', json({ image: '' }), { type: 'unintelligible' }],
    ['no base64', json({ image: 'https://example.com/a.png' }), { type: 'unintelligible' }],
    ['words', text('Everything is fine'), { type: 'unintelligible' }],
    ['a page', text('<html>It works!</html>', 'text/html'), { type: 'unintelligible' }],
    ['base64 with a gap', text(`${png64} ${png64}`), { type: 'unintelligible' }],
    ['half an object', text(`{"image":"${png64}"`), { type: 'cut' }],
    ['half a string', text(`{"image":"${png64}`), { type: 'cut' }],
    ['no JSON', text('{"image":}'), { type: 'unintelligible' }],
    ['a list', json([png64]), { type: 'unintelligible' }],
  ])('of %s is an error', async ([, reply, fields]) => {
    expect(await failureFrom(reply)).toMatchObject({ billed: 'maybe', retryable: false, ...fields });
  });

  test('of an unknown form is told by its keys, and never by what is in them', async () => {
    const error = await failureFrom(json({ output: png64, request_id: 'the-request', image_b64: [jpeg64] }));
    expect(error).toMatchObject({
      type: 'unintelligible',
      detail: 'an answer with output, request_id, image_b64 and no picture',
    });
    expect(`${error.message}${error.detail}${String(error.cause)}`).not.toMatch(/the-request|iVBOR/);
  });
});

describe('a status that is no success', () => {
  const error = (text: string) => JSON.stringify({ error: text });

  test.for<[number, string, Partial<BackendError>]>([
    [401, error('User authentication failed'), { type: 'refused', billed: 'no', detail: 'User authentication failed' }],
    [401, '', { type: 'refused', billed: 'no', detail: 'it does not know the API key' }],
    [404, '<html>Not Found</html>', { type: 'refused', billed: 'no', detail: 'it does not know the model' }],
    [405, '', { type: 'refused', billed: 'no', detail: 'the address takes no such requests' }],
    [406, '', { type: 'refused', billed: 'no', detail: 'the account has not enough credits' }],
    [406, error('Not enough credits'), { type: 'refused', billed: 'no', detail: 'Not enough credits' }],
    [400, error('prompt: too long'), { type: 'invalid', billed: 'no', parameters: ['594-inputs-string'] }],
    [500, error('Server error'), { type: 'failed', billed: 'maybe', detail: 'Server error' }],
    [500, 'Internal Server Error', { type: 'failed', billed: 'maybe', detail: 'Internal Server Error' }],
    [502, '<html>Bad Gateway</html>', { type: 'cut', billed: 'maybe' }],
    [504, '', { type: 'timeout', billed: 'maybe' }],
  ])('%i %s', async ([status, body, fields]) => {
    expect(await failureFrom({ status, contentType: 'text/plain', body: [body] })).toMatchObject({
      status,
      retryable: false,
      ...fields,
    });
  });

  test('a redirect never takes the key to another server', async () => {
    const other = await bench.serve(json({ image: png64 }));
    expect(await failureFrom({ status: 307, headers: { location: other.url } })).toMatchObject({ type: 'refused' });
    expect(other.seen).toEqual([]);
  });

  test('the key is in no line of the log', async () => {
    await failureFrom({ status: 401, body: [error(`The key ${API_KEY} is not known`)] });
    expect(JSON.stringify(bench.logged)).not.toContain(API_KEY);
  });
});

describe('requests after the first', () => {
  const scenes = { '436-inputs-string': 'in a city', '443-inputs-string': 'on a stage' };
  const picture: Reply = { contentType: 'image/png', body: [PNG] };

  async function runWith(...replies: Reply[]) {
    const service = await bench.serve(...replies);
    const backend = bench.connect(service.url, { requestsPerJob: 4, idleTimeoutMs: 20_000 });
    return { service, events: await collect(backend.run(bench.ask(scenes))) };
  }

  test.for<[string, Reply, RegExp]>([
    [
      'credits',
      { status: 406, body: ['{"error":"Not enough credits"}'] },
      /1 of the 3 scenes.*failed\. It said: Not enough/,
    ],
    [
      'luck',
      { status: 500, body: ['{"error":"Server error"}'] },
      /1 of the 3 scenes.*paid for\. It said: Server error/,
    ],
    ['time', { ...picture, body: [], end: 'open' }, /1 of the 3 scenes.*paid for\.$/],
    [
      'a connection',
      { ...picture, body: [PNG], headers: { 'content-length': '9999' }, end: 'cut' },
      /1 of the 3 scenes/,
    ],
  ])('that end for want of %s leave what has been paid for, and nothing more is bought', async ([, reply, words]) => {
    const { service, events } = await runWith(picture, reply, picture);
    expect(service.seen).toHaveLength(2);
    expect((await expectFiles(bench.desk, events)).map(({ name }) => name)).toEqual(['Image_1.png']);
    expect(warningsOf(events).at(-1)).toMatch(words);
  });

  test('are not begun once the job is cancelled, and leave nothing behind', async () => {
    const service = await bench.serve(picture, { ...picture, body: [], end: 'open' }, picture);
    const failed = failureOf(
      bench.connect(service.url, { requestsPerJob: 4 }),
      bench.desk,
      [API_KEY],
      bench.ask(scenes),
    );
    await eventually(() => expect(service.seen).toHaveLength(2));
    bench.desk.abort();
    expect(await failed).toMatchObject({ type: 'cancelled', billed: 'maybe' });
    expect(service.seen).toHaveLength(2);
    await eventually(() => expect(service.open()).toBe(0));
  });
});

describe('credits', () => {
  test('are known after an answer, and a warning below what is wanted', async () => {
    const local = await bench.local({ credits: 11 });
    const backend = bench.connect(local.url, { warnBelowCredits: 10 });
    expect(backend.account()).toEqual({ credits: undefined, at: undefined, low: false });
    await collect(backend.run(bench.ask()));
    expect(backend.account()).toMatchObject({ credits: 10, low: false });
    expect(backend.health?.()).toEqual([{ name: 'Segmind', state: 'up', detail: '10 credits are left' }]);
    expect(bench.logged.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  test('are known outside the thread as well', async () => {
    const local = await bench.local({ credits: 11 });
    const threaded = await createThreadedBackend(
      { type: 'segmind', apiKey: API_KEY, url: local.url },
      { clock: systemClock, log: { debug() {}, warn() {} } },
    );
    expect(threaded.health?.()).toEqual([{ name: 'Segmind', state: 'up' }]);
    await collect(threaded.run(bench.ask()));
    await eventually(() => expect(threaded.health?.()).toMatchObject([{ detail: '10 credits are left' }]));
    await threaded.close();
  });

  test('that run out are a warning for the operator and nobody else', async () => {
    const local = await bench.local({ credits: 2 });
    const backend = bench.connect(local.url, { warnBelowCredits: 10 });
    const events = await collect(backend.run(bench.ask()));
    expect(backend.account()).toMatchObject({ credits: 1, low: true });
    expect(bench.logged.filter(({ level }) => level === 'warn')).toEqual([
      { level: 'warn', text: expect.stringMatching(/running out.*"credits":1/) },
    ]);
    expect(JSON.stringify(events)).not.toContain('credits');
  });

  test('that are not enough are known although no answer tells how many there are', async () => {
    const local = await bench.local({ credits: 0 });
    const backend = bench.connect(local.url);
    const error = await failureOf(backend, bench.desk, [API_KEY], bench.ask());
    expect(error).toMatchObject({ type: 'refused', billed: 'no', status: 406 });
    expect(backend.account()).toMatchObject({ credits: undefined, low: true });
  });

  test.for(['', 'many', null])('that are told as %o are not known', async (creditsHeader) => {
    const local = await bench.local();
    local.next({ creditsHeader });
    const backend = bench.connect(local.url, { warnBelowCredits: 10 });
    await collect(backend.run(bench.ask()));
    expect(backend.account()).toMatchObject({ credits: undefined, low: false });
  });
});
