import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLab, resume, type Lab } from './_comfyui.ts';
import { collect, expectFiles, failureOf } from './_run.ts';
import { createService, type Reply, type Seen, type Service } from './_service.ts';

const ID = '12d4c20a-fcae-4368-825e-7f01a819bd3f';
const json = (status: number, body: unknown = '', headers: Record<string, string> = {}): Reply => ({
  status,
  contentType: 'application/json',
  headers,
  body: body === '' ? [] : JSON.stringify(body),
});
const TAKEN = json(202, { prompt_id: ID }, { location: `api/v1/prompts/${ID}`, 'retry-after': '60' });
const RUNS = json(204);
const UNKNOWN = json(404);
const OUTPUTS = {
  '7': { images: [{ abs_path: '/opt/x/t.png', filename: 't.png', subfolder: '', type: 'temp' }] },
  '6': { images: [{ abs_path: '/opt/x/a.png', filename: 'a.png', subfolder: 'rec', type: 'output' }] },
};
const DONE = json(200, OUTPUTS);

describe('the REST API of the fork', () => {
  let lab: Lab;
  let service: Service | undefined;
  beforeEach(async () => {
    lab = await createLab();
    service = undefined;
  });
  afterEach(async () => {
    await service?.close();
    await lab.close();
  });

  /** Answers uploads and pictures by itself, and everything else with the replies in their order. */
  async function serve(...replies: Reply[]) {
    const left = [...replies];
    function reply({ url }: Seen): Reply {
      if (url.includes('/upload/')) return json(200, { name: 'in.png', subfolder: 'troupe', type: 'input' });
      if (url.includes('/view')) return { status: 200, contentType: 'image/png', body: [lab.desk.sent] };
      return left.shift() ?? replies.at(-1) ?? json(418);
    }
    service = await createService(Array.from({ length: 100 }, () => reply));
    return lab.connect({ urls: [service.url], api: 'v1', idleTimeoutMs: 60_000 });
  }
  const rest = () => service?.seen.filter(({ url }) => url.includes('/api/v1/')) ?? [];

  test('gets the prompt alone, with the headers to the letter', async () => {
    const backend = await serve(TAKEN, RUNS, RUNS, DONE);
    const events = await collect(backend.run(lab.desk.request));
    const [post, ...gets] = rest();
    expect(post).toMatchObject({
      method: 'POST',
      url: '/infer/api/v1/prompts',
      headers: { accept: 'application/json', 'content-type': 'application/json', prefer: 'respond-async' },
    });
    const prompt = Object(JSON.parse(String(post?.body)));
    expect(Object.keys(prompt)).toContain('626');
    expect(prompt['626'].inputs.image).toBe('troupe/in.png');
    expect(gets.map(({ url }) => url)).toEqual(Array.from({ length: 3 }, () => `/infer/api/v1/prompts/${ID}`));
    expect(events[0]).toEqual({ type: 'handle-assigned', handle: `${service?.url}/#${ID}` });
    const files = await expectFiles(lab.desk, events);
    expect(files.map(({ name }) => name)).toEqual(['a.png']);
    expect(service?.seen.at(-1)?.url).toBe('/infer/view?filename=a.png&subfolder=rec&type=output');
  });

  test('may answer with the result at once', async () => {
    const backend = await serve(json(200, { prompt_id: ID, urls: [], outputs: OUTPUTS }));
    expect(await expectFiles(lab.desk, await collect(backend.run(lab.desk.request)))).toHaveLength(1);
  });

  test.each<[string, Reply, object]>([
    ['a full queue is another time', json(429), { type: 'refused', billed: 'no', retryable: true }],
    ['a server that shuts down is another time', json(503), { type: 'unreachable', billed: 'no', retryable: true }],
    ['a full disk is another time', json(507), { type: 'refused', billed: 'no', detail: "the server's disk is full" }],
    ['nothing saved is a failure', json(204), { type: 'failed', detail: 'no files: the workflow saved nothing' }],
    [
      'an error of the run is told',
      json(500, { status_str: 'error', completed: false, messages: ['deliberate failure'] }),
      { type: 'failed', billed: 'maybe', detail: 'deliberate failure' },
    ],
    [
      'a server without workers cannot do it',
      { status: 500, contentType: 'text/plain', body: 'a coroutine was expected, got <Future pending>' },
      { type: 'failed', billed: 'maybe', retryable: false, detail: expect.stringContaining('Use its native API') },
    ],
    [
      'invalid inputs are named, without the traceback',
      json(400, {
        type: 'prompt_outputs_failed_validation',
        message: 'Prompt outputs failed validation',
        details: '',
        extra_info: {
          exception_type: 'ValidationError',
          traceback: ['  File "/opt/x.py", line 1'],
          node_errors: {
            '626': { errors: [{ type: 'required_input_missing', extra_info: { input_name: 'image' } }] },
          },
        },
      }),
      {
        type: 'invalid',
        billed: 'no',
        parameters: ['626-inputs-image'],
        detail: "LoadImage 'Character', image: is missing",
      },
    ],
    ['no prompt', json(400), { type: 'invalid', billed: 'no' }],
  ])('%s', async (_, reply, expected) => {
    const backend = await serve(reply);
    expect(await failureOf(backend, lab.desk, [])).toMatchObject(expected);
    expect(rest().filter(({ method }) => method !== 'POST')).toEqual([]);
  });

  test('loses a run with the answer that it was taken, and does not send it again', async () => {
    const backend = await serve({ status: 202, contentType: 'application/json', end: 'cut' });
    expect(await failureOf(backend, lab.desk, [])).toMatchObject({ type: 'cut', billed: 'maybe', retryable: false });
    expect(rest()).toHaveLength(1);
  });

  test('has lost a run that it does not know three times', async () => {
    const backend = await serve(TAKEN, RUNS, UNKNOWN, UNKNOWN, UNKNOWN);
    expect(await failureOf(backend, lab.desk, [])).toMatchObject({
      type: 'unknown',
      billed: 'maybe',
      retryable: false,
    });
  });

  test('has not lost one that it knows again', async () => {
    const backend = await serve(TAKEN, UNKNOWN, UNKNOWN, RUNS, UNKNOWN, DONE);
    expect(await expectFiles(lab.desk, await collect(backend.run(lab.desk.request)))).toHaveLength(1);
  });

  test('may be away for a while, or have a page in front of it', async () => {
    const page: Reply = { status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' };
    const mending: Reply = { status: 200, contentType: 'text/html', body: '<h1>Back soon</h1>' };
    const backend = await serve(TAKEN, page, mending, json(429), { end: 'cut' }, DONE);
    expect(await expectFiles(lab.desk, await collect(backend.run(lab.desk.request)))).toHaveLength(1);
  });

  test('tells how a run ended badly', async () => {
    const backend = await serve(TAKEN, RUNS, json(500, { status_str: 'error', messages: ['CUDA out of memory'] }));
    const error = await failureOf(backend, lab.desk, []);
    expect(error).toMatchObject({ type: 'failed', billed: 'maybe', detail: 'CUDA out of memory' });
  });

  test('finds a run again, and stops none', async () => {
    const server = await lab.serve({ flavour: 'fork-with-workers', runMs: 300 });
    const first = lab.connect({ urls: [server.url], api: 'v1' });
    expect(first.capabilities).toMatchObject({ progress: false, preview: false, cancel: false, resume: true });
    let handle = '';
    for await (const event of first.run(lab.desk.request)) {
      if (event.type === 'handle-assigned') handle = event.handle;
      break;
    }
    expect(server.requests.filter((request) => request.startsWith('POST'))).toEqual([
      'POST /upload/image',
      'POST /v1/prompts',
    ]);
    const second = lab.connect({ urls: [server.url], api: 'v1' });
    expect(await expectFiles(lab.desk, await collect(resume(second, handle, lab.desk.request)))).toHaveLength(4);
  });
});
