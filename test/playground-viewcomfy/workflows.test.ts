import sharp from 'sharp';
import { expect, test } from 'vitest';
import type { LocalViewComfyOptions } from '../../src/playground/viewcomfy/server.ts';
import { elementsAt, elementsIn } from '../playground/ebml.ts';
import { resultOf, run, startViewComfy, type Part } from './client.ts';

/** A workflow that gives something of every kind, and shows a picture that is not kept. */
const GRAPH = {
  '1': { class_type: 'LoadImage', inputs: { image: 'example.png' } },
  '2': { class_type: 'CLIPTextEncode', inputs: { text: 'nothing yet' } },
  '3': { class_type: 'KSampler', inputs: { seed: 7, steps: 4, positive: ['2', 0], image: ['1', 0] } },
  '4': { class_type: 'CreateVideo', inputs: { images: ['3', 0], fps: 24 } },
  '5': { class_type: 'SaveVideo', inputs: { video: ['4', 0], filename_prefix: 'video/moves' } },
  '6': { class_type: 'VHS_VideoCombine', inputs: { images: ['3', 0], frame_rate: 8, filename_prefix: 'combined' } },
  '7': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'still' } },
  '8': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'still' } },
  '9': { class_type: 'PreviewImage', inputs: { images: ['3', 0] } },
  '10': { class_type: 'SaveAudio', inputs: { audio: ['3', 0], filename_prefix: 'audio/hums' } },
  '11': { class_type: 'ShowText|pysssss', inputs: { text: ['2', 0] } },
};

async function outputsOf(graph: object, options: Partial<LocalViewComfyOptions> = {}, parts: readonly Part[] = []) {
  const viewComfy = await startViewComfy(options);
  const { body } = await run(viewComfy, [
    { name: 'params', body: '{"2-inputs-text":"a red kite","5-inputs-filename_prefix":"video/flies"}' },
    { name: 'workflow_api', body: JSON.stringify(graph) },
    ...parts,
    { name: 'logs', body: 'true' },
  ]);
  return { body, outputs: resultOf(body).outputs ?? [] };
}

test('a workflow that is sent gives what each of its nodes gives, under the names that they have', async () => {
  const { outputs, body } = await outputsOf({ ...GRAPH });
  expect(outputs.map(({ filename, content_type: type }) => [filename, type])).toEqual([
    ['flies_00001_.webm', 'video/webm'],
    ['combined_00001.webm', 'video/webm'],
    ['still_00001_.png', 'image/png'],
    ['still_00002_.png', 'image/png'],
    ['hums_00001_.wav', 'audio/wav'],
    ['ComfyUI_00001_.txt', 'text/plain'],
  ]);
  const texts = outputs.map(({ data = '' }) => Buffer.from(data, 'base64').toString('latin1'));
  expect(texts[0]?.slice(0, 4)).toBe('\x1aE\xdf\xa3');
  expect(texts[4]?.slice(0, 4)).toBe('RIFF');
  expect(texts[5]).toBe('a red kite');
  expect(body).toContain('4/4 [');
});

test('what is only shown is given where nothing is kept', async () => {
  const { outputs } = await outputsOf({
    ...Object.fromEntries(Object.entries(GRAPH).filter(([id]) => Number(id) <= 5)),
    '6': { class_type: 'VHS_VideoCombine', inputs: { images: ['3', 0], save_output: false } },
  });
  expect(outputs.map(({ filename }) => filename)).toEqual(['flies_00001_.webm']);
  const shown = await outputsOf({
    '2': GRAPH['2'],
    '5': { class_type: 'PreviewImage', inputs: { images: ['2', 0], filename_prefix: 'shown' } },
  });
  expect(shown.outputs.map(({ filename }) => filename)).toEqual(['flies_00001_.png']);
});

test('a film is made from the picture that was sent, as long as the workflow says, and a picture of it is one of its frames', async () => {
  const picture = await sharp({ create: { width: 60, height: 90, channels: 3, background: '#c33' } })
    .png()
    .toBuffer();
  const graph = {
    '1': GRAPH['1'],
    '2': GRAPH['2'],
    '3': { class_type: 'Wan22ImageToVideoLatent', inputs: { start_image: ['1', 0], prompt: ['2', 0], length: 49 } },
    '4': GRAPH['4'],
    '5': GRAPH['5'],
    '7': GRAPH['7'],
  };
  const part = { name: '1-inputs-image', body: picture, filename: 'me.png', mediaType: 'image/png' };
  const { outputs } = await outputsOf(graph, { drawing: 'full', pictureScale: 0.2 }, [part]);
  const [film = Buffer.alloc(0), frame = Buffer.alloc(0)] = outputs.map(({ data = '' }) => Buffer.from(data, 'base64'));
  const inside = elementsAt(elementsIn(film), '18538067').flatMap(({ content }) => elementsIn(content));
  const [wide, tall] = ['b0', 'ba'].map((id) => elementsAt(inside, '1654ae6b', 'ae', 'e0', id)[0]?.content[0]);
  expect([wide, tall]).toEqual([64, 96]);
  // 49 frames, of which the first is at 0; half as many are drawn.
  expect(elementsAt(inside, '1549a966', '4489')[0]?.content.readDoubleBE()).toBe(2083);
  expect(await sharp(frame).metadata()).toMatchObject({ format: 'png', width: 64, height: 96 });
});

test('a workflow that keeps and shows nothing fails as ComfyUI has it', async () => {
  const viewComfy = await startViewComfy();
  const { body } = await run(viewComfy, [
    { name: 'params', body: '{"2-inputs-text":"a red kite"}' },
    { name: 'workflow_api', body: JSON.stringify({ '2': GRAPH['2'] }) },
    { name: 'logs', body: 'true' },
  ]);
  expect(body).toContain('event: error\r\ndata: Prompt has no outputs');
  expect(viewComfy.runs[0]?.outcome).toBe('failed');
});

test('a parameter is found in a workflow that is sent, whatever its node is called, and the workflow is kept as it came', async () => {
  const viewComfy = await startViewComfy();
  const node = {
    class_type: 'SaveImage',
    _meta: { title: 'Twice' },
    inputs: { 'b-inputs-c': 'x', filename_prefix: 'y' },
  };
  const graph = { '1-a-inputs-z': node };
  const ask = (params: object) =>
    run(viewComfy, [
      { name: 'params', body: JSON.stringify(params) },
      { name: 'workflow_api', body: JSON.stringify(graph) },
    ]);
  const params = { '1-a-inputs-z-inputs-b-inputs-c': 'z', '1-a-inputs-z-inputs-filename_prefix': 'w' };
  const { status, body } = await ask(params);
  expect(status).toBe(201);
  expect(JSON.parse(body)).toMatchObject({
    prompt: { '1-a-inputs-z': { inputs: { 'b-inputs-c': 'z', filename_prefix: 'w' } } },
  });
  expect(viewComfy.runs.at(-1)).toMatchObject({ params, workflow: graph });
  for (const stray of ['1-a-inputs-z', '1-a-inputs-z-inputs-b', '1-a-inputs-filename_prefix', 'filename_prefix']) {
    expect([stray, (await ask({ [stray]: 'x' })).status]).toEqual([stray, 422]);
  }
});
