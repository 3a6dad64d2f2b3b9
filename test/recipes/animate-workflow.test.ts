import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import animate from '../../commands/animate.ts';
import { fill, sortOutputs, type Option, type Recipe } from '../../src/recipes/recipe.ts';
import {
  linksOf,
  loosePartsOf,
  modelFilesOf,
  nodeOf,
  problemsOf,
  problemsOfAnswers,
  sourcesOf,
  Workflow,
} from './core-graph.ts';

const read = async (name: string) => readFile(new URL(`../../commands/${name}`, import.meta.url), 'utf8');
const workflow = Workflow.parse(JSON.parse(await read('animate.workflow.json')));
const page = await read('animate-workflow.md');
const recipe: Recipe = animate;

const only = (kind: string) => {
  const [id = '', ...others] = Object.keys(workflow).filter((id) => workflow[id]?.class_type === kind);
  expect(others).toEqual([]);
  return id;
};

describe('the workflow of /animate', () => {
  test('is a graph that a ComfyUI without custom nodes accepts', () => {
    expect(problemsOf(workflow)).toEqual([]);
    expect(loosePartsOf(workflow)).toEqual([]);
  });

  test.for<[string, string, string, unknown, string]>([
    ['a picture in the place of a video', '14', 'video', ['12', 0], 'wants VIDEO and gets IMAGE'],
    ['the wrong output of the size', '9', 'start_image', ['6', 1], 'wants IMAGE and gets INT'],
    ['a width that no model takes', '9', 'width', 1270, 'width is not from 32'],
    ['a codec that is none', '14', 'codec', 'vp9', 'codec is no choice'],
    ['an input that is unknown', '9', 'clip_vision_output', 'x', 'clip_vision_output is unknown'],
  ])('and %s would be noticed', ([, id, input, value, problem]) => {
    const node = workflow[id];
    const broken = Workflow.parse({ ...workflow, [id]: { ...node, inputs: { ...node?.inputs, [input]: value } } });
    expect(problemsOf(broken)).toEqual([expect.stringContaining(problem)]);
  });

  test('has a title of its own for every node, in words that people read in errors', () => {
    const titles = Object.values(workflow).map(({ _meta: { title } }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    for (const title of ['Picture', 'Prompt', 'What to avoid', 'Length', 'Video size']) expect(titles).toContain(title);
  });

  test('makes its video of the picture, the words and the seed, and the last frame of the same frames', () => {
    const [video, frame] = [only('SaveVideo'), only('SaveImage')];
    const sources = sourcesOf(workflow, video);
    for (const option of Object.values(recipe.options)) {
      for (const key of option.parameters) expect([...sources]).toContain(nodeOf(key));
    }
    const frames = only('VAEDecode');
    for (const id of [video, frame]) expect([...sourcesOf(workflow, id)]).toContain(frames);
    expect(sortOutputs(recipe, [{ name: 'last_frame_00001_.png' }, { name: 'animation_00001_.mp4' }])).toEqual({
      main: [{ name: 'animation_00001_.mp4' }],
      extra: [{ name: 'last_frame_00001_.png' }],
    });
    expect([video, frame].map((id) => workflow[id]?.inputs['filename_prefix'])).toEqual(['animation', 'last_frame']);
  });

  test('tells the prompt from what is to be avoided', () => {
    const { positive, negative } = workflow[only('KSampler')]?.inputs ?? {};
    expect([positive, negative]).toEqual([
      [nodeOf(recipe.options['prompt']?.parameters[0] ?? ''), 0],
      [nodeOf(recipe.options['avoid']?.parameters[0] ?? ''), 0],
    ]);
  });

  test('gives the video the shape of the picture, in multiples of what the model takes', () => {
    const { width, height, start_image: start } = workflow[only('Wan22ImageToVideoLatent')]?.inputs ?? {};
    const [size, scale] = [only('GetImageSize'), only('ImageScaleToTotalPixels')];
    expect([width, height, start]).toEqual([
      [size, 0],
      [size, 1],
      [scale, 0],
    ]);
    expect(linksOf(workflow, size)).toEqual([scale]);
    expect(workflow[scale]?.inputs['resolution_steps']).toBe(32);
  });

  test.for(Object.entries<Option>(recipe.options))('takes every answer to %s', ([, option]) => {
    for (const key of option.parameters) expect(problemsOfAnswers(workflow, key, option)).toEqual([]);
  });

  test('makes films that are as long as they are called', () => {
    const fps = Number(workflow[only('CreateVideo')]?.inputs['fps']);
    for (const [label, frames] of Object.entries(animate.options.length.choices)) {
      // The model takes one frame more than a multiple of four.
      expect(frames % 4).toBe(1);
      expect(Math.floor(frames / fps)).toBe(Number.parseInt(label, 10));
    }
  });

  test('says by itself what it says by default, so that it can be tried in ComfyUI', () => {
    for (const option of Object.values(recipe.options)) {
      if (!('default' in option) || option.default === undefined) continue;
      const value = option.kind === 'choice' ? option.choices[option.default] : option.default;
      for (const key of option.parameters) {
        expect(workflow[nodeOf(key)]?.inputs[key.slice(key.indexOf('-inputs-') + 8)]).toEqual(value);
      }
    }
  });

  test('goes with every run', () => {
    const wish = fill(recipe, { length: '5 seconds', prompt: 'a walk' });
    expect(wish).toEqual({
      workflow: animate.workflow.graph,
      parameters: { '9-inputs-length': 121, '7-inputs-text': 'a walk' },
      files: {},
    });
  });

  test('says where each of its model files goes', () => {
    const files = modelFilesOf(workflow);
    expect(files).toHaveLength(3);
    for (const file of files) expect(page).toContain(`\`${file}\``);
  });
});
