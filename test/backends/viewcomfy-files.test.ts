import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { ViewComfyOptions } from '../../src/backends/viewcomfy.ts';
import { eventually } from '../eventually.ts';
import { collect, expectFiles, failureOf } from './_run.ts';
import type { Reply } from './_service.ts';
import { createBench, output, PIXELS, resultOf, SECRETS, stream, type AnyReply } from './_viewcomfy.ts';

const bench = createBench();

describe('result files by address', () => {
  const stored: Reply = { status: 200, contentType: 'image/png', body: [PIXELS] };

  const half: Reply = { ...stored, headers: { 'content-length': '47' }, body: [PIXELS.subarray(0, 20)], end: 'cut' };
  const broken: Reply = { status: 500, contentType: 'text/plain', body: 'Internal error' };

  async function runWith(filepath: string, options: Partial<ViewComfyOptions> = {}) {
    const service = await bench.serve({
      body: stream(['prompt_result', resultOf([output({ data: undefined, filepath })])]),
    });
    return bench.connect(service.url, options);
  }

  test('are fetched without credentials', async () => {
    const storage = await bench.serve(stored);
    const backend = await runWith(storage.url);
    const [file] = await expectFiles(bench.desk, await collect(backend.run(bench.desk.request)));
    expect(file?.size).toBe(PIXELS.length);
    expect(storage.seen[0]?.method).toBe('GET');
    expect(Object.keys(storage.seen[0]?.headers ?? {})).not.toEqual(expect.arrayContaining(['client_id']));
    expect(JSON.stringify(storage.seen[0]?.headers)).not.toContain(SECRETS[1]);
  });

  test.for([
    'http://example.com/a.png',
    'https://example.com/a.png',
    'https://me:you@bucket.s3.amazonaws.com/a.png',
    'https://amazonaws.com.example.org/a.png',
    'http://localhost:9/a.png',
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
  ])('are not fetched from %s', async (address) => {
    const backend = await runWith(address);
    expect(await failureOf(backend, bench.desk, SECRETS)).toMatchObject({ type: 'unintelligible' });
  });

  test('stop coming when the run is cancelled meanwhile', async () => {
    const storage = await bench.serve({ ...stored, end: 'open' });
    const backend = await runWith(storage.url);
    const failed = failureOf(backend, bench.desk, SECRETS);
    await eventually(() => expect(storage.seen).toHaveLength(1));
    bench.desk.abort();
    expect(await failed).toMatchObject({ type: 'cancelled', billed: 'maybe' });
    await eventually(() => expect(storage.open()).toBe(0));
  });

  test('are not fetched where a redirect leads astray', async () => {
    const storage = await bench.serve({ status: 302, headers: { location: 'http://169.254.169.254/latest' } });
    const backend = await runWith(storage.url);
    expect(await failureOf(backend, bench.desk, SECRETS)).toMatchObject({ type: 'unintelligible' });
  });

  test.for<[string, AnyReply[], string, number]>([
    ['gone', [{ status: 404, contentType: 'application/xml', body: '<Error/>' }], 'cut', 1],
    ['locked', [{ status: 403, contentType: 'application/xml', body: '<Error/>' }], 'cut', 1],
    ['cut every time', [half, half, half, half], 'cut', 4],
    ['never to be had', [broken, broken, broken, broken], 'cut', 4],
    ['larger than we take', [{ ...stored, body: [Buffer.alloc(5000)] }], 'too-large', 1],
    ['of another size', [{ ...stored, body: 'short' }], 'unintelligible', 1],
  ])('that are %s end in an error', async ([, replies, type, times]) => {
    const storage = await bench.serve(...replies);
    const backend = await runWith(storage.url, { maxResultBytes: 4000 });
    expect(await failureOf(backend, bench.desk, SECRETS)).toMatchObject({ type, billed: 'maybe', retryable: false });
    expect(storage.seen).toHaveLength(times);
  });

  test('are asked for again after trouble, and go on where they broke off', async () => {
    const start = PIXELS.subarray(0, 20);
    const etag = '"v1"';
    const storage = await bench.serve(
      broken,
      { ...stored, headers: { 'content-length': '47', etag }, body: [start], end: 'cut' },
      { ...stored, status: 206, headers: { 'content-range': 'bytes 20-46/47', etag }, body: [PIXELS.subarray(20)] },
    );
    const backend = await runWith(storage.url);
    const [file] = await expectFiles(bench.desk, await collect(backend.run(bench.desk.request)));
    expect((await readFile(file?.path ?? '')).equals(PIXELS)).toBe(true);
    expect(storage.seen.map(({ headers }) => [headers.range, headers['if-range']])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
      ['bytes=20-', etag],
    ]);
  });

  test('are read from their start again where a part cannot be had', async () => {
    const storage = await bench.serve(half, { ...half, status: 503 }, stored);
    const backend = await runWith(storage.url);
    const [file] = await expectFiles(bench.desk, await collect(backend.run(bench.desk.request)));
    expect((await readFile(file?.path ?? '')).equals(PIXELS)).toBe(true);
  });

  test('that are another file the second time are no file', async () => {
    const storage = await bench.serve(
      { ...half, headers: { ...half.headers, etag: '"a"' } },
      { ...stored, headers: { etag: '"b"' } },
    );
    expect(await failureOf(await runWith(storage.url), bench.desk, SECRETS)).toMatchObject({ type: 'cut' });
  });
});
