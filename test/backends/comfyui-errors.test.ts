import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endedIn, placeIn } from '../../src/backends/comfyui/records.ts';
import { createCleaner } from '../../src/backends/detail.ts';
import { parsePythonJson } from '../../src/backends/python-json.ts';
import { eventually } from '../eventually.ts';
import { createLab, WORKFLOW, type Lab } from './_comfyui.ts';
import { collect, expectFiles, failureOf } from './_run.ts';

const clean = createCleaner([]);
const error = (input: string | undefined, type: string, details: string, more: object = {}) => ({
  type,
  message: 'The message',
  details,
  extra_info: { ...(input !== undefined && { input_name: input }), ...more },
});
const refusal = (nodes: Record<string, object[]>, type = 'prompt_outputs_failed_validation', more: object = {}) =>
  JSON.stringify({
    error: { type, message: 'Prompt outputs failed validation', details: '', extra_info: {}, ...more },
    node_errors: Object.fromEntries(
      Object.entries(nodes).map(([id, errors]) => [id, { errors, dependent_outputs: ['11'], class_type: 'Kind' }]),
    ),
  });

describe('what ComfyUI complains about', () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await createLab();
  });
  afterEach(() => lab.close());

  test.each<[string, string, string[], string]>([
    [
      'a missing file',
      refusal({ '626': [error('image', 'custom_validation_failed', 'image - Invalid image file: troupe/a.png')] }),
      ['626-inputs-image'],
      "LoadImage 'Character', image: the file is missing",
    ],
    [
      'a missing input',
      refusal({ '594': [error('string', 'required_input_missing', 'string')] }),
      ['594-inputs-string'],
      "CLIPTextEncode 'Prompt', string: is missing",
    ],
    [
      'a model that the server does not have',
      refusal({
        '4': [
          error('clip_name', 'value_not_in_list', "clip_name: 'a' not in (list of length 40)", {
            received_value: 'a.safetensors',
          }),
        ],
      }),
      ['4-inputs-clip_name'],
      'CLIPLoader, clip_name: the server has no "a.safetensors"',
    ],
    [
      'a value that is too large',
      refusal({ '5': [error('steps', 'value_bigger_than_max', 'steps', { received_value: 99_999 })] }),
      ['5-inputs-steps'],
      "SamplerCustomAdvanced 'Draw', steps: The message",
    ],
    [
      'a value of another kind',
      refusal({
        '5': [error('steps', 'invalid_input_type', "steps, abc, invalid literal for int() with base 10: 'abc'")],
      }),
      ['5-inputs-steps'],
      "SamplerCustomAdvanced 'Draw', steps: The message: abc, invalid literal for int() with base 10: 'abc'",
    ],
    [
      'a link to nowhere, whose details are a traceback',
      refusal({
        '5': [
          error('image', 'exception_during_validation', "'99'", {
            traceback: ['  File "/opt/ComfyUI/execution.py", line 1'],
          }),
        ],
      }),
      ['5-inputs-image'],
      "SamplerCustomAdvanced 'Draw', image: cannot be checked, perhaps because it is linked to a node that is not there",
    ],
    [
      'a link of another kind',
      refusal({
        '11': [error('images', 'return_type_mismatch', 'images, received_type(MASK) mismatch input_type(IMAGE)')],
      }),
      ['11-inputs-images'],
      'SaveImage, images: is linked to something of another kind',
    ],
    [
      'more than anybody reads',
      refusal({
        '594': ['a', 'b', 'c', 'd', 'e'].map((input) => error(input, 'required_input_missing', input)),
      }),
      ['a', 'b', 'c', 'd', 'e'].map((input) => `594-inputs-${input}`),
      "CLIPTextEncode 'Prompt', a: is missing; CLIPTextEncode 'Prompt', b: is missing; CLIPTextEncode 'Prompt', c: is missing; and 2 more",
    ],
    [
      'a node that the workflow does not have',
      refusal({ '77': [error(undefined, 'odd', 'x')] }),
      [],
      'Kind: The message: x',
    ],
    [
      'a kind of node that is not installed',
      refusal({}, 'missing_node_type', { extra_info: { node_id: '3', class_type: 'NoSuchNode', node_title: 'T' } }),
      [],
      'the server has no node NoSuchNode: its custom nodes must be installed',
    ],
    [
      'a node without a kind',
      refusal({}, 'missing_node_type', { extra_info: { node_id: 'prompt', class_type: null, node_title: null } }),
      [],
      'a node of the workflow has no class_type: save the workflow with "Save (API Format)"',
    ],
    [
      'a workflow that saves nothing',
      refusal({}, 'prompt_no_outputs'),
      [],
      'the workflow saves nothing: it has no output node',
    ],
    ['a cycle, which has no words', refusal({}), [], 'Prompt outputs failed validation'],
    [
      'what older servers said of a missing node',
      refusal({}, 'invalid_prompt', {
        message: 'Cannot execute because node X does not exist.',
        details: "Node ID '#3'",
      }),
      [],
      "Cannot execute because node X does not exist.: Node ID '#3'",
    ],
  ])('%s', async (_, body, parameters, detail) => {
    const server = await lab.serve();
    server.next({ refusal: { status: 400, body } });
    const failure = await failureOf(lab.connect({ urls: [server.url] }), lab.desk, []);
    expect(failure).toMatchObject({ type: 'invalid', billed: 'no', retryable: false, status: 400, parameters, detail });
  });

  test('a prompt of which a part is invalid is refused and taken back, although ComfyUI would run the rest', async () => {
    const server = await lab.serve({ runMs: 2000 });
    server.next({ nodeErrors: { '626': { errors: [error('image', 'required_input_missing', 'image')] } } });
    const failure = await failureOf(lab.connect({ urls: [server.url] }), lab.desk, []);
    expect(failure).toMatchObject({ type: 'invalid', parameters: ['626-inputs-image'] });
    await eventually(() => expect(server.runs[0]?.outcome).toBe('interrupted'));
  });

  test('an answer that the server has trouble with is not the fault of the workflow', async () => {
    const server = await lab.serve();
    const body = '500 Internal Server Error\n\nServer got itself in trouble';
    server.next({ refusal: { status: 500, body, mediaType: 'text/plain' } });
    const failure = await failureOf(lab.connect({ urls: [server.url] }), lab.desk, []);
    expect(failure).toMatchObject({ type: 'failed', parameters: [] });
  });

  test('a run that somebody interrupts at the server says so', async () => {
    const server = await lab.serve();
    server.next({ ending: 'interrupted' });
    const failure = await failureOf(lab.connect({ urls: [server.url] }), lab.desk, []);
    expect(failure).toMatchObject({ type: 'failed', detail: 'somebody stopped the run at the server' });
  });

  test.each([
    ['torch.OutOfMemoryError', 'Allocation on device'],
    ['torch.cuda.OutOfMemoryError', 'CUDA out of memory. Tried to allocate 2.00 GiB'],
    ['RuntimeError', 'MPS backend out of memory (MPS allocated: 17 GB)'],
  ])('memory that is not enough is recognised: %s', async (errorType, errorText) => {
    const server = await lab.serve();
    server.next({ ending: 'error', errorType, errorText });
    const failure = await failureOf(lab.connect({ urls: [server.url] }), lab.desk, []);
    expect(failure.detail).toBe("SamplerCustomAdvanced 'Draw' ran out of memory on the server's GPU");
  });

  test('an exception names its node by title, and neither the server’s folders nor its tips', async () => {
    const server = await lab.serve();
    const errorText =
      'Could not detect model type of: /opt/ComfyUI/models/checkpoints/broken.safetensors\n\nTIPS: do this';
    server.next({ ending: 'error', errorText });
    const failure = await failureOf(lab.connect({ urls: [server.url] }), lab.desk, []);
    expect(failure.detail).toBe("SamplerCustomAdvanced 'Draw': Could not detect model type of: …/broken.safetensors");
  });

  test('a file that breaks off on its way is fetched again', async () => {
    const server = await lab.serve();
    server.next({ filesBreak: 'once' });
    const files = await expectFiles(lab.desk, await collect(lab.connect({ urls: [server.url] }).run(lab.desk.request)));
    expect(files).toHaveLength(4);
    expect(server.requests.filter((request) => request === 'GET /view')).toHaveLength(8);
  });
});

describe('what the history and the queue say', () => {
  const entry = (fields: object) => ({ id1: { prompt: [1, 'id1', {}, {}, []], outputs: {}, ...fields } });
  const ended = (fields: object) => endedIn(entry(fields), 'id1', WORKFLOW, clean);
  const images = (...names: string[]) => names.map((filename) => ({ filename, subfolder: '', type: 'output' }));

  test('a run that is not in it has not ended, whatever else is', () => {
    expect(endedIn({}, 'id1', WORKFLOW, clean)).toBeUndefined();
    // The fork's frontend gives the whole history for an id that it does not know.
    expect(endedIn(entry({}), 'id2', WORKFLOW, clean)).toBeUndefined();
    expect(endedIn(entry({}), 'constructor', WORKFLOW, clean)).toBeUndefined();
  });

  test('everything that has a file name is a file, under whatever name', () => {
    const outputs = {
      '9': { images: images('a.png', 'b.png'), animated: [false] },
      '10': {
        gifs: [{ filename: 'c.mp4', subfolder: 'v', type: 'output', format: 'video/h264-mp4' }],
        text: ['words'],
      },
      '11': { value: [null], audio: images('d.flac') },
      '12': null,
    };
    expect(ended({ outputs })).toMatchObject({
      files: [
        { filename: 'a.png' },
        { filename: 'b.png' },
        { filename: 'c.mp4', subfolder: 'v' },
        { filename: 'd.flac' },
      ],
    });
  });

  test('what was only shown counts where nothing was saved', () => {
    const shown = { '7': { images: [{ filename: 't.png', subfolder: '', type: 'temp' }] } };
    expect(ended({ outputs: { ...shown, '9': { images: images('a.png') } } })).toMatchObject({
      files: [{ filename: 'a.png' }],
    });
    expect(ended({ outputs: shown })).toMatchObject({ files: [{ filename: 't.png' }] });
  });

  test.each([
    [
      'pairs',
      [
        ['execution_start', {}],
        ['execution_error', { node_id: '5', exception_message: 'bad noise\n' }],
      ],
      "SamplerCustomAdvanced 'Draw': bad noise",
    ],
    ['the fork’s strings', ['execution_start', 'execution_error: bad noise'], 'bad noise'],
    ['text alone', ['deliberate failure'], 'deliberate failure'],
    ['nothing', [], undefined],
    ['an interruption as a string', ['execution_interrupted'], 'somebody stopped the run at the server'],
  ])('an error is read from %s', (_, messages, detail) => {
    const outcome = ended({ status: { status_str: 'error', completed: false, messages } });
    expect(outcome).toMatchObject({ failure: { type: 'failed', detail } });
  });

  test('a history without a status is of a server that only keeps what went well', () => {
    expect(ended({ outputs: { '9': { images: images('a.png') } } })).toHaveProperty('files');
  });

  test('the queue is sorted by number, which is not how it comes', () => {
    const item = (number: number, id: string) => [number, id, {}, {}, []];
    const queue = {
      queue_running: [item(1, 'r')],
      queue_pending: [item(9, 'c'), item(3, 'a'), item(-2, 'front'), item(5, 'b')],
    };
    expect(placeIn(queue, 'r')).toEqual({ state: 'running' });
    expect(placeIn(queue, 'front')).toEqual({ state: 'waiting', ahead: 1 });
    expect(placeIn(queue, 'b')).toEqual({ state: 'waiting', ahead: 3 });
    expect(placeIn(queue, 'c')).toEqual({ state: 'waiting', ahead: 4 });
    expect(placeIn(queue, 'z')).toBeUndefined();
  });

  test('the fork has objects in its queue', () => {
    const queue = {
      queue_running: [],
      queue_pending: [
        { priority: 4, prompt_id: 'b', prompt: {} },
        { priority: 2, prompt_id: 'a', prompt: {} },
      ],
    };
    expect(placeIn(queue, 'b')).toEqual({ state: 'waiting', ahead: 1 });
  });

  test('anything else is not ComfyUI', () => {
    expect(() => endedIn([], 'id1', WORKFLOW, clean)).toThrow(expect.objectContaining({ type: 'unintelligible' }));
    expect(() => placeIn({ jobs: [] }, 'id1')).toThrow(expect.objectContaining({ type: 'unintelligible' }));
  });
});

describe('JSON as Python writes it', () => {
  test('has numbers that JSON does not have, which become null', () => {
    expect(parsePythonJson('{"a": [NaN, Infinity, -Infinity, 1], "b": "NaN \\" Infinity", "NaN": NaN}')).toEqual({
      a: [null, null, null, 1],
      b: 'NaN " Infinity',
      NaN: null,
    });
  });

  test('is refused where it is none either way', () => {
    expect(() => parsePythonJson('{"a": NaNa}')).toThrow(SyntaxError);
    expect(() => parsePythonJson('<html>NaN</html>')).toThrow(SyntaxError);
    expect(() => parsePythonJson('')).toThrow(SyntaxError);
  });
});
