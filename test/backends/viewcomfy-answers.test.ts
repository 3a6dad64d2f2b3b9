import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { collect, createDesk, expectFiles, failureOf } from './_run.ts';
import { createBench, output, PIXELS, resultOf, SECRETS, stream } from './_viewcomfy.ts';

const bench = createBench();

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
    const service = await bench.serve({ body: write(text) });
    const events = await collect(bench.connect(service.url).run(bench.desk.request));
    expect(events.slice(0, 2)).toEqual([
      { type: 'log-line', line: 'Größe ✓' },
      { type: 'progress-changed', done: 9, total: 25 },
    ]);
    const [file] = await expectFiles(bench.desk, events);
    // Its bytes are words, whatever is said of them.
    expect(file).toMatchObject({ name: 'Image_1_00001_.png', mediaType: 'text/plain', size: PIXELS.length });
    expect((await readFile(join(bench.desk.request.folder, 'Image_1_00001_.png'))).equals(PIXELS)).toBe(true);
  });

  test('a bar that is redrawn with bare carriage returns gives every step', async () => {
    const bars = [0, 9, 25].map((done) => `\r${done * 4}%|##  | ${done}/25 [00:0${done % 7}<00:07, 2.1it/s]`).join('');
    const service = await bench.serve({
      body: stream(['log_message', `Sampling:${bars}`], ['prompt_result', resultOf()]).match(/[^]/g) ?? [],
    });
    const events = await collect(bench.connect(service.url).run(bench.desk.request));
    expect(events.slice(0, -1)).toEqual([
      { type: 'log-line', line: 'Sampling:' },
      ...[0, 9, 25].map((done) => ({ type: 'progress-changed', done, total: 25 })),
    ]);
  });

  test('a result over several data lines, and JSON where a stream was asked for', async () => {
    const pretty = JSON.stringify(JSON.parse(resultOf()), null, 2);
    const lines = `event: prompt_result\n${pretty.replaceAll(/^/gm, 'data: ')}\n\n`;
    const service = await bench.serve(
      { body: lines },
      { status: 200, contentType: 'application/json; charset=utf-8', body: pretty },
    );
    const backend = bench.connect(service.url);
    expect(await expectFiles(bench.desk, await collect(backend.run(bench.desk.request)))).toHaveLength(1);
    const other = await createDesk();
    expect(await expectFiles(other, await collect(backend.run(other.request)))).toHaveLength(1);
    await other.clear();
  });

  test('the result ends the run although the server keeps the connection open, and the socket is released', async () => {
    const service = await bench.serve({ body: stream(['prompt_result', resultOf()]), end: 'open' });
    expect(
      await expectFiles(bench.desk, await collect(bench.connect(service.url).run(bench.desk.request))),
    ).toHaveLength(1);
    await eventually(() => expect(service.open()).toBe(0));
  });

  test('the service may break down once the result is out', async () => {
    const service = await bench.serve({
      body: [stream(['log_message', 'a'], ['prompt_result', resultOf()])],
      end: 'cut',
    });
    expect(
      await expectFiles(bench.desk, await collect(bench.connect(service.url).run(bench.desk.request))),
    ).toHaveLength(1);
  });

  test('an error event before a result is only a line of the log', async () => {
    const service = await bench.serve({ body: stream(['error', 'node 5 was skipped'], ['prompt_result', resultOf()]) });
    expect(
      await expectFiles(bench.desk, await collect(bench.connect(service.url).run(bench.desk.request))),
    ).toHaveLength(1);
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
    const service = await bench.serve({
      body: stream(['prompt_result', resultOf(names.map((filename) => output({ filename })))]),
    });
    const files = await expectFiles(bench.desk, await collect(bench.connect(service.url).run(bench.desk.request)));
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
      const error = await bench.failureWith({
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
    expect(await bench.failureWith({ body })).toMatchObject({ type: 'cut', billed: 'maybe', retryable: false });
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
    const error = await bench.failureWith({ body: stream(['prompt_result', result]) });
    expect(error).toMatchObject({ type: 'failed', billed: 'maybe', detail });
  });

  test.for([
    ['letters that are not base64', { data: 'aGVsbG8*', size: undefined }],
    ['a cut group', { data: 'aGVsb', size: undefined }],
    ['wrong padding', { data: 'aGVsbG8==', size: undefined }],
    ['another size', { size: 3 }],
    ['no bytes', { data: '', size: 0 }],
    ['neither bytes nor an address', { data: null }],
    ['an address that is none', { data: null, filepath: 'picture.png' }],
    ['a name that is none', { filename: 7 }],
  ] as const)('an output with %s is not understood, and the good one beside it goes too', async ([, fields]) => {
    const error = await bench.failureWith({ body: stream(['prompt_result', resultOf([output(), output(fields)])]) });
    expect(error).toMatchObject({ type: 'unintelligible', billed: 'maybe' });
  });

  test('both alphabets of base64 are read', async () => {
    const bytes = Buffer.from('fbff3efffe', 'hex');
    const outputs = [
      output({ data: bytes.toString('base64'), size: 5 }),
      output({ data: bytes.toString('base64url'), size: 5 }),
    ];
    const service = await bench.serve({ body: stream(['prompt_result', resultOf(outputs)]) });
    for (const { path } of await expectFiles(
      bench.desk,
      await collect(bench.connect(service.url).run(bench.desk.request)),
    )) {
      expect((await readFile(path)).equals(bytes)).toBe(true);
    }
  });

  test('an event that never ends is not kept for ever', async () => {
    const service = await bench.serve({
      body: ['event: prompt_result\ndata: ', ...Array.from({ length: 200 }, () => Buffer.alloc(65_536, 'a'))],
      end: 'open',
    });
    expect(await failureOf(bench.connect(service.url, { maxResultBytes: 1000 }), bench.desk, SECRETS)).toMatchObject({
      type: 'too-large',
    });
  });
});
