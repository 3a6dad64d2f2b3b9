import { describe, expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { FILE, json, moved, text, whole } from './_cases.ts';
import { collect, expectFiles, failureOf } from './_run.ts';
import type { Reply } from './_service.ts';
import { createBench, resultOf, SECRETS, stream } from './_viewcomfy.ts';

const bench = createBench();

describe.for(['stream', 'plain'] as const)('a run that has an address of its own (%s)', (mode) => {
  const answer = mode === 'stream' ? whole : { ...json(resultOf()), body: resultOf() };
  const start = answer.body.slice(0, 40);

  test('tells each address as its handle once, as soon as it is known', async () => {
    const release = Promise.withResolvers<void>();
    const service = await bench.serve(
      moved(303, '/infer?call=1'),
      moved(303, '/infer?call=1'),
      moved(303, '/infer?call=2'),
      { ...answer, after: release.promise },
    );
    const handles: string[] = [];
    const run = (async () => {
      for await (const event of bench.connect(service.url, { mode }).run(bench.desk.request)) {
        if (event.type === 'handle-assigned') handles.push(event.handle);
      }
    })();
    await eventually(() => expect(handles).toEqual([`${service.url}?call=1`, `${service.url}?call=2`]));
    release.resolve();
    await run;
  });

  test.for<[string, Reply]>([
    ['the connection is lost', { ...answer, body: [start], end: 'cut' }],
    ['the end comes too early', { ...answer, body: [start] }],
    ['a gateway is in trouble', text(502, '')],
    ['nobody is there for a moment', text(503, '')],
  ])('is asked for again there, and not begun anew, when %s', async ([, trouble]) => {
    const service = await bench.serve(
      moved(303, '/infer?call=1'),
      trouble,
      moved(303, '/infer?call=1'),
      trouble,
      answer,
    );
    const files = await expectFiles(
      bench.desk,
      await collect(bench.connect(service.url, { mode }).run(bench.desk.request)),
    );
    expect(files.map(({ name }) => name)).toEqual(FILE);
    expect(service.seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET', 'GET', 'GET']);
  });

  test('is not asked for for ever', async () => {
    const broken = Array.from({ length: 9 }, () => text(502, ''));
    const service = await bench.serve(moved(303, '/infer?call=1'), ...broken);
    const backend = bench.connect(service.url, { mode });
    expect(await failureOf(backend, bench.desk, SECRETS)).toMatchObject({ type: 'cut', billed: 'maybe' });
    expect(service.seen).toHaveLength(5);
  });

  test('is found again by its handle, by GET alone', async () => {
    const service = await bench.serve(moved(303, '/infer?call=8'), { ...answer, status: 200 });
    const backend = bench.connect(service.url, { mode });
    const found = backend.resume?.(`${service.url}?call=7`, bench.desk.request) ?? backend.run(bench.desk.request);
    const events = await collect(found);
    expect((await expectFiles(bench.desk, events)).map(({ name }) => name)).toEqual(FILE);
    expect(events[0]).toEqual({ type: 'handle-assigned', handle: `${service.url}?call=8` });
    expect(service.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /infer?call=7',
      'GET /infer?call=8',
    ]);
    expect(service.seen[0]?.headers.client_secret).toBe(SECRETS[1]);
  });

  test.for([404, 410])('is unknown where its address answers %s', async (status) => {
    const service = await bench.serve({ ...text(404, '{"detail":"Not Found"}'), status });
    const backend = bench.connect(service.url, { mode });
    const found = backend.resume?.(`${service.url}?call=7`, bench.desk.request) ?? backend.run(bench.desk.request);
    await expect(collect(found)).rejects.toMatchObject({ type: 'unknown', billed: 'maybe' });
  });

  test.for(['http://127.0.0.2:9/infer?call=1', 'https://example.com/', 'file:///etc/passwd', 'a name', ''])(
    'is not looked for where the secret must not go: %s',
    async (handle) => {
      const service = await bench.serve();
      const backend = bench.connect(service.url, { mode });
      const events = backend.resume?.(handle, bench.desk.request) ?? backend.run(bench.desk.request);
      const error: unknown = await collect(events).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ type: 'unknown', billed: 'maybe' });
      expect(service.seen).toHaveLength(0);
    },
  );
});

test('the addresses decide how ViewComfy is spoken to, unless a mode is given', async () => {
  const url = 'https://viewcomfy--x.modal.run';
  const apiUrl = 'https://api.viewcomfy.com/api/workflow/infer';
  const modes = [{}, { apiUrl }, { mode: 'poll' }, { apiUrl, mode: 'stream' }, { mode: 'plain' }] as const;
  expect(modes.map((options) => bench.connect(url, options).capabilities)).toEqual(
    ['stream', 'poll', 'poll', 'stream', 'plain'].map((mode) => ({
      progress: mode === 'stream',
      preview: false,
      cancel: mode === 'poll',
      resume: true,
      handleFirst: mode === 'poll',
    })),
  );
});

test('a log that was read before the connection was lost is read again', async () => {
  const service = await bench.serve(
    moved(303, '/infer?call=1'),
    { body: [stream(['log_message', 'a'])], end: 'cut' },
    { body: stream(['log_message', 'a'], ['log_message', 'b'], ['prompt_result', resultOf()]) },
  );
  const events = await collect(bench.connect(service.url).run(bench.desk.request));
  expect(events.flatMap((event) => (event.type === 'log-line' ? event.line : []))).toEqual(['a', 'a', 'b']);
});
