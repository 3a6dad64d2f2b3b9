import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LocalComfyUIOptions } from '../../src/playground/comfyui/server.ts';
import { eventually } from '../eventually.ts';
import { createStage, GRAPH, type Answer, type Stage } from './stage.ts';

const json = ({ text }: Answer): unknown => JSON.parse(text);
const idOf = (answer: Answer): string => String(Object(json(answer)).prompt_id);

describe('the local ComfyUI', () => {
  let stage: Stage;
  let picture: Buffer;

  async function start(options: LocalComfyUIOptions = {}): Promise<Stage> {
    stage = await createStage(options);
    await stage.upload('in.png', picture);
    return stage;
  }
  beforeEach(async () => {
    picture = await sharp({ create: { width: 96, height: 64, channels: 3, background: '#c03060' } })
      .png()
      .toBuffer();
  });
  afterEach(() => stage.close());

  /** Numbers and names. */
  async function queue(): Promise<object> {
    const { queue_running: running, queue_pending: pending } = Object(json(await stage.get('/queue')));
    const short = (items: unknown[][]) => items.map((item) => item.slice(0, 2));
    return { running: short(running), pending: short(pending) };
  }

  /** Waits for a run to be in the history, and gives what is there. */
  async function ended(id: string): Promise<unknown> {
    await eventually(async () => expect(Object.keys(Object(json(await stage.get(`/history/${id}`))))).toContain(id));
    return Object(json(await stage.get(`/history/${id}`)))[id];
  }

  test('tells a run’s owner of it in the order of the original', async () => {
    await start();
    const ear = await stage.listen('me', true);
    const answer = await stage.post('/prompt', { prompt: GRAPH, client_id: 'me', prompt_id: 'mine' });
    expect(json(answer)).toEqual({ prompt_id: 'mine', number: 1, node_errors: {} });
    await eventually(() => expect(ear.texts.at(-1)).toContain('"node":null'));
    const types = ear.types().filter((type, index, all) => type !== all[index - 1]);
    const order = [
      'feature_flags',
      'execution_start',
      'execution_cached',
      'progress_state',
      'executing',
      'execution_success',
    ];
    expect(order.map((type) => types.indexOf(type))).toEqual(
      order.map((type) => types.indexOf(type)).toSorted((a, b) => a - b),
    );
    expect(types.slice(-3)).toEqual(['execution_success', 'status', 'executing']);
    expect(types.filter((type) => type === 'executed')).toHaveLength(2);
  });

  test('shows previews only to those who ask for them, and says whose they are only to those who can read it', async () => {
    await start();
    const [plain, able] = [await stage.listen('plain'), await stage.listen('able', true)];
    for (const [client, extra] of [
      ['plain', { preview_method: 'auto' }],
      ['able', { preview_method: 'auto' }],
      ['able', {}],
    ] as const) {
      const prompt = { ...GRAPH, '3': { ...GRAPH['3'], inputs: { ...GRAPH['3'].inputs, seed: Math.random() } } };
      await ended(idOf(await stage.post('/prompt', { prompt, client_id: client, extra_data: extra })));
    }
    expect(plain.binaries.map((frame) => frame.readUInt32BE(0))).toEqual([1, 1, 1, 1]);
    expect(able.binaries.map((frame) => frame.readUInt32BE(0))).toEqual([4, 4, 4, 4]);
    expect((await sharp(plain.binaries[0]?.subarray(8)).metadata()).format).toBe('jpeg');
  });

  test('tells everybody of a run that nobody’s socket began', async () => {
    await start();
    const ear = await stage.listen('me', true);
    await ended(idOf(await stage.post('/prompt', { prompt: GRAPH })));
    expect(ear.types()).toContain('execution_success');
  });

  test('keeps and shows pictures, with the prompt inside', async () => {
    await start();
    const id = idOf(await stage.post('/prompt', { prompt: GRAPH, client_id: 'me' }));
    expect(await ended(id)).toMatchObject({
      outputs: {
        '9': { images: [{ filename: 'out_00001_.png', subfolder: 'rec', type: 'output' }] },
        '10': { images: [{ type: 'temp', subfolder: '' }] },
      },
      status: { status_str: 'success', completed: true },
    });
    const answer = await fetch(`${stage.server.url}/view?filename=out_00001_.png&subfolder=rec&type=output`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect((await sharp(bytes).metadata()).format).toBe('png');
    expect(bytes.includes('tEXtprompt\0')).toBe(true);
  });

  test('gives films, sounds and texts in the fields in which the nodes for them tell of them', async () => {
    await start();
    const id = idOf(
      await stage.post('/prompt', {
        prompt: {
          ...GRAPH,
          '9': { class_type: 'SaveVideo', inputs: { video: ['3', 0], filename_prefix: 'video/out' } },
          '10': { class_type: 'VHS_VideoCombine', inputs: { images: ['3', 0], frame_rate: 8, save_output: false } },
          '11': { class_type: 'PreviewAny', inputs: { source: ['2', 0] } },
          '12': { class_type: 'SaveAudio', inputs: { audio: ['3', 0] } },
        },
        client_id: 'me',
      }),
    );
    expect(await ended(id)).toMatchObject({
      outputs: {
        '9': { images: [{ filename: 'out_00001_.webm', subfolder: 'video', type: 'output' }], animated: [true] },
        '10': { gifs: [{ type: 'temp', subfolder: '', format: 'video/webm', frame_rate: 8 }] },
        '11': { text: ['on a beach at noon'] },
        '12': { audio: [{ filename: 'ComfyUI_00001_.wav', subfolder: '', type: 'output' }] },
      },
    });
    const answer = await fetch(`${stage.server.url}/view?filename=out_00001_.webm&subfolder=video`);
    expect(answer.headers.get('content-type')).toBe('video/webm');
    const film = Buffer.from(await answer.arrayBuffer());
    expect(film.toString('latin1', 0, 4)).toBe('\x1aE\xdf\xa3');
    // The whole prompt is inside.
    expect(film.includes('on a beach at noon')).toBe(true);
  });

  test('has nothing to tell of a run that is all cached and has no client', async () => {
    await start();
    await ended(idOf(await stage.post('/prompt', { prompt: GRAPH, client_id: 'me' })));
    expect(await ended(idOf(await stage.post('/prompt', { prompt: GRAPH })))).toMatchObject({ outputs: {} });
    const again = await ended(idOf(await stage.post('/prompt', { prompt: GRAPH, client_id: 'me' })));
    expect(again).toMatchObject({ outputs: { '9': { images: [{ filename: 'out_00001_.png' }] } } });
  });

  test.each([
    ['?filename=nothere.png', 404],
    ['?filename=../x.png', 400],
    ['?filename=/etc/passwd', 400],
    ['?filename=in.png&type=input', 200],
    ['?filename=in.png&type=input&subfolder=../..', 403],
    ['?filename=in.png&type=bogus', 400],
    ['?x=1', 404],
  ])('answers /view%s with %i', async (query, status) => {
    await start();
    expect((await stage.get(`/view${query}`)).status).toBe(status);
  });

  test('names uploads as the original does', async () => {
    await start();
    const [one, two] = [Buffer.from('one'), Buffer.from('two')];
    const names = [];
    for (const [bytes, fields] of [
      [one, {}],
      [one, {}],
      [two, {}],
      [two, { overwrite: 'true' }],
      [one, { subfolder: 'bot/u1' }],
      [one, { type: 'temp' }],
    ] as const) {
      names.push(json(await stage.upload('up.png', bytes, fields)));
    }
    expect(names).toEqual([
      { name: 'up.png', subfolder: '', type: 'input' },
      { name: 'up.png', subfolder: '', type: 'input' },
      { name: 'up (1).png', subfolder: '', type: 'input' },
      { name: 'up.png', subfolder: '', type: 'input' },
      { name: 'up.png', subfolder: 'bot/u1', type: 'input' },
      { name: 'up.png', subfolder: '', type: 'temp' },
    ]);
    expect((await stage.upload('up.png', one, { type: 'weird' })).status).toBe(500);
    expect((await stage.upload('up.png', one, { subfolder: '../../x' })).status).toBe(400);
    for (const image of ['bot/u1/up.png', 'up.png [temp]']) {
      const prompt = { ...GRAPH, '1': { class_type: 'LoadImage', inputs: { image } } };
      expect((await stage.post('/prompt', { prompt, client_id: 'me' })).status).toBe(200);
    }
  });

  test.each<[string, object, number, object]>([
    [
      'a file that is not there',
      { ...GRAPH, '1': { class_type: 'LoadImage', inputs: { image: 'no.png' } } },
      400,
      {
        error: { type: 'prompt_outputs_failed_validation' },
        node_errors: { '1': { errors: [{ type: 'custom_validation_failed' }], class_type: 'LoadImage' } },
      },
    ],
    [
      'a link to nowhere in one of two outputs',
      { ...GRAPH, '9': { class_type: 'SaveImage', inputs: { images: ['99', 0] } } },
      200,
      { node_errors: { '9': { errors: [{ type: 'exception_during_validation', details: "'99'" }] } } },
    ],
    [
      'a seed of more than 64 bits',
      { '9': { class_type: 'SaveImage', inputs: { seed: 2 ** 64 } } },
      400,
      { node_errors: { '9': { errors: [{ type: 'value_bigger_than_max' }] } } },
    ],
    ['no node that saves', { '1': GRAPH['1'] }, 400, { error: { type: 'prompt_no_outputs' }, node_errors: {} }],
    [
      'a node without a kind',
      { ...GRAPH, '3': { inputs: {} } },
      400,
      { error: { type: 'missing_node_type', extra_info: { node_id: '3', class_type: null } } },
    ],
  ])('says what is wrong with %s', async (_, prompt, status, expected) => {
    await start();
    const answer = await stage.post('/prompt', { prompt, client_id: 'me' });
    expect(answer.status).toBe(status);
    expect(json(answer)).toMatchObject(expected);
  });

  test('has trouble with what is no prompt', async () => {
    await start();
    const answer = await stage.post('/prompt', '{no');
    expect(answer).toEqual({ status: 500, text: '500 Internal Server Error\n\nServer got itself in trouble' });
  });

  test('lets runs wait, and takes those out that have not begun', async () => {
    await start({ runMs: 1000 });
    const ids = ['a', 'b', 'c'];
    for (const id of ids) {
      const prompt = { '9': { class_type: 'SaveImage', inputs: { filename_prefix: id } } };
      await stage.post('/prompt', { prompt, prompt_id: id, client_id: 'me' });
    }
    expect(await queue()).toEqual({
      running: [[1, 'a']],
      pending: [
        [3, 'c'],
        [2, 'b'],
      ],
    });
    expect(json(await stage.get('/prompt'))).toEqual({ exec_info: { queue_remaining: 3 } });
    expect(await stage.post('/queue', { delete: ['a', 'b', 'unknown'] })).toEqual({ status: 200, text: '' });
    expect(stage.server.runs.map(({ outcome }) => outcome)).toEqual(['running', 'deleted', 'waiting']);
    expect(json(await stage.get('/history/b'))).toEqual({});
  });

  test.each([
    ['0.12.1', 'other', 'running'],
    ['0.12.1', 'a', 'interrupted'],
    ['0.3.50', 'other', 'interrupted'],
    ['0.12.1', undefined, 'interrupted'],
  ] as const)('%s interrupts as it does: asked for %s, the run is %s', async (version, id, outcome) => {
    await start({ version, runMs: 300 });
    await stage.post('/prompt', { prompt: GRAPH, prompt_id: 'a', client_id: 'me' });
    await stage.post('/interrupt', id === undefined ? undefined : { prompt_id: id });
    await eventually(() => expect(stage.server.runs[0]?.endedAt ?? stage.server.runs[0]?.outcome).toBeTruthy());
    const [run] = stage.server.runs;
    const expected = outcome === 'running' ? ['running', 'succeeded'] : ['interrupted'];
    await eventually(() => expect(expected).toContain(run?.outcome));
  });

  test('forgets everything when it is started again', async () => {
    await start({ runMs: 2000 });
    const ear = await stage.listen('me');
    await stage.post('/prompt', { prompt: GRAPH, prompt_id: 'a', client_id: 'me' });
    const closed = new Promise((resolve) => ear.socket.once('close', resolve));
    await stage.server.restart();
    await closed;
    expect(json(await stage.get('/queue'))).toEqual({ queue_running: [], queue_pending: [] });
    expect(json(await stage.get('/history/a'))).toEqual({});
    expect(stage.server.runs[0]?.outcome).toBe('lost');
  });

  test('forgets a new connection with the old one of the same name', async () => {
    await start();
    const old = await stage.listen('me');
    const young = await stage.listen('me');
    old.socket.terminate();
    await eventually(async () => {
      const count = young.texts.length;
      await ended(idOf(await stage.post('/prompt', { prompt: GRAPH, client_id: 'me' })));
      expect(young.texts).toHaveLength(count);
    });
  });

  test('draws what the words say, from the picture that was sent', async () => {
    await start({ drawing: 'full', pictureScale: 0.1 });
    const id = idOf(await stage.post('/prompt', { prompt: GRAPH, client_id: 'me' }));
    await ended(id);
    const answer = await fetch(`${stage.server.url}/view?filename=out_00001_.png&subfolder=rec`);
    const { width, height } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
    expect([width, height]).toEqual([128, 72]);
  });

  test('as a fork with workers gives the whole history for an id that it does not know, and stops nothing', async () => {
    await start({ flavour: 'fork-with-workers' });
    const id = idOf(await stage.post('/prompt', { prompt: GRAPH, client_id: 'me' }));
    expect(await queue()).toEqual({ running: [], pending: [[1, id]] });
    await stage.post('/interrupt', { prompt_id: id });
    await stage.post('/queue', { delete: [id] });
    await ended(id);
    expect(Object.keys(Object(json(await stage.get('/history/unknown'))))).toEqual([id]);
  });

  test.each([
    [{ accept: 'image/png, */*' }, 400],
    [{ 'content-type': 'application/json; charset=utf-8' }, 400],
    [{ prefer: 'respond-async' }, 202],
  ])('as a fork answers its REST API to the letter: %j is %i', async (headers, status) => {
    await start({ flavour: 'fork-with-workers' });
    expect((await stage.post('/api/v1/prompts', GRAPH, headers)).status).toBe(status);
  });

  test('as a fork tells by status how a run stands', async () => {
    await start({ flavour: 'fork-with-workers' });
    const id = idOf(await stage.post('/api/v1/prompts', GRAPH, { prefer: 'respond-async' }));
    expect((await stage.get(`/api/v1/prompts/${id}`)).status).toBe(204);
    expect((await stage.get('/api/v1/prompts/unknown')).status).toBe(404);
    await eventually(async () => expect((await stage.get(`/api/v1/prompts/${id}`)).status).toBe(200));
    const bad = await stage.post('/api/v1/prompts', { prompt: GRAPH }, { prefer: 'respond-async' });
    expect([bad.status, Object(json(bad)).type]).toEqual([400, 'missing_node_type']);
  });
});
