import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Busboy } from '@fastify/busboy';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { createBackend } from '../../src/backends/index.ts';
import type { ViewComfyOptions } from '../../src/backends/viewcomfy.ts';
import { systemClock, type Clock } from '../../src/clock.ts';
import type { BackendError } from '../../src/errors.ts';
import { createManualClock } from '../manual-clock.ts';
import { collect, createDesk, expectFiles, failureOf, type Desk } from './_run.ts';
import { createService, type Reply, type Seen, type Service } from './_service.ts';

const SECRETS = ['the-client-id', 'the-client-secret'] as const;
const CREDENTIALS = { clientId: SECRETS[0], clientSecret: SECRETS[1] };
const PIXELS = Buffer.from('not really a picture, and none the worse for it');

const toClose: (() => Promise<void>)[] = [];
let desk: Desk;
beforeEach(async () => {
  desk = await createDesk();
});
afterEach(async () => {
  for (const close of toClose.splice(0)) await close();
  await desk.clear();
});

async function serve(...replies: (Reply | ((seen: Seen) => Reply))[]): Promise<Service> {
  const service = await createService(replies);
  toClose.push(service.close);
  return service;
}

function connect(url: string, options: Partial<ViewComfyOptions> = {}, clock: Clock = systemClock): Backend {
  const backend = createBackend(
    { type: 'viewcomfy', url, ...CREDENTIALS, ...options },
    { clock, log: { debug() {}, warn() {} } },
  );
  toClose.push(backend.close);
  return backend;
}

async function failureWith(...replies: (Reply | ((seen: Seen) => Reply))[]): Promise<BackendError> {
  const service = await serve(...replies);
  return failureOf(connect(service.url), desk, SECRETS);
}

function output(fields: Record<string, unknown> = {}) {
  const data = PIXELS.toString('base64');
  return { filename: 'Image_1_00001_.png', content_type: 'image/png', data, size: PIXELS.length, ...fields };
}

function resultOf(outputs: unknown = [output()], fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    prompt_id: 'p',
    status: 'success',
    completed: true,
    execution_time_seconds: 3,
    prompt: {},
    outputs,
    ...fields,
  });
}

function stream(...events: [string, string][]): string {
  return events.map(([event, data]) => `event: ${event}\ndata: ${data}\n\n`).join('');
}

describe('what is sent', () => {
  test('one form: the file under its key, the parameters as JSON, logs switched on', async () => {
    const service = await serve({ body: stream(['prompt_result', resultOf()]) });
    await collect(connect(service.url).run(desk.request));
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
      file.on('end', () => parts.push([name, [fileName, mediaType, Buffer.concat(chunks).equals(desk.sent)]]));
    });
    parser.end(body);
    await once(parser, 'finish');
    expect(new Map(parts)).toEqual(
      new Map<string, unknown>([
        ['626-inputs-image', ['character.png', 'image/png', true]],
        ['params', JSON.stringify(desk.request.parameters)],
        ['logs', 'true'],
      ]),
    );
    expect(parts).toHaveLength(3);
  });

  test.for([
    ['Infinity', { a: Number.POSITIVE_INFINITY }],
    ['NaN', { a: Number.NaN }],
    ['an integer that JSON readers round', { a: 2 ** 53 }],
    ['nothing at all', {}],
  ] as const)('a parameter that would arrive as something else is not sent: %s', async ([, parameters]) => {
    const service = await serve();
    const error = await failureOf(connect(service.url), desk, SECRETS, { ...desk.request, parameters });
    expect(error).toMatchObject({ type: 'invalid', billed: 'no' });
    expect(service.seen).toHaveLength(0);
  });

  test('credentials in the address are a login, and told nowhere', async () => {
    const service = await serve({ status: 500, contentType: 'text/plain', body: 'bad pass-word for me%40home' });
    const backend = connect(service.url.replace('//', '//me%40home:pass-word@'));
    const error = await failureOf(backend, desk, [...SECRETS, 'pass-word', 'me%40home']);
    expect(error.detail).toBe('bad [hidden] for [hidden]');
    expect(service.seen[0]?.headers.authorization).toBe(`Basic ${btoa('me@home:pass-word')}`);
    expect(service.seen[0]?.url).toBe('/infer');
  });
});

describe('what comes back', () => {
  test.for([
    ['LF', (text: string) => [text]],
    ['CRLF', (text: string) => [text.replaceAll('\n', '\r\n')]],
    ['CR', (text: string) => [text.replaceAll('\n', '\r')]],
    ['a byte order mark', (text: string) => [`\u{feff}${text}`]],
    ['single bytes', (text: string) => Array.from(Buffer.from(text), (byte) => Buffer.from([byte]))],
    ['no blank line at the end', (text: string) => [text.trimEnd()]],
    [
      'pings, comments and unknown fields',
      (text: string) => [text.replaceAll('event:', ': ping\n\nretry: 5\nfoo: bar\nevent:')],
    ],
  ] as const)('an event stream with %s', async ([, write]) => {
    const text = stream(
      ['log_message', 'Größe ✓'],
      ['log_message', ' 36%|███▌      | 9/25 [00:04<00:07,  2.1it/s]'],
      ['prompt_result', resultOf()],
    );
    const service = await serve({ body: write(text) });
    const events = await collect(connect(service.url).run(desk.request));
    expect(events.slice(0, 2)).toEqual([
      { type: 'log-line', line: 'Größe ✓' },
      { type: 'progress-changed', done: 9, total: 25 },
    ]);
    const [file] = await expectFiles(desk, events);
    expect(file).toMatchObject({ name: 'Image_1_00001_.png', mediaType: 'image/png', size: PIXELS.length });
    expect((await readFile(join(desk.request.folder, 'Image_1_00001_.png'))).equals(PIXELS)).toBe(true);
  });

  test('a bar that is redrawn with bare carriage returns gives every step', async () => {
    const bars = [0, 9, 25].map((done) => `\r${done * 4}%|##  | ${done}/25 [00:0${done % 7}<00:07, 2.1it/s]`).join('');
    const service = await serve({
      body: stream(['log_message', `Sampling:${bars}`], ['prompt_result', resultOf()]).match(/[^]/g) ?? [],
    });
    const events = await collect(connect(service.url).run(desk.request));
    expect(events.slice(0, -1)).toEqual([
      { type: 'log-line', line: 'Sampling:' },
      ...[0, 9, 25].map((done) => ({ type: 'progress-changed', done, total: 25 })),
    ]);
  });

  test('a result over several data lines, and JSON where a stream was asked for', async () => {
    const pretty = JSON.stringify(JSON.parse(resultOf()), null, 2);
    const lines = `event: prompt_result\n${pretty.replaceAll(/^/gm, 'data: ')}\n\n`;
    const service = await serve(
      { body: lines },
      { status: 200, contentType: 'application/json; charset=utf-8', body: pretty },
    );
    const backend = connect(service.url);
    expect(await expectFiles(desk, await collect(backend.run(desk.request)))).toHaveLength(1);
    const other = await createDesk();
    expect(await expectFiles(other, await collect(backend.run(other.request)))).toHaveLength(1);
    await other.clear();
  });

  test('the result ends the run although the server keeps the connection open, and the socket is released', async () => {
    const service = await serve({ body: stream(['prompt_result', resultOf()]), end: 'open' });
    expect(await expectFiles(desk, await collect(connect(service.url).run(desk.request)))).toHaveLength(1);
    await vi.waitFor(() => expect(service.open()).toBe(0));
  });

  test('the service may break down once the result is out', async () => {
    const service = await serve({ body: [stream(['log_message', 'a'], ['prompt_result', resultOf()])], end: 'cut' });
    expect(await expectFiles(desk, await collect(connect(service.url).run(desk.request)))).toHaveLength(1);
  });

  test('an error event before a result is only a line of the log', async () => {
    const service = await serve({ body: stream(['error', 'node 5 was skipped'], ['prompt_result', resultOf()]) });
    expect(await expectFiles(desk, await collect(connect(service.url).run(desk.request)))).toHaveLength(1);
  });

  test('names are made safe and unique, and nothing is written outside the folder', async () => {
    const names = [
      '../../etc/passwd',
      'C:\\x\\Image 1.PNG',
      'image_1.png',
      '.env',
      '',
      'a'.repeat(300) + '.png',
      'bild\0ü.png',
    ];
    const service = await serve({
      body: stream(['prompt_result', resultOf(names.map((filename) => output({ filename })))]),
    });
    const files = await expectFiles(desk, await collect(connect(service.url).run(desk.request)));
    expect(files.map(({ name }) => name)).toEqual([
      'passwd',
      'Image_1.PNG',
      'image_1-2.png',
      'env',
      'file',
      `${'a'.repeat(80)}.png`,
      'bild_.png',
    ]);
  });
});

describe('an end that is none', () => {
  test('an error event and then the end, clean or not, is a failure with its words', async () => {
    for (const end of ['whole', 'cut'] as const) {
      const error = await failureWith({
        body: stream(['error', '{"exception_message":"no face found","node_type":"PulidFlux"}']),
        end,
      });
      expect(error).toMatchObject({ type: 'failed', billed: 'maybe', detail: 'PulidFlux: no face found' });
    }
  });

  test.for([
    ['an empty stream', ''],
    ['logs and nothing more', stream(['log_message', 'got prompt'])],
    ['half a result', stream(['prompt_result', resultOf()]).slice(0, 120)],
  ] as const)('%s is a cut', async ([, body]) => {
    expect(await failureWith({ body })).toMatchObject({ type: 'cut', billed: 'maybe', retryable: false });
  });

  test.for([
    [
      'status error',
      resultOf([output()], { status: 'error', error_data: { exception_message: 'out of memory in /root/x/run.py' } }),
      'out of memory in …/run.py',
    ],
    ['not completed', resultOf([output()], { completed: false }), undefined],
    ['no outputs', resultOf([]), 'no files'],
    ['outputs null', resultOf(null), 'no files'],
    [
      'error data of ComfyUI',
      resultOf([], {
        error_data: ['execution_error', { exception_message: 'bad seed', traceback: ['File "/root/a.py"'] }],
      }),
      'bad seed',
    ],
  ] as const)('a result with %s is a failure', async ([, result, detail]) => {
    const error = await failureWith({ body: stream(['prompt_result', result]) });
    expect(error).toMatchObject({ type: 'failed', billed: 'maybe', detail });
  });

  test.for([
    ['letters that are not base64', { data: 'aGVsbG8*', size: undefined }],
    ['white space in base64', { data: 'aGVs bG8=', size: undefined }],
    ['a cut group', { data: 'aGVsb', size: undefined }],
    ['wrong padding', { data: 'aGVsbG8==', size: undefined }],
    ['another size', { size: 3 }],
    ['no bytes', { data: '', size: 0 }],
    ['neither bytes nor an address', { data: null }],
    ['an address that is none', { data: null, filepath: 'picture.png' }],
    ['a name that is none', { filename: 7 }],
  ] as const)('an output with %s is not understood, and the good one beside it goes too', async ([, fields]) => {
    const error = await failureWith({ body: stream(['prompt_result', resultOf([output(), output(fields)])]) });
    expect(error).toMatchObject({ type: 'unintelligible', billed: 'maybe' });
  });

  test('both alphabets of base64 are read', async () => {
    const bytes = Buffer.from('fbff3efffe', 'hex');
    const outputs = [
      output({ data: bytes.toString('base64'), size: 5 }),
      output({ data: bytes.toString('base64url'), size: 5 }),
    ];
    const service = await serve({ body: stream(['prompt_result', resultOf(outputs)]) });
    for (const { path } of await expectFiles(desk, await collect(connect(service.url).run(desk.request)))) {
      expect((await readFile(path)).equals(bytes)).toBe(true);
    }
  });

  test('an event that never ends is not kept for ever', async () => {
    const service = await serve({
      body: ['event: prompt_result\ndata: ', ...Array.from({ length: 200 }, () => Buffer.alloc(65_536, 'a'))],
      end: 'open',
    });
    expect(await failureOf(connect(service.url, { maxResultBytes: 1000 }), desk, SECRETS)).toMatchObject({
      type: 'too-large',
    });
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
    [503, 'unreachable', 'maybe', false],
    [504, 'timeout', 'maybe', false],
  ] as const)('HTTP %i is %s', async ([status, type, billed, retryable]) => {
    const body = 'modal-http: https://internal.example/x said no to the-client-secret at /srv/app/main.py\nline two';
    const error = await failureWith({ status, contentType: 'text/plain', body });
    expect(error).toMatchObject({ type, billed, retryable });
    expect(error.detail).toBe('modal-http: [address] said no to [hidden] at …/main.py line two');
  });

  test('a time to come back is told, as seconds or as a date', async () => {
    const refusal = { status: 503, contentType: 'text/plain', body: 'Busy' };
    const inSeconds = await failureWith({ ...refusal, headers: { 'retry-after': '12' } });
    expect(inSeconds).toMatchObject({ type: 'unreachable', retryable: true, billed: 'no', retryAfterMs: 12_000 });
    const byDate = await failureWith({ ...refusal, headers: { 'retry-after': new Date(0).toUTCString() } });
    expect(byDate.retryAfterMs).toBe(0);
  });

  test('a page for browsers has no words for people', async () => {
    const error = await failureWith({
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
    const error = await failureWith({ status: 422, contentType: 'application/json', body: JSON.stringify({ detail }) });
    expect(error.detail).toBe('82-inputs-upscale_by: Input should be at most 4; 626-inputs-image: Field required');
  });
});

describe('redirects', () => {
  const toResult = { status: 303, headers: { location: '/infer?__modal_function_call_id=fc-1' } };

  test('303 is followed with GET and the secrets, more often than any library does', async () => {
    const service = await serve(...Array.from({ length: 21 }, () => toResult), {
      body: stream(['prompt_result', resultOf()]),
    });
    expect(await expectFiles(desk, await collect(connect(service.url).run(desk.request)))).toHaveLength(1);
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
    const service = await serve(...Array.from({ length: 100 }, () => toResult));
    const failed = failureOf(connect(service.url, { totalTimeoutMs: 5000 }, clock), desk, SECRETS);
    await vi.waitFor(() => expect(clock.pending()).toBe(3));
    expect(service.seen).toHaveLength(21);
    clock.advance(5000);
    expect(await failed).toMatchObject({ type: 'timeout', billed: 'maybe' });
  });

  test.for([307, 308])('%i sends the same form again', async (status) => {
    const service = await serve(
      { status, headers: { location: '/infer/' } },
      { body: stream(['prompt_result', resultOf()]) },
    );
    expect(await expectFiles(desk, await collect(connect(service.url).run(desk.request)))).toHaveLength(1);
    const [first, second] = service.seen;
    expect(second).toMatchObject({ method: 'POST', url: '/infer/' });
    expect(second?.headers['content-type']).toBe(first?.headers['content-type']);
    expect(first?.body.equals(second?.body ?? Buffer.alloc(0))).toBe(true);
  });

  test.for([303, 307, 302] as const)('the secrets go to no other origin (%i)', async (status) => {
    const thief = await serve({ body: stream(['prompt_result', resultOf()]) });
    const error = await failureWith({ status, headers: { location: thief.url } });
    expect(error).toMatchObject({ type: 'refused', billed: status === 303 ? 'maybe' : 'no' });
    expect(thief.seen).toHaveLength(0);
  });

  test('a redirect without a place to go is not understood', async () => {
    expect(await failureWith({ status: 303 })).toMatchObject({ type: 'unintelligible' });
  });

  test('what is refused after the run was taken may have been paid for', async () => {
    const error = await failureWith(toResult, {
      status: 429,
      contentType: 'text/plain',
      headers: { 'retry-after': '3' },
    });
    expect(error).toMatchObject({ type: 'refused', billed: 'maybe', retryable: false });
  });
});

describe('result files by address', () => {
  const stored = { status: 200, contentType: 'image/png', body: [PIXELS] };

  async function runWith(filepath: string, options: Partial<ViewComfyOptions> = {}) {
    const service = await serve({ body: stream(['prompt_result', resultOf([output({ data: undefined, filepath })])]) });
    return connect(service.url, options);
  }

  test('are fetched without credentials', async () => {
    const storage = await serve(stored);
    const backend = await runWith(storage.url);
    const [file] = await expectFiles(desk, await collect(backend.run(desk.request)));
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
    expect(await failureOf(backend, desk, SECRETS)).toMatchObject({ type: 'unintelligible' });
  });

  test('stop coming when the run is cancelled meanwhile', async () => {
    const storage = await serve({ ...stored, end: 'open' });
    const backend = await runWith(storage.url);
    const failed = failureOf(backend, desk, SECRETS);
    await vi.waitFor(async () => expect(await desk.results()).toHaveLength(1));
    desk.abort();
    expect(await failed).toMatchObject({ type: 'cancelled', billed: 'maybe' });
    await vi.waitFor(() => expect(storage.open()).toBe(0));
  });

  test('are not fetched where a redirect leads astray', async () => {
    const storage = await serve({ status: 302, headers: { location: 'http://169.254.169.254/latest' } });
    const backend = await runWith(storage.url);
    expect(await failureOf(backend, desk, SECRETS)).toMatchObject({ type: 'unintelligible' });
  });

  test.for([
    ['gone', { status: 404, contentType: 'application/xml', body: '<Error/>' }, 'refused'],
    ['cut', { ...stored, headers: { 'content-length': '99999' }, end: 'cut' }, 'cut'],
    ['larger than we take', { ...stored, body: [Buffer.alloc(5000)] }, 'too-large'],
    ['of another size', { ...stored, body: 'short' }, 'unintelligible'],
  ] as const)('that are %s end in an error', async ([, reply, type]) => {
    const storage = await serve(reply);
    const backend = await runWith(storage.url, { maxResultBytes: 4000 });
    expect(await failureOf(backend, desk, SECRETS)).toMatchObject({ type, billed: 'maybe', retryable: false });
  });
});

describe('waiting', () => {
  test('pings keep a run alive, and the total time still ends it', async () => {
    const clock = createManualClock();
    const service = await serve({ body: stream(['log_message', 'got prompt']), end: 'open' });
    const run = connect(service.url, { idleTimeoutMs: 1000, totalTimeoutMs: 10_000 }, clock).run(desk.request);
    const events = run[Symbol.asyncIterator]();
    expect(await events.next()).toMatchObject({ value: { line: 'got prompt' } });
    const failed = Promise.resolve(events.next()).catch((error: unknown) => error);
    clock.advance(999);
    expect(clock.pending()).toBe(2);
    clock.advance(1001);
    expect(await failed).toMatchObject({ type: 'timeout' });
    expect(clock.pending()).toBe(0);
    await vi.waitFor(() => expect(service.open()).toBe(0));
  });

  test('a server that takes the connection and nothing else is silence', async () => {
    const clock = createManualClock();
    const deaf = createServer((socket) => socket.on('error', () => {}));
    deaf.listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    const address = deaf.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const connected = once(deaf, 'connection');
    const failed = failureOf(connect(`http://127.0.0.1:${port}/`, {}, clock), desk, SECRETS);
    await connected;
    clock.advance(10 * 60_000);
    expect(await failed).toMatchObject({ type: 'timeout' });
    deaf.close();
  });

  test('something that speaks no HTTP is a cut, and a name that nobody has is unreachable', async () => {
    const rude = createServer((socket) =>
      socket.on('error', () => {}).once('data', () => socket.end('SSH-2.0-OpenSSH\r\n')),
    );
    rude.listen(0, '127.0.0.1');
    await once(rude, 'listening');
    const address = rude.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    expect(await failureOf(connect(`http://127.0.0.1:${port}/`), desk, SECRETS)).toMatchObject({ type: 'cut' });
    expect(await failureOf(connect(`https://127.0.0.1:${port}/`), desk, SECRETS)).toMatchObject({
      type: 'unreachable',
      billed: 'no',
      retryable: true,
    });
    rude.close();
    expect(await failureOf(connect('http://nobody.invalid/'), desk, SECRETS)).toMatchObject({ type: 'unreachable' });
  });

  test('an answer that comes before the form is whole counts', async () => {
    const hasty = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 413 Content Too Large\r\ncontent-length: 4\r\n\r\nhuge'));
    });
    hasty.listen(0, '127.0.0.1');
    await once(hasty, 'listening');
    const address = hasty.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const path = join(desk.request.folder, '..', 'large.png');
    await writeFile(path, Buffer.alloc(20_000_000));
    const files = { '626-inputs-image': { name: 'large.png', mediaType: 'image/png', path, size: 20_000_000 } };
    const error = await failureOf(connect(`http://127.0.0.1:${port}/`), desk, SECRETS, { ...desk.request, files });
    expect(error).toMatchObject({ type: 'invalid', billed: 'no', detail: 'huge' });
    hasty.close();
  });

  test('a file that cannot be read is our fault, and no failure of the backend', async () => {
    const service = await serve();
    const files = { '626-inputs-image': { name: 'a.png', mediaType: 'image/png', path: '/nowhere/a.png', size: 1 } };
    await expect(collect(connect(service.url).run({ ...desk.request, files }))).rejects.toThrow(/ENOENT/);
    expect(service.seen).toHaveLength(0);
  });
});
