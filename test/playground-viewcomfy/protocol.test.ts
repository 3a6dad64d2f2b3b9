import { describe, expect, test } from 'vitest';

import {
  characterParts,
  CREDENTIALS,
  multipart,
  readEvents,
  readResult,
  resultOf,
  run,
  send,
  startViewComfy,
} from './client.ts';

describe('a run', () => {
  test('with logs is a stream of log lines and one result', async () => {
    const viewComfy = await startViewComfy();
    const answer = await run(viewComfy, await characterParts());

    expect(answer.status).toBe(201);
    expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(answer.whole).toBe(true);
    const events = readEvents(answer.body);
    expect(events[0]).toEqual({ event: 'log_message', data: ['got prompt'] });
    expect(events.filter(({ event }) => event === 'prompt_result')).toHaveLength(1);
    expect(events.at(-1)?.event).toBe('prompt_result');
    // A progress bar that was drawn over itself, and a message of two lines.
    expect(answer.body).toMatch(/data: +\d+%[^\r\n]+\r +\d+%[^\r\n]+\r\n/);
    expect(events.some(({ data }) => data.length > 1)).toBe(true);
    expect(resultOf(answer.body)).toMatchObject({ status: 'success', completed: true });
  });

  test('without logs is one JSON body', async () => {
    const viewComfy = await startViewComfy();
    const answer = await run(viewComfy, await characterParts({}, { logs: false }));

    expect(answer.status).toBe(201);
    expect(answer.headers['content-type']).toBe('application/json');
    const result = readResult(answer.body);
    expect(result.prompt).toMatchObject({ '626': { inputs: { image: 'me.png' } } });
    for (const { data, size } of result.outputs ?? []) expect(Buffer.from(data ?? '', 'base64')).toHaveLength(size);
  });

  test('is taken in the shape of the official Python client', async () => {
    const viewComfy = await startViewComfy();
    const [file, params] = await characterParts();
    if (!file || !params) throw new Error('no parts');
    const answer = await run(viewComfy, [
      { name: 'logs', body: 'true' },
      params,
      { name: 'workflow_api', body: '' },
      { ...file, filename: '/home/me/pictures/ünï.png' },
    ]);

    expect(answer.status).toBe(201);
    expect(viewComfy.runs[0]).toMatchObject({
      outcome: 'succeeded',
      params: { '499-inputs-noise_seed': 1 },
      files: [{ key: '626-inputs-image', filename: 'ünï.png', mediaType: 'image/png', size: file.body.length }],
    });
  });

  test('of a workflow nobody knows gives one picture', async () => {
    const viewComfy = await startViewComfy({ pictureScale: 0.1 });
    const parts = [
      { name: 'params', body: '{"6-inputs-text":"a boat","3-inputs-seed":4}' },
      { name: 'logs', body: 'true' },
    ];
    expect(resultOf((await run(viewComfy, parts)).body).outputs).toMatchObject([{ filename: 'ComfyUI_00001_.png' }]);
    const graph = { '6': { class_type: 'CLIPTextEncode', inputs: { text: '' } } };
    const own = await run(viewComfy, [...parts, { name: 'workflow_api', body: JSON.stringify(graph) }]);
    expect(own.status).toBe(422);
    expect(own.body).toContain('3-inputs-seed');
  });

  test('survives keys that name what every object has', async () => {
    const viewComfy = await startViewComfy({ pictureScale: 0.1 });
    const params = '{"__proto__-inputs-x":1,"constructor-inputs-toString":2}';
    const parts = [{ name: 'params', body: params }];
    expect(readResult((await run(viewComfy, parts)).body).prompt).toMatchObject({
      constructor: { inputs: { toString: 2 } },
    });
    expect((await run(viewComfy, [...parts, { name: 'workflow_api', body: '{}' }])).status).toBe(422);
  });

  test('numbers its files while the container is warm, and from one after a cold start', async () => {
    let now = 1_000_000;
    const viewComfy = await startViewComfy({ clock: { now: () => now, after: () => () => {} } });
    const names: (string | undefined)[] = [];
    for (const idle of [0, 0, 60_000]) {
      now += idle;
      names.push(resultOf((await run(viewComfy, await characterParts())).body).outputs?.[4]?.filename);
    }
    expect(names).toEqual(['Image_1_00001_.png', 'Image_1_00002_.png', 'Image_1_00001_.png']);
  });
});

describe('a request that is refused', () => {
  test.each([
    ['a wrong secret', { client_id: 'id', client_secret: 'no' }],
    ['no id', { client_id: '' }],
  ])('has %s: 401', async (_what, headers) => {
    const viewComfy = await startViewComfy();
    const answer = await run(viewComfy, await characterParts(), { headers });
    expect(answer).toMatchObject({ status: 401, body: '{"detail":"Invalid client_id or client_secret"}' });
    expect(viewComfy.runs).toEqual([]);
  });

  test('is for another path (404), by another method (405), or too large (413)', async () => {
    const viewComfy = await startViewComfy({ maxBodyBytes: 100 });
    expect((await send(`${viewComfy.url}/infer`, { method: 'POST' })).status).toBe(404);
    expect(await send(viewComfy.url)).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect((await run(viewComfy, await characterParts())).status).toBe(413);
    const { body, contentType } = multipart(await characterParts());
    const headers = { ...CREDENTIALS, 'content-type': contentType, 'transfer-encoding': 'chunked' };
    expect((await send(viewComfy.url, { method: 'POST', headers, body })).status).toBe(413);
  });

  test.each([
    ['unknown nodes', { '999-inputs-string': 'x' }, ['999-inputs-string']],
    ['keys of no form', { prompt: 'x' }, ['prompt']],
    [
      'wrong types',
      { '426-inputs-string': 5, '499-inputs-noise_seed': '7' },
      ['426-inputs-string', '499-inputs-noise_seed'],
    ],
    ['a number out of range', { '82-inputs-upscale_by': 9 }, ['82-inputs-upscale_by']],
  ])('has %s: 422 names them all', async (_what, params, keys) => {
    const viewComfy = await startViewComfy();
    const answer = await run(viewComfy, await characterParts(params));
    expect(answer.status).toBe(422);
    const { detail } = JSON.parse(answer.body);
    expect(detail.map(({ loc }: { loc: string[] }) => loc.at(-1))).toEqual(keys);
  });

  test('has no character picture, or one that is none: 422', async () => {
    const viewComfy = await startViewComfy();
    const [file, ...others] = await characterParts();
    expect(await run(viewComfy, others)).toMatchObject({
      status: 422,
      body: expect.stringContaining('Field required'),
    });
    if (!file) throw new Error('no file');
    for (const body of ['not a picture', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', '']) {
      const answer = await run(viewComfy, [{ ...file, body }, ...others]);
      expect(answer).toMatchObject({ status: 422, body: expect.stringContaining('cannot identify image file') });
    }
  });

  test.each([
    ['missing', []],
    ['empty', [{ name: 'params', body: '{}' }]],
    ['broken', [{ name: 'params', body: '{"a"' }]],
    ['a list', [{ name: 'params', body: '[]' }]],
  ])('has params that are %s: 422', async (_what, parts) => {
    const viewComfy = await startViewComfy();
    expect((await run(viewComfy, [...parts, { name: 'logs', body: 'true' }])).status).toBe(422);
  });

  test('is no whole multipart body: 4xx, and the server lives', async () => {
    const viewComfy = await startViewComfy();
    const headers = { ...CREDENTIALS, 'content-type': 'multipart/form-data; boundary=x' };
    for (const body of ['', '--x\r\n', '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb', 'garbage']) {
      const answer = await send(viewComfy.url, { method: 'POST', headers, body: Buffer.from(body) });
      expect([400, 422]).toContain(answer.status);
    }
    const noBoundary = { ...CREDENTIALS, 'content-type': 'multipart/form-data' };
    expect((await send(viewComfy.url, { method: 'POST', headers: noBoundary })).status).toBe(400);
    expect((await send(viewComfy.url, { method: 'POST' })).status).toBe(422);
    expect((await run(viewComfy, await characterParts())).status).toBe(201);
  });
});
