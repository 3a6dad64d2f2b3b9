import { once } from 'node:events';
import { Busboy } from '@fastify/busboy';
import { describe, expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { createManualClock } from '../manual-clock.ts';
import { collect, createDesk, expectFiles, failureOf } from './_run.ts';
import { createBench, resultOf, SECRETS, stream } from './_viewcomfy.ts';

const bench = createBench();

describe('what is sent', () => {
  test('one form: the file under its key, the parameters as JSON, logs switched on', async () => {
    const service = await bench.serve({ body: stream(['prompt_result', resultOf()]) });
    await collect(bench.connect(service.url).run(bench.desk.request));
    const [{ method, url, headers, body } = { method: '', url: '', headers: {}, body: Buffer.alloc(0) }] = service.seen;
    expect([method, url]).toEqual(['POST', '/infer']);
    expect(headers).toMatchObject({ client_id: SECRETS[0], client_secret: SECRETS[1] });
    expect(headers['content-length']).toBe(String(body.length));

    const parts: [string, unknown][] = [];
    const parser = new Busboy({ headers: { 'content-type': headers['content-type'] ?? '' } });
    parser.on('field', (name, value) => parts.push([name, value]));
    parser.on('file', (name, file, fileName, _, mediaType) => {
      const chunks: Buffer[] = [];
      file.on('data', (chunk: Buffer) => chunks.push(chunk));
      file.on('end', () => parts.push([name, [fileName, mediaType, Buffer.concat(chunks).equals(bench.desk.sent)]]));
    });
    parser.end(body);
    await once(parser, 'finish');
    expect(new Map(parts)).toEqual(
      new Map<string, unknown>([
        ['626-inputs-image', ['character.png', 'image/png', true]],
        ['params', JSON.stringify(bench.desk.request.parameters)],
        ['logs', 'true'],
      ]),
    );
    expect(parts).toHaveLength(3);
  });

  test('a run that has nothing to say sends a value that its workflow has anyway: there is no run without parameters', async () => {
    const service = await bench.serve({ body: stream(['prompt_result', resultOf()]) });
    const graph = { '3': { class_type: 'A', inputs: { seed: 2 ** 60, from: ['1', 0], mode: 'soft' } } };
    const request = { ...bench.desk.request, parameters: {}, files: {}, workflow: graph };
    await collect(bench.connect(service.url).run(request));
    expect(service.seen[0]?.body.toString()).toContain('name="params"\r\n\r\n{"3-inputs-mode":"soft"}\r\n');
  });

  test.for<[string, object]>([
    ['Infinity', { '5-inputs-x': Number.POSITIVE_INFINITY }],
    ['NaN', { '5-inputs-x': Number.NaN }],
    ['an integer that JSON readers round', { '5-inputs-x': 2 ** 53 }],
    ['a seed below what is exact', { '5-inputs-x': -(2 ** 53) }],
    ['a BigInt', { '5-inputs-x': 1n }],
    ['a Buffer', { '5-inputs-x': Buffer.from('x') }],
    ['a Blob', { '5-inputs-x': new Blob(['x']) }],
    ['a function', { '5-inputs-x': () => 'x' }],
    ['null', { '5-inputs-x': null }],
    ['undefined', { '5-inputs-x': undefined }],
    ['a key of no parameter', { logs: 'false' }],
  ])('a parameter that would arrive as something else is not sent: %s', async ([, wrong]) => {
    const service = await bench.serve();
    const parameters = { '594-inputs-string': 'x', ...wrong };
    const error = await failureOf(bench.connect(service.url), bench.desk, SECRETS, {
      ...bench.desk.request,
      parameters,
    });
    expect(error).toMatchObject({ type: 'invalid', billed: 'no', parameters: Object.keys(wrong) });
    expect(service.seen).toHaveLength(0);
  });

  test('a run of files alone sends the name of one as its parameter, and a run of nothing is not sent', async () => {
    const service = await bench.serve({ body: stream(['prompt_result', resultOf()]) });
    const backend = bench.connect(service.url);
    await collect(backend.run({ ...bench.desk.request, parameters: {} }));
    expect(service.seen[0]?.body.toString('latin1')).toContain('\r\n\r\n{"626-inputs-image":"character.png"}\r\n');
    const other = await createDesk();
    const nothing = { ...other.request, parameters: {}, files: {} };
    const error = await failureOf(bench.connect(service.url), other, SECRETS, nothing);
    expect(error).toMatchObject({ type: 'invalid', billed: 'no' });
    expect(service.seen).toHaveLength(1);
    await other.clear();
  });

  test('a file cannot pass for a field of the form', async () => {
    const service = await bench.serve();
    const files = { params: { name: 'a', mediaType: 'a/b', path: '/nowhere', size: 1 } };
    const request = { ...bench.desk.request, files };
    expect(await failureOf(bench.connect(service.url), bench.desk, SECRETS, request)).toMatchObject({
      type: 'invalid',
    });
    expect(service.seen).toHaveLength(0);
  });

  test.for(['stream', 'poll'] as const)('a workflow of the run goes with it (%s)', async (mode) => {
    const service = await bench.serve({ status: 401, contentType: 'text/plain', body: '' });
    const workflow = { '5': { class_type: 'PreviewImage', inputs: { images: ['4', 0] } } };
    const backend = bench.connect(service.url, { mode, apiUrl: service.url });
    await failureOf(backend, bench.desk, SECRETS, { ...bench.desk.request, workflow });
    expect(service.seen[0]?.body.toString('latin1')).toContain(
      `name="workflow_api"\r\n\r\n${JSON.stringify(workflow)}\r\n`,
    );
  });

  test('credentials in the address are a login, and told nowhere', async () => {
    const service = await bench.serve({ status: 500, contentType: 'text/plain', body: 'bad pass-word for me%40home' });
    const backend = bench.connect(service.url.replace('//', '//me%40home:pass-word@'));
    const error = await failureOf(backend, bench.desk, [...SECRETS, 'pass-word', 'me%40home']);
    expect(error.detail).toBe('bad [hidden] for [hidden]');
    expect(service.seen[0]?.headers.authorization).toBe(`Basic ${btoa('me@home:pass-word')}`);
    expect(service.seen[0]?.url).toBe('/infer');
  });
});

describe('what the deployment refuses', () => {
  test.for([
    [400, 'invalid', 'no', false],
    [401, 'refused', 'no', false],
    [403, 'refused', 'no', false],
    [404, 'refused', 'no', false],
    [413, 'invalid', 'no', false],
    [422, 'invalid', 'no', false],
    [429, 'refused', 'no', true],
    [500, 'failed', 'maybe', false],
    [502, 'cut', 'maybe', false],
    [503, 'cut', 'maybe', false],
    [504, 'timeout', 'maybe', false],
  ] as const)('HTTP %i is %s', async ([status, type, billed, retryable]) => {
    const body = 'modal-http: https://internal.example/x said no to the-client-secret at /srv/app/main.py\nline two';
    const error = await bench.failureWith({ status, contentType: 'text/plain', body });
    expect(error).toMatchObject({ type, billed, retryable });
    expect(error.detail).toBe('modal-http: [address] said no to [hidden] at …/main.py line two');
  });

  test.for([
    [429, '7'],
    [503, '20'],
    [503, new Date(0).toUTCString()],
  ] as const)('HTTP %i with a time to come back is sent again, as it was: %s', async ([status, retryAfter]) => {
    const busy = { status, contentType: 'text/plain', body: 'Busy', headers: { 'retry-after': retryAfter } };
    const service = await bench.serve(busy, busy, busy, { body: stream(['prompt_result', resultOf()]) });
    await expectFiles(bench.desk, await collect(bench.connect(service.url).run(bench.desk.request)));
    expect(service.seen.map(({ body }) => body.equals(service.seen[0]?.body ?? Buffer.alloc(0)))).toEqual(
      service.seen.map(() => true),
    );
    expect(service.seen).toHaveLength(4);
  });

  test('a time to come back that is too far, or too often, is told', async () => {
    const busy = (seconds: string) => ({
      status: 503,
      contentType: 'text/plain',
      body: 'Busy',
      headers: { 'retry-after': seconds },
    });
    const told = { type: 'unreachable', retryable: true, billed: 'no' };
    expect(await bench.failureWith(busy('121'))).toMatchObject({ ...told, retryAfterMs: 121_000 });
    expect(await bench.failureWith(busy('1'), busy('1'), busy('1'), busy('9'))).toMatchObject({
      ...told,
      retryAfterMs: 9000,
    });
    const service = await bench.serve(busy('60'));
    const hurried = bench.connect(service.url, { totalTimeoutMs: 50_000 });
    expect(await failureOf(hurried, bench.desk, SECRETS)).toMatchObject({ ...told, retryAfterMs: 60_000 });
  });

  test('a wait that is cancelled has cost nothing', async () => {
    const clock = createManualClock();
    const service = await bench.serve({ status: 429, contentType: 'text/plain', headers: { 'retry-after': '100' } });
    const failed = failureOf(bench.connect(service.url, {}, clock), bench.desk, SECRETS);
    await eventually(() => expect(clock.pending()).toBe(3));
    bench.desk.abort();
    expect(await failed).toMatchObject({ type: 'cancelled', billed: 'no' });
    expect(clock.pending()).toBe(0);
  });

  test('a page for browsers has no words for people', async () => {
    const error = await bench.failureWith({
      status: 502,
      contentType: 'text/html',
      body: '<html><h1>Bad gateway</h1></html>',
    });
    expect(error.detail).toBeUndefined();
  });

  test('several complaints are told together, by parameter', async () => {
    const detail = [
      { type: 'a', loc: ['body', 'params', '82-inputs-upscale_by'], msg: 'Input should be at most 4' },
      { type: 'b', loc: ['body', '626-inputs-image'], msg: 'Field required' },
    ];
    const error = await bench.failureWith({
      status: 422,
      contentType: 'application/json',
      body: JSON.stringify({ detail }),
    });
    expect(error.detail).toBe('82-inputs-upscale_by: Input should be at most 4; 626-inputs-image: Field required');
    expect(error.parameters).toEqual(['82-inputs-upscale_by', '626-inputs-image']);
  });
});

describe('redirects', () => {
  const toResult = { status: 303, headers: { location: '/infer?__modal_function_call_id=fc-1' } };

  test('303 is followed with GET and the secrets, more often than any library does', async () => {
    const service = await bench.serve(...Array.from({ length: 21 }, () => toResult), {
      body: stream(['prompt_result', resultOf()]),
    });
    expect(
      await expectFiles(bench.desk, await collect(bench.connect(service.url).run(bench.desk.request))),
    ).toHaveLength(1);
    const [first, ...others] = service.seen;
    expect(first?.method).toBe('POST');
    expect(others).toHaveLength(21);
    for (const { method, url, headers, body } of others) {
      expect([method, url, headers.client_secret, body.length]).toEqual([
        'GET',
        '/infer?__modal_function_call_id=fc-1',
        SECRETS[1],
        0,
      ]);
    }
  });

  test('a redirect that goes round at once is followed slowly, and not for ever', async () => {
    const clock = createManualClock();
    const service = await bench.serve(...Array.from({ length: 100 }, () => toResult));
    const failed = failureOf(bench.connect(service.url, { totalTimeoutMs: 5000 }, clock), bench.desk, SECRETS);
    await eventually(() => expect(clock.pending()).toBe(3));
    expect(service.seen).toHaveLength(21);
    clock.advance(5000);
    expect(await failed).toMatchObject({ type: 'timeout', billed: 'maybe' });
  });

  test.for([307, 308])('%i sends the same form again', async (status) => {
    const service = await bench.serve(
      { status, headers: { location: '/infer/' } },
      { body: stream(['prompt_result', resultOf()]) },
    );
    expect(
      await expectFiles(bench.desk, await collect(bench.connect(service.url).run(bench.desk.request))),
    ).toHaveLength(1);
    const [first, second] = service.seen;
    expect(second).toMatchObject({ method: 'POST', url: '/infer/' });
    expect(second?.headers['content-type']).toBe(first?.headers['content-type']);
    expect(first?.body.equals(second?.body ?? Buffer.alloc(0))).toBe(true);
  });

  test.for([303, 307, 302] as const)('the secrets go to no other origin (%i)', async (status) => {
    const thief = await bench.serve({ body: stream(['prompt_result', resultOf()]) });
    const error = await bench.failureWith({ status, headers: { location: thief.url } });
    expect(error).toMatchObject({ type: 'refused', billed: status === 303 ? 'maybe' : 'no' });
    expect(thief.seen).toHaveLength(0);
  });

  test('a redirect without a place to go is not understood', async () => {
    expect(await bench.failureWith({ status: 303 })).toMatchObject({ type: 'unintelligible' });
  });

  test('what is refused after the run was taken may have been paid for', async () => {
    const error = await bench.failureWith(toResult, {
      status: 429,
      contentType: 'text/plain',
      headers: { 'retry-after': '3' },
    });
    expect(error).toMatchObject({ type: 'refused', billed: 'maybe', retryable: false });
  });
});
