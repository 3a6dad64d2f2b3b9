import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { loadRecipes } from '../../src/recipes/recipe-loader.ts';
import { runScript } from '../scripts/_script.ts';
import { answerEverything, useCommand } from './_made.ts';
import { openStage, type Stage } from './stage.ts';

/**
 * From a file of ComfyUI or ViewComfy to an answer in Discord: `npm run recipe` writes the recipe, the bot loads and
 * registers it, somebody answers everything, and ViewComfy gets what was answered and nothing else.
 */

const SHARED = fileURLToPath(new URL('../../../shared/workflows/', import.meta.url));
const DONE = / s on ViewComfy/;

let folder: string;
let stage: Stage | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-any-workflow-'));
});
afterEach(async () => {
  await stage?.close();
  stage = undefined;
  await rm(folder, { recursive: true });
});

/** Writes the recipe of a file, and loads it again. */
async function makeRecipe(text: string, ...more: string[]): Promise<Recipe> {
  await writeFile(join(folder, 'given.json'), text);
  const args = ['given.json', '--name', 'made', '--commands', 'made', ...more];
  expect(await runScript('recipe.ts', folder, args)).toMatchObject({ code: 0 });
  const recipe = (await loadRecipes({ directories: [join(folder, 'made')] })).get('made');
  if (!recipe) throw new Error('nothing was made');
  return recipe;
}

/** A person answers everything. @returns what they see in the end, and the run that ViewComfy had */
async function useRecipe(recipe: Recipe) {
  stage = await openStage({ recipes: [recipe], viewcomfy: { drawing: 'flat' } });
  const ana = stage.person('ana');
  const answers = await answerEverything(recipe);
  const reply = await useCommand(ana, recipe.name, answers);
  const shown = await ana.waitFor(reply.id, DONE);
  expect(stage.viewcomfy.runs).toHaveLength(1);
  const [run] = stage.viewcomfy.runs;
  expect(run).toMatchObject({ outcome: 'succeeded', workflow: recipe.workflow?.graph });
  expect(run?.params).toEqual(answers.params);
  expect(Object.fromEntries(run?.files.map(({ key, mediaType }) => [key, mediaType]) ?? [])).toEqual(answers.files);
  return { ana, shown, run };
}

const EXAMPLES: readonly (readonly [file: string, ...args: string[]])[] = [
  ['flux-consistent-characters/workflow_api.json'],
  ['flux-consistent-characters/view_comfy.json'],
  ['others/ip_adapter_api.json'],
  ['others/hunyuan_with_loras_api.json'],
  ['others/wan_workflow_api_with_lora.json'],
  ['others/view_comfy_to_web_app.json', '--form', '1'],
  ['others/view_comfy_to_web_app.json', '--form', '2'],
];

// Those files are not ours to give away: where they are not, the workflows below are all that is tried.
describe.runIf(existsSync(SHARED))(
  'the workflows of ViewComfy’s examples, where their folder is there',
  { timeout: 90_000 },
  () => {
    it.each(EXAMPLES.map((words) => [words.join(' '), ...words] as const))(
      '%s answers in Discord',
      async (_words, file, ...args) => {
        const text = readFileSync(join(SHARED, file), 'utf8');
        const recipe = await makeRecipe(text, ...args);
        const { shown } = await useRecipe(recipe);
        expect(shown.pictures.length + shown.files.length).toBeGreaterThan(0);
      },
    );
  },
);

const STYLES = Array.from({ length: 40 }, (_, index) => ({ label: `Style ${index + 1}`, value: `style-${index}.pt` }));

/** Everything that a form can ask, of nodes of which some are called otherwise than by a number. */
const PAINT = {
  '1': { class_type: 'LoadImage', _meta: { title: 'Photo' }, inputs: { image: 'a.png' } },
  'region-2': { class_type: 'LoadImageMask', inputs: { image: 'b.png', channel: 'red' } },
  '3': {
    class_type: 'Paint',
    inputs: {
      text: 'a street',
      'story-inputs-long': 'once',
      negative: 'blur',
      strength: 0.5,
      passes: 2,
      size: 512,
      is_tiled: true,
      style: 'style-3.pt',
      seed: 7,
      mode: 'slow',
      image: ['1', 0],
      mask: ['1', 1],
      region: ['region-2', 0],
    },
  },
  '9': { class_type: 'SaveImage', inputs: { filename_prefix: 'painted', images: ['3', 0] } },
};

const field = (node: string, input: string, valueType: string, value: unknown, more: object = {}) => ({
  title: input,
  workflowPath: [node, 'inputs', input],
  valueType,
  value,
  ...more,
});
const required = { validations: { required: true, errorMsg: 'Please say it.' } };
const PAINT_FORM = {
  file_type: 'view_comfy',
  workflows: [
    {
      viewComfyJSON: {
        title: 'Paint',
        description: 'Paints over a picture',
        inputs: [
          {
            title: 'All',
            inputs: [
              field('1', 'image', 'image-mask', null, { title: 'Photo', ...required }),
              field('region-2', 'image', 'image', null, { title: 'Region' }),
              field('3', 'text', 'string', '', required),
              field('3', 'story-inputs-long', 'long-text', 'Once upon a time', { title: 'Story', ...required }),
              field('3', 'negative', 'long-text', 'blur'),
              field('3', 'strength', 'slider', 0.5, { slider: { min: 0, max: 1, step: 0.05 } }),
              field('3', 'passes', 'number', 3, { range: { min: 1, max: 9 } }),
              field('3', 'size', 'select', '512', {
                options: [256, 512, 1024].map((value) => ({ label: `${value} px`, value: `${value}` })),
              }),
              field('3', 'is_tiled', 'boolean', true),
              field('3', 'style', 'select', 'style-7.pt', { options: STYLES }),
              field('3', 'seed', 'seed', 5e-324),
              field('3', 'mode', 'string', 'fast', { visibility: 'hidden' }),
            ],
          },
        ],
      },
      workflowApiJSON: PAINT,
    },
  ],
};

/** A film and a sound become another film and another sound. */
const DUB = {
  '1': { class_type: 'LoadVideo', _meta: { title: 'Film' }, inputs: { file: 'a.mp4' } },
  '2': { class_type: 'LoadAudio', inputs: { audio: 'a.mp3' } },
  '3': { class_type: 'CLIPTextEncode', inputs: { text: 'a voice' } },
  '4': { class_type: 'KSampler', inputs: { seed: 1, steps: 4, positive: ['3', 0], video: ['1', 0], audio: ['2', 0] } },
  '5': { class_type: 'SaveVideo', inputs: { filename_prefix: 'video/Dubbed', video: ['4', 0] } },
  '6': { class_type: 'SaveAudioMP3', inputs: { filename_prefix: 'audio/Voice', audio: ['4', 1] } },
};

/** Words that a model says of a picture. */
const CAPTION = {
  '1': { class_type: 'LoadImage', inputs: { image: 'a.png' } },
  '2': { class_type: 'Florence2Run', inputs: { image: ['1', 0], text_input: '', seed: 1, num_beams: 3 } },
  '3': { class_type: 'ShowText|pysssss', _meta: { title: 'Caption' }, inputs: { text: ['2', 2] } },
  '4': { class_type: 'PreviewImage', inputs: { images: ['2', 0] } },
};

describe('a workflow that nobody has seen', { timeout: 60_000 }, () => {
  it('with a form of every kind of field answers in Discord', async () => {
    const recipe = await makeRecipe(JSON.stringify(PAINT_FORM));
    expect(Object.entries(recipe.options).map(([name, { kind }]) => `${name} ${kind}`)).toEqual([
      'photo picture',
      'prompt text',
      'story long-text',
      'photo_mask mask',
      'region mask',
      'negative long-text',
      'strength number',
      'passes integer',
      'size choice',
      'is_tiled switch',
      'style choice',
      'seed seed',
    ]);
    const { ana, shown, run } = await useRecipe(recipe);
    expect(shown.pictures).toHaveLength(1);
    expect(run?.params).toMatchObject({
      '3-inputs-size': 1024,
      '3-inputs-style': 'style-39.pt',
      '3-inputs-is_tiled': false,
    });
    // What is hidden is in the workflow; what nobody answers is the form's.
    expect(run?.workflow?.['3']?.inputs).toMatchObject({ mode: 'fast' });
    // The mask has no input of its own: it went with the picture.
    expect(run?.files.map(({ key }) => key).toSorted()).toEqual(['1-inputs-image', 'region-2-inputs-image']);
    expect(await ana.autocomplete('made', 'style', 'Style 3')).toContain('Style 33');
  });

  it('sends what stands in its form where nothing else is answered', async () => {
    const recipe = await makeRecipe(JSON.stringify(PAINT_FORM));
    const required = Object.entries(recipe.options).filter(([, option]) => option.required);
    const answers = await answerEverything({ options: Object.fromEntries(required) });
    stage = await openStage({ recipes: [recipe], viewcomfy: { drawing: 'flat' } });
    const ana = stage.person('ana');
    // What stands in the modal is sent with it.
    const reply = await useCommand(ana, 'made', { ...answers, typed: { ...answers.typed, negative: 'blur' } });
    await ana.waitFor(reply.id, DONE);
    const [run] = stage.viewcomfy.runs;
    expect(run?.params).toEqual({
      ...answers.params,
      '3-inputs-negative': 'blur',
      '3-inputs-strength': 0.5,
      '3-inputs-passes': 3,
      '3-inputs-size': 512,
      '3-inputs-is_tiled': true,
      '3-inputs-style': 'style-7.pt',
      '3-inputs-seed': expect.any(Number),
    });
    expect(run?.files).toMatchObject([{ key: '1-inputs-image', mediaType: 'image/jpeg' }]);
  });

  it('that turns a film and a sound into others answers in Discord', async () => {
    const recipe = await makeRecipe(JSON.stringify(DUB));
    expect(recipe.outputs).toEqual({ main: ['Dubbed', 'Voice'] });
    const { shown, run } = await useRecipe(recipe);
    expect(run?.files).toMatchObject([{ mediaType: 'video/webm' }, { mediaType: 'audio/wav' }]);
    expect(shown.pictures).toEqual([expect.stringMatching(/dubbed/i)]);
    expect(shown.files).toEqual([expect.stringMatching(/voice/i)]);
  });

  it('that says what is in a picture answers in Discord', async () => {
    const recipe = await makeRecipe(JSON.stringify(CAPTION));
    expect(recipe.outputs).toEqual({ main: [{ node: 'Caption' }] });
    const { shown } = await useRecipe(recipe);
    expect(shown).toMatchObject({ pictures: [], files: [], text: expect.stringContaining('Local preview') });
  });
});
