import { describe, expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { createManualClock } from '../manual-clock.ts';
import { createQuickClock } from '../quick-clock.ts';
import { FILE, history, json, onePost, succeeded, taken, text } from './_cases.ts';
import { collect, createDesk, expectFiles, failureOf } from './_run.ts';
import type { Reply, Service } from './_service.ts';
import { createBench, PIXELS, SECRETS, type AnyReply } from './_viewcomfy.ts';

const bench = createBench();
const ENDPOINT = 'https://viewcomfy--x-comfyui-infer.modal.run';
const running = history({ status: 'running', completed: false });
/** So that there is one question and no more. */
const unanswered: Reply = { after: new Promise(() => {}) };
const stopped = json('{"message":"canceled"}');

const poll = (...replies: AnyReply[]) => pollAt(100, replies);

/** @param times how much faster time passes */
async function pollAt(times: number, replies: readonly AnyReply[]) {
  const service = await bench.serve(...replies);
  return { service, backend: bench.connect(ENDPOINT, { apiUrl: service.url }, createQuickClock(times)) };
}

const asked = ({ seen }: Service) => seen.map(({ method, url }) => `${method} ${url.replace(/=.*/, '=…')}`);
const POST = 'POST /infer';
const GET = 'GET /infer/?prompt_ids=…';
const CANCEL = 'POST /infer/cancel';

describe('a polled run', () => {
  test('is posted under a name that was told before, for the deployment as it was given', async () => {
    const { service, backend } = await poll(taken, history(succeeded));
    const events = backend.run(bench.desk.request)[Symbol.asyncIterator]();
    const { value } = await events.next();
    expect(value).toMatchObject({ type: 'handle-assigned', handle: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(service.seen).toHaveLength(0);
    await events.next();
    const [post, get] = service.seen;
    const body = post?.body.toString('latin1') ?? '';
    expect([...body.matchAll(/; name="([^"]+)"/g)].map(([, name]) => name)).toEqual([
      '626-inputs-image',
      'params',
      'prompt_id',
      'view_comfy_api_url',
    ]);
    expect(body).toContain(`\r\n\r\n${value?.type === 'handle-assigned' ? value.handle : ''}\r\n`);
    expect(body).toContain(`\r\n\r\n${ENDPOINT}\r\n`);
    for (const { headers } of [post, get].flatMap((seen) => seen ?? [])) {
      expect(headers).toMatchObject({ client_id: SECRETS[0], client_secret: SECRETS[1] });
    }
    expect(asked(service)).toEqual([POST, GET]);
  });

  test('is asked for in one question with the others', async () => {
    let together = false;
    const answer: AnyReply = ({ method, url }) => {
      if (method === 'POST') return taken;
      const promptIds = new URLSearchParams(url.split('?')[1]).getAll('prompt_ids');
      together ||= promptIds.length === 3;
      const records = promptIds.map((promptId) => ({ promptId, ...(together ? succeeded : { status: 'running' }) }));
      return json(JSON.stringify(records), 200);
    };
    const { backend } = await poll(...Array.from({ length: 100 }, () => answer));
    const desks = await Promise.all([1, 2, 3].map(() => createDesk()));
    for (const [index, events] of (
      await Promise.all(desks.map(({ request }) => collect(backend.run(request))))
    ).entries()) {
      const desk = desks[index] ?? bench.desk;
      expect(await expectFiles(desk, events)).toHaveLength(1);
      await desk.clear();
    }
  });

  test('has its files fetched without the keys', async () => {
    const storage = await bench.serve({ status: 200, contentType: 'image/png', body: [PIXELS] });
    const outputs = [{ filename: 'a.png', contentType: 'image/png', size: PIXELS.length, filepath: storage.url }];
    const { backend } = await poll(taken, running, history({ ...succeeded, outputs }));
    const [file] = await expectFiles(bench.desk, await collect(backend.run(bench.desk.request)));
    expect(file).toMatchObject({ name: 'a.png', mediaType: 'text/plain', size: PIXELS.length });
    expect(storage.seen[0]?.headers.client_secret).toBeUndefined();
  });

  test('may be posted to the bare name of the service', async () => {
    const service = await bench.serve({ status: 401, contentType: 'text/plain' });
    await failureOf(bench.connect(ENDPOINT, { apiUrl: new URL(service.url).origin }), bench.desk, SECRETS);
    expect(service.seen[0]?.url).toBe('/api/workflow/infer');
  });

  test.for<[string, Reply]>([
    ['cut', { ...taken, body: [], end: 'cut' }],
    ['cut in its middle', { ...taken, body: ['{"data":'], headers: { 'content-length': '99' }, end: 'cut' }],
    ['a gateway that lost it', text(502, '<h1>Bad gateway</h1>', 'text/html')],
    ['a gateway that waited too long', text(504, '')],
    ['a service without a time to come back', text(503, '')],
  ])('whose answer is lost is asked for, and not sent again: %s', async ([, lost]) => {
    const { service, backend } = await poll(lost, json('[]', 200), running, history(succeeded));
    await expectFiles(bench.desk, await collect(backend.run(bench.desk.request)));
    expect(onePost(service)).toBe(true);
  });

  test('whose answer is lost, and that nobody knows, is told as such', async () => {
    const { service, backend } = await poll(text(502, ''), ...Array.from({ length: 90 }, () => json('[]', 200)));
    expect(await failureOf(backend, bench.desk, SECRETS)).toMatchObject({ type: 'unknown', billed: 'maybe' });
    expect(onePost(service)).toBe(true);
  });

  test('that is refused is neither asked for nor stopped', async () => {
    const { service, backend } = await poll(json('{"detail":"Deployment not found"}', 404));
    const error = await failureOf(backend, bench.desk, SECRETS);
    expect(error).toMatchObject({ type: 'refused', billed: 'no', detail: 'Deployment not found', status: 404 });
    await backend.close();
    expect(asked(service)).toEqual([POST]);
  });
});

describe('a polled run that nobody waits for', () => {
  test('is stopped at the service, however often that has to be said', async () => {
    const { service, backend } = await pollAt(20, [taken, unanswered, text(404, 'not yet'), text(502, ''), stopped]);
    const failed = failureOf(backend, bench.desk, SECRETS);
    await eventually(() => expect(asked(service)).toEqual([POST, GET]));
    bench.desk.abort();
    expect(await failed).toMatchObject({ type: 'cancelled', billed: 'maybe' });
    await eventually(() => expect(asked(service).filter((line) => line === CANCEL)).toHaveLength(3));
    const wish = service.seen.find(({ url }) => url.endsWith('/cancel'));
    expect(JSON.parse(wish?.body.toString() ?? '')).toEqual({
      prompt_id: new URLSearchParams(service.seen[1]?.url.split('?')[1]).get('prompt_ids'),
      view_comfy_api_url: ENDPOINT,
    });
    expect(wish?.headers).toMatchObject({ 'content-type': 'application/json', client_secret: SECRETS[1] });
    expect(bench.logged.join('')).not.toContain('could not be stopped');
  });

  test('is stopped when it takes longer than a run may', async () => {
    const clock = createManualClock();
    const service = await bench.serve(taken, unanswered, stopped);
    const backend = bench.connect(ENDPOINT, { apiUrl: service.url }, clock);
    const request = { ...bench.desk.request, timeouts: { totalMs: 5000 } };
    const failed = failureOf(backend, bench.desk, SECRETS, request);
    await eventually(() => expect(clock.pending()).toBe(3));
    clock.advance(5000);
    expect(await failed).toMatchObject({ type: 'timeout', billed: 'maybe' });
    await eventually(() => expect(asked(service).at(-1)).toBe(CANCEL));
  });

  test('is told to the log when it cannot be stopped', async () => {
    const { service, backend } = await poll(taken, unanswered, ...Array.from({ length: 20 }, () => text(500, '')));
    const failed = failureOf(backend, bench.desk, SECRETS);
    await eventually(() => expect(asked(service)).toEqual([POST, GET]));
    bench.desk.abort();
    await failed;
    await eventually(() => expect(bench.logged.join('')).toContain('could not be stopped'));
  });

  test('goes on when the bot closes, and is found again without a new one', async () => {
    const { service, backend } = await poll(taken, unanswered, history(succeeded));
    const handles: string[] = [];
    const left = (async () => {
      for await (const event of backend.run(bench.desk.request)) {
        if (event.type === 'handle-assigned') handles.push(event.handle);
      }
    })().catch((error: unknown) => error);
    await eventually(() => expect(asked(service)).toEqual([POST, GET]));
    await backend.close();
    expect(await left).toMatchObject({ type: 'cancelled' });
    const next = bench.connect(ENDPOINT, { apiUrl: service.url });
    const found = next.resume?.(handles.join(), bench.desk.request) ?? next.run(bench.desk.request);
    expect((await expectFiles(bench.desk, await collect(found))).map(({ name }) => name)).toEqual(FILE);
    expect(asked(service)).toEqual([POST, GET, GET]);
    expect(service.seen[2]?.url).toBe(`/infer/?prompt_ids=${handles.join()}`);
  });
});
