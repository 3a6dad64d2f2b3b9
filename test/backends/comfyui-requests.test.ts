import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunRequest } from '../../src/backends/backend.ts';
import { createLab, WORKFLOW, type Lab } from './_comfyui.ts';
import { collect, expectFiles, failureOf } from './_run.ts';
import { createService, type Reply, type Seen } from './_service.ts';

describe('what a ComfyUI server is asked', () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await createLab();
  });
  afterEach(() => lab.close());

  test('is no more than it needs: files, prompt, history, pictures', async () => {
    const server = await lab.serve();
    // At its own speed: the clock of the other tests would have it ask whether the run is done.
    const backend = lab.connect({ urls: [server.url] }, 1);
    await collect(backend.run(lab.desk.request));
    const [run] = server.runs;
    expect(server.requests).toEqual([
      'POST /upload/image',
      'POST /prompt',
      `GET /history/${run?.id}`,
      ...Array.from({ length: 4 }, () => 'GET /view'),
    ]);
  });

  test('the prompt has a name of our own, which is its client too, and asks for previews', async () => {
    const server = await lab.serve();
    const backend = lab.connect({ urls: [server.url], previews: 'taesd' });
    const [handle] = await collect(backend.run(lab.desk.request));
    const [run] = server.runs;
    expect(handle).toEqual({ type: 'handle-assigned', handle: `${server.url}/#${run?.id}` });
    expect(run).toMatchObject({ client: run?.id, extra: { preview_method: 'taesd' } });
    expect(run?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  });

  test('without previews none are asked for, and it says that it has none', async () => {
    const server = await lab.serve();
    const backend = lab.connect({ urls: [server.url], previews: 'none' });
    const events = await collect(backend.run(lab.desk.request));
    expect(backend.capabilities.preview).toBe(false);
    expect(events.filter(({ type }) => type === 'preview-ready')).toEqual([]);
    expect(server.runs[0]?.extra).toEqual({ preview_method: 'none' });
  });

  test('the handle is told before the prompt leaves, and nothing leaves before it was taken', async () => {
    const server = await lab.serve();
    const run = lab.connect({ urls: [server.url] }).run(lab.desk.request);
    const events = run[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ type: 'handle-assigned' });
    expect(server.requests).toEqual(['POST /upload/image']);
    await events.return?.();
    expect(server.runs).toEqual([]);
  });

  test('the parameters and the names of the files are in the workflow that is sent', async () => {
    const server = await lab.serve();
    await collect(lab.connect({ urls: [server.url] }).run(lab.desk.request));
    const graph = server.runs[0]?.graph;
    const hash = createHash('sha256').update(lab.desk.sent).digest('hex').slice(0, 32);
    expect(graph?.get('594')?.inputs).toEqual({ string: 'a woman with grüne eyes 🎭', clip: ['4', 0] });
    expect(graph?.get('499')?.inputs['noise_seed']).toBe(Number.MAX_SAFE_INTEGER);
    expect(graph?.get('626')?.inputs['image']).toBe(`troupe/${hash}.png`);
    expect(graph?.get('5')).toEqual(WORKFLOW['5']);
  });

  test('the same bytes are uploaded once a run, and have the same name in the next one', async () => {
    const server = await lab.serve();
    const { request } = lab.desk;
    const file = request.files['626-inputs-image'];
    if (!file) throw new Error('no file');
    const files = { '626-inputs-image': file, '627-inputs-image': { ...file, name: 'other.png' } };
    const workflow = {
      ...WORKFLOW,
      '627': { class_type: 'LoadImage', inputs: { image: 'x' } },
      '16': { class_type: 'PreviewImage', inputs: { images: ['627', 0] } },
    };
    const backend = lab.connect({ urls: [server.url] });
    await collect(backend.run({ ...request, files, workflow }));
    await collect(backend.run({ ...request, files, workflow }));
    const names = server.runs.flatMap(({ graph }) => ['626', '627'].map((id) => graph.get(id)?.inputs['image']));
    expect(new Set(names).size).toBe(1);
    expect(server.uploads).toBe(2);
  });

  test.each([
    [{ name: 'x (1).png', subfolder: 'troupe', type: 'input' }, 'troupe/x (1).png'],
    [{ name: 'x.png', subfolder: '', type: 'temp' }, 'x.png [temp]'],
    [{ name: 'x.png' }, 'x.png'],
  ])('the name that the server gave to an upload is used: %j', async (answer, value) => {
    const prompts: Seen[] = [];
    const json = (body: object) => ({ status: 200, contentType: 'application/json', body: JSON.stringify(body) });
    function reply(seen: Seen): Reply {
      if (seen.url.includes('upload')) return json(answer);
      if (seen.url.endsWith('prompt')) prompts.push(seen);
      return { status: 400, contentType: 'application/json', body: '{}' };
    }
    const service = await createService(Array.from({ length: 10 }, () => reply));
    await failureOf(lab.connect({ urls: [service.url] }), lab.desk, []);
    await service.close();
    expect(Object(JSON.parse(String(prompts[0]?.body))).prompt['626'].inputs.image).toBe(value);
    // The address may have a path of its own.
    expect(prompts[0]?.url).toBe('/infer/prompt');
  });

  test('headers for a proxy go with every request and with the socket', async () => {
    const headers = { authorization: 'Bearer of-the-house', 'x-two': 'second-of-the-house' };
    const server = await lab.serve({ headers });
    const backend = lab.connect({ urls: [server.url], headers });
    const events = await collect(backend.run(lab.desk.request));
    await expectFiles(lab.desk, events);
    expect(events.some(({ type }) => type === 'progress-changed')).toBe(true);
    const stranger = lab.connect({ urls: [server.url] });
    await lab.desk.clearResults();
    const refused = await failureOf(stranger, lab.desk, Object.values(headers));
    expect(refused).toMatchObject({ type: 'refused', billed: 'no' });
    server.next({ ending: 'error', errorText: 'the token of-the-house is known' });
    const parameters = { '594-inputs-string': 'another' };
    const error = await failureOf(backend, lab.desk, ['of-the-house'], { ...lab.desk.request, parameters });
    expect(error.detail).toContain('the token [hidden] is known');
  });

  test('credentials in the address are sent as a header, and told nowhere', async () => {
    const basic = Buffer.from('ana:word-of-the-house').toString('base64');
    const server = await lab.serve({ headers: { authorization: `Basic ${basic}` } });
    const url = server.url.replace('http://', 'http://ana:word-of-the-house@');
    const backend = lab.connect({ urls: [url] });
    const events = await collect(backend.run(lab.desk.request));
    await expectFiles(lab.desk, events);
    expect(JSON.stringify(events)).not.toContain('word-of-the-house');
    server.next({ ending: 'error', errorText: `said word-of-the-house and ${basic}` });
    await lab.desk.clearResults();
    const error = await failureOf(backend, lab.desk, ['word-of-the-house', basic], {
      ...lab.desk.request,
      parameters: { '594-inputs-string': 'another' },
    });
    expect(error.detail).toContain('[hidden]');
  });

  test('what the workflow has no input for is told, and not sent', async () => {
    const server = await lab.serve();
    const file = lab.desk.request.files['626-inputs-image'];
    if (!file) throw new Error('no file');
    const events = await collect(
      lab.connect({ urls: [server.url] }).run({
        ...lab.desk.request,
        parameters: { '594-inputs-string': 'x', '608-inputs-string': 'y' },
        files: { '626-inputs-image': file, '625-inputs-image': file },
      }),
    );
    expect(events.filter(({ type }) => type === 'warning-raised')).toEqual([
      { type: 'warning-raised', warning: 'The workflow has no input 608-inputs-string, so it was left out.' },
      { type: 'warning-raised', warning: 'The workflow has no input 625-inputs-image, so it was left out.' },
    ]);
    expect(server.uploads).toBe(1);
  });

  test.each<[string, Partial<RunRequest>, RegExp]>([
    ['no workflow', {}, /has no workflow of its own: the recipe must bring one/],
    ['an empty one', { workflow: {} }, /Save \(API Format\)/],
    ['one of ComfyUI’s page', { workflow: JSON.parse('{"nodes": [], "links": []}') }, /Save \(API Format\)/],
    [
      'a seed that no double holds',
      { workflow: WORKFLOW, parameters: { '499-inputs-noise_seed': 2 ** 60 } },
      /larger than 2\^53/,
    ],
    [
      'a number that is none',
      { workflow: WORKFLOW, parameters: { '499-inputs-noise_seed': Number.NaN } },
      /not a number/,
    ],
  ])('%s is refused before anything is sent', async (_, asked, sentence) => {
    const server = await lab.serve();
    const { workflow: _own, ...request } = lab.desk.request;
    const error = await failureOf(lab.connect({ urls: [server.url] }), lab.desk, [], { ...request, ...asked });
    expect(error).toMatchObject({ type: 'invalid', billed: 'no', retryable: false });
    expect(error.detail).toMatch(sentence);
    expect(server.requests).toEqual([]);
  });

  test('an upload that is lost or refused costs nothing', async () => {
    const cut = await createService([
      { end: 'cut' },
      { status: 413, contentType: 'text/plain', body: 'Maximum size 1' },
    ]);
    const backend = lab.connect({ urls: [cut.url] });
    expect(await failureOf(backend, lab.desk, [])).toMatchObject({ type: 'cut', billed: 'no', retryable: true });
    expect(await failureOf(backend, lab.desk, [])).toMatchObject({ type: 'invalid', billed: 'no', retryable: false });
    await cut.close();
  });

  test('a server that names its runs itself gives the handle anew', async () => {
    const server = await lab.serve({ version: '0.3.40' });
    const backend = lab.connect({ urls: [server.url] });
    const events = await collect(backend.run(lab.desk.request));
    await expectFiles(lab.desk, events);
    const handles = events.flatMap((event) => (event.type === 'handle-assigned' ? [event.handle] : []));
    expect(handles).toHaveLength(2);
    expect(handles[1]).toBe(`${server.url}/#${server.runs[0]?.id}`);
    expect(events.filter(({ type }) => type === 'progress-changed').length).toBeGreaterThan(5);
  });

  test('the prompt is the same as ever when it runs again out of the cache, and its files come all the same', async () => {
    const server = await lab.serve();
    const backend = lab.connect({ urls: [server.url] });
    const first = await expectFiles(lab.desk, await collect(backend.run(lab.desk.request)));
    await lab.desk.clearResults();
    const second = await expectFiles(lab.desk, await collect(backend.run(lab.desk.request)));
    expect(second.map(({ name }) => name)).toEqual(first.map(({ name }) => name));
  });
});
