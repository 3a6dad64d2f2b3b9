import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createProgressReader } from '../../src/backends/amqp/progress.ts';
import { readReply } from '../../src/backends/amqp/reply.ts';
import { createCleaner } from '../../src/backends/detail.ts';
import { systemClock } from '../../src/clock.ts';
import { BackendError } from '../../src/errors.ts';
import { event, preview, progressState, strangeMessages } from '../../src/playground/comfyui-worker/messages.ts';
import type { Workflow } from '../../src/recipes/workflow.ts';
import { createManualClock } from '../manual-clock.ts';

const ID = '38c3132c-b1bf-479c-b540-e3ac78fd8548';
const WORKFLOW: Workflow = {
  '3': { class_type: 'KSampler', inputs: { steps: 3 }, _meta: { title: 'Draw' } },
  '6': { class_type: 'SaveImage', inputs: { images: ['3', 0] } },
};
const clean = createCleaner([]);
const log = { debug() {} };

function read(
  body: unknown,
  options: { begun?: boolean; failed?: string; kind?: 'result' | 'error'; id?: string } = {},
) {
  const { begun = false, failed, kind = 'result', id = ID } = options;
  try {
    return readReply({ type: 'reply', kind, body }, { id, begun, failed, workflow: WORKFLOW, clean });
  } catch (error) {
    if (error instanceof BackendError) return error;
    throw error;
  }
}

const reply = (status: unknown, outputs: unknown = {}, token = 'a.b.') => ({
  prompt_id: ID,
  user_token: token,
  outputs,
  execution_status: status,
});
const failed = (text: string, token?: string) => reply(['error', false, [text]], {}, token);
const image = (filename: string, type = 'output', subfolder = 'js') => ({ abs_path: '/x', filename, subfolder, type });

describe('a reply', () => {
  test('of a success names the files, and previews only where there is nothing else', () => {
    const outputs = {
      '6': { images: [image('a.png'), image('b.png', 'temp')], text: ['words'] },
      '7': { gifs: [image('c.gif')] },
    };
    expect(read(reply(['success', true, []], outputs))).toEqual({
      files: [
        { filename: 'a.png', subfolder: 'js', type: 'output', node: '6' },
        { filename: 'c.gif', subfolder: 'js', type: 'output', node: '7' },
      ],
      texts: [{ text: 'words', node: '6' }],
    });
    const shown = read(reply(['success', true, []], { '6': { images: [image('b.png', 'temp')] } }));
    expect(shown).toEqual({ files: [{ filename: 'b.png', subfolder: 'js', type: 'temp', node: '6' }], texts: [] });
  });

  test('of nothing but texts is a success, and of nothing but blanks is none', () => {
    const texts = (text: string) => read(reply(['success', true, []], { '6': { text: [text] } }));
    expect(texts('a caption')).toEqual({ files: [], texts: [{ text: 'a caption', node: '6' }] });
    expect(texts(' \n')).toMatchObject({ type: 'failed', detail: 'no files' });
  });

  test('of a workflow that the worker refuses names the node and the input, and costs nothing', () => {
    const errors = [
      { type: 'required_input_missing', message: 'x', details: 'steps', extra_info: { input_name: 'steps' } },
    ];
    const text = JSON.stringify({ '3': { errors, dependent_outputs: ['6'], class_type: 'KSampler' } });
    expect(read(failed(text))).toMatchObject({
      type: 'invalid',
      billed: 'no',
      parameters: ['3-inputs-steps'],
      detail: "KSampler 'Draw', steps: is missing",
    });
    // One that was begun before its worker died may have cost something all the same.
    expect(read(failed(text), { begun: true })).toMatchObject({ type: 'invalid', billed: 'maybe' });
  });

  test('of a worker without a node says which', () => {
    const text = JSON.stringify({
      type: 'missing_node_type',
      message: "Node 'Nope' not found.",
      details: "Node ID '#3'",
      extra_info: { node_id: '3', class_type: 'Nope', node_title: 'Nope' },
    });
    expect(read(failed(text))).toMatchObject({
      type: 'invalid',
      billed: 'no',
      detail: expect.stringContaining('Nope'),
    });
  });

  test('of a worker that could not even read the request is about the workflow', () => {
    expect(read(failed('Invalid type. Required value type is immutabledict', ''))).toMatchObject({
      type: 'invalid',
      billed: 'no',
    });
  });

  test('of a run that failed has the words of the node', () => {
    expect(read(failed('deliberate'), { failed: "KSampler 'Draw'" })).toMatchObject({
      type: 'failed',
      billed: 'maybe',
      detail: "KSampler 'Draw': deliberate",
    });
  });

  test.for([
    ['another run', { ...reply(['success', true, []]), prompt_id: 'other' }],
    ['a list', []],
    ['nothing', null],
    ['bytes that are no JSON', Buffer.from('{"prompt_id": NaN')],
    ['a status of another shape', reply('success')],
  ] as const)('of %s is not understood', ([, body]) => {
    expect(read(body)).toMatchObject({ type: 'unintelligible' });
  });

  test('without files is a failure', () => {
    expect(read(reply(['success', true, []]), { begun: true })).toMatchObject({ type: 'failed', billed: 'maybe' });
  });

  test("that is JsonRPC's error is a failure in its words", () => {
    const body = { error: { type: 'ValueError', message: 'no such thing', args: [] } };
    expect(read(body, { kind: 'error' })).toMatchObject({ type: 'failed', detail: 'no such thing' });
    expect(read('nothing of it', { kind: 'error' })).toMatchObject({ type: 'failed', detail: undefined });
  });
});

describe('progress', () => {
  const create = () => createProgressReader({ id: ID, workflow: WORKFLOW, clock: systemClock, log });
  const running = (value: number) => progressState(ID, { '3': { value, max: 3, state: 'running' } });

  test('is a bar with the name of its node', async () => {
    const reader = create();
    expect(await reader.read(event('execution_start', { prompt_id: ID }))).toEqual([
      { type: 'queue-changed', ahead: 0 },
    ]);
    expect(await reader.read(running(1))).toEqual([
      { type: 'progress-changed', done: 1, total: 3, node: "KSampler 'Draw'" },
    ]);
    expect(await reader.read(running(1))).toEqual([]);
  });

  test('of a run that begins for the second time begins from nothing, and says why', async () => {
    const reader = create();
    await reader.read(event('execution_start', { prompt_id: ID }));
    await reader.read(running(2));
    const again = await reader.read(event('execution_start', { prompt_id: ID }));
    expect(again).toEqual([{ type: 'log-line', line: 'The worker was lost. Another one begins the run anew.' }]);
    expect((await reader.read(running(1))).map((bar) => 'done' in bar && bar.done)).toEqual([0, 1]);
    expect(reader.begun).toBe(2);
  });

  test('whose beginning was missed has begun', async () => {
    const reader = create();
    expect((await reader.read(running(1)))[0]).toEqual({ type: 'queue-changed', ahead: 0 });
  });

  test('tells which node failed', async () => {
    const reader = create();
    await reader.read(event('execution_error', { prompt_id: ID, node_id: '3', exception_message: 'x' }));
    expect(reader.failed).toBe("KSampler 'Draw'");
  });

  test('has a preview at most once a second, made of the bare pixels', async () => {
    const clock = createManualClock();
    const reader = createProgressReader({ id: ID, workflow: WORKFLOW, clock, log });
    const sent = preview(ID, '3', 16, Buffer.alloc(16 * 16 * 3, 200));
    const [first] = await reader.read(sent);
    expect(first).toMatchObject({ type: 'preview-ready', mediaType: 'image/jpeg' });
    expect(await reader.read(sent)).toEqual([]);
    clock.advance(1000);
    expect(await reader.read(sent)).toHaveLength(1);
  });

  test.for([
    ['fewer pixels than it says', preview(ID, '3', 16, Buffer.alloc(16 * 16 * 3 - 1))],
    ['a side of 100,000 pixels', preview(ID, '3', 100_000, Buffer.alloc(12))],
    ["somebody else's run", preview('other', '3', 2, Buffer.alloc(12))],
  ] as const)('with a preview of %s shows none', async ([, message]) => {
    expect(await create().read(message)).toEqual([]);
  });

  test('of others, of nobody and of malice is nothing', async () => {
    const reader = create();
    for (const message of strangeMessages('3')) expect(await reader.read(message)).toEqual([]);
    expect(reader.begun).toBe(0);
  });
});

const recordings = new URL('../../../shared/recordings/', import.meta.url);

describe.skipIf(!existsSync(recordings))('what was recorded of a real worker', () => {
  test('is understood, every message of it', async () => {
    const { progress, replies } = JSON.parse(readFileSync(new URL('amqp-essential-frames.json', recordings), 'utf8'));
    const reader = createProgressReader({ id: ID, workflow: WORKFLOW, clock: systemClock, log });
    const events = [];
    for (const { body } of progress) events.push(...(await reader.read(body)));
    expect(events.map((told) => ('done' in told ? told.done : told.type))).toEqual([
      'queue-changed',
      'log-line',
      1,
      2,
      3,
    ]);
    const outcomes = [];
    for (const { body } of replies) {
      const outcome = read(body, { id: body.prompt_id });
      outcomes.push(outcome instanceof BackendError ? `${outcome.type}: ${outcome.detail}` : outcome.files.length);
    }
    expect(outcomes.slice(0, 4)).toEqual([
      1,
      "invalid: KSampler 'Draw', image: is missing",
      'invalid: the server has no node Nope: its custom nodes must be installed',
      'failed: deliberate',
    ]);
    expect(outcomes[4]).toMatch(/^invalid: /);
    expect(outcomes.slice(5)).toEqual([1, 1, 1]);
  });
});
