import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadRecipes } from '../../src/recipes/recipe-loader.ts';
import { answersTo, changedBy, expectedOf, recipeOf, register } from './_recipe.ts';
import { runScript } from './_script.ts';

const SHARED = fileURLToPath(new URL('../../../shared/workflows/', import.meta.url));
const FLUX = join('flux-consistent-characters', 'workflow_api.json');
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Two passes with one prompt through a reroute, a negative one, a picture, and a size that a node of its own holds. */
const GRAPH = {
  '9': {
    class_type: 'SaveImage',
    _meta: { title: 'Save Image' },
    inputs: { filename_prefix: 'Out/Portrait_%date%', images: ['8', 0] },
  },
  '3': {
    class_type: 'KSampler',
    _meta: { title: 'KSampler' },
    inputs: {
      seed: 7,
      steps: 20,
      cfg: 6.5,
      positive: ['31', 0],
      negative: ['31', 1],
      latent_image: ['5', 0],
      model: ['4', 0],
    },
  },
  '31': {
    class_type: 'ControlNetApplyAdvanced',
    inputs: { strength: 0.6, positive: ['20', 0], negative: ['7', 0], control_net: ['32', 0], image: ['12', 0] },
  },
  '20': { class_type: 'Reroute', inputs: { '': ['6', 0] } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: ['21', 0], clip: ['4', 1] } },
  '21': { class_type: 'PrimitiveStringMultiline', _meta: { title: 'What to draw' }, inputs: { value: 'a cat' } },
  '7': { class_type: 'CLIPTextEncode', inputs: { text: 'blurry', clip: ['4', 1] } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: ['22', 0], height: 768, batch_size: 1 } },
  '22': { class_type: 'PrimitiveInt', inputs: { value: 512 } },
  '12': { class_type: 'LoadImage', _meta: { title: 'Load Image' }, inputs: { image: 'a.png', upload: 'image' } },
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'x.safetensors' } },
  '32': { class_type: 'ControlNetLoader', inputs: { control_net_name: 'y.safetensors' } },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  '40': {
    class_type: 'KSampler',
    inputs: { seed: 9, steps: 20, cfg: 1, positive: ['20', 0], negative: ['7', 0], model: ['4', 0] },
  },
};

const field = (path: readonly string[], more: object) => ({
  workflowPath: [path[0], 'inputs', path[1]],
  title: '',
  ...more,
});
const form = (inputs: readonly object[], graph: object = GRAPH) =>
  JSON.stringify({
    file_type: 'view_comfy',
    workflows: [
      {
        viewComfyJSON: { title: 'Portraits', description: 'Draws a portrait', inputs: [{ title: 'All', inputs }] },
        workflowApiJSON: graph,
      },
    ],
  });

describe('a recipe of a workflow', () => {
  const made = () => recipeOf(JSON.stringify(GRAPH));

  it('asks for the words at the samplers’ links, the picture, the seeds, the size and the steps', () => {
    const { options, outputs } = made().recipe;
    expect(
      Object.entries(options).map(([name, { kind, required, parameters }]) => [name, kind, required, parameters]),
    ).toEqual([
      ['prompt', 'text', true, ['21-inputs-value']],
      ['image', 'picture', true, ['12-inputs-image']],
      ['negative', 'text', undefined, ['7-inputs-text']],
      ['seed', 'seed', undefined, ['3-inputs-seed', '40-inputs-seed']],
      ['width', 'integer', undefined, ['22-inputs-value']],
      ['height', 'integer', undefined, ['5-inputs-height']],
      ['steps', 'integer', undefined, ['3-inputs-steps', '40-inputs-steps']],
      ['cfg', 'number', undefined, ['3-inputs-cfg']],
    ]);
    expect(options).toMatchObject({ negative: { default: 'blurry' }, width: { default: 512 }, cfg: { default: 6.5 } });
    expect(outputs).toEqual({ main: ['Portrait'] });
  });

  it('says of each option why it is there', () => {
    const { reasons } = made();
    expect(reasons.get('prompt')).toBe(
      "the words of PrimitiveStringMultiline 'What to draw', followed from the samplers",
    );
    expect([...reasons.keys()]).toEqual(Object.keys(made().recipe.options));
  });

  it('registers, and each answer goes where it belongs and nowhere else', () => {
    const { recipe } = made();
    register(recipe);
    const answers = answersTo(recipe);
    const { changes, unknown } = changedBy(recipe, answers);
    expect(changes.toSorted()).toEqual(expectedOf(recipe, answers).toSorted());
    expect(unknown).toEqual([]);
  });

  it('leaves out a negative prompt that no sampler hears, and one that is zeroed', () => {
    const sampler = { class_type: 'KSampler', inputs: { cfg: 1, positive: ['1', 0], negative: ['2', 0], seed: 1 } };
    const text = (words: string) => ({ class_type: 'CLIPTextEncode', inputs: { text: words, clip: ['9', 0] } });
    const unheard = { '1': text('a'), '2': text('b'), '3': sampler };
    expect(Object.keys(recipeOf(JSON.stringify(unheard)).recipe.options)).toEqual(['prompt', 'seed']);
    const zeroed = {
      '1': text('a'),
      '2': { class_type: 'ConditioningZeroOut', inputs: { conditioning: ['1', 0] } },
      '3': { ...sampler, inputs: { ...sampler.inputs, cfg: 5 } },
    };
    expect(Object.keys(recipeOf(JSON.stringify(zeroed)).recipe.options)).toEqual(['prompt', 'seed', 'cfg']);
  });

  it('follows bundles to the side that was taken out of them', () => {
    const bundled = {
      '1': { class_type: 'CLIPTextEncode', inputs: { text: 'good' } },
      '2': { class_type: 'CLIPTextEncode', inputs: { text: 'bad' } },
      '3': { class_type: 'ToBasicPipe', inputs: { positive: ['1', 0], negative: ['2', 0] } },
      '4': { class_type: 'FromBasicPipe', inputs: { basic_pipe: ['3', 0] } },
      '5': { class_type: 'KSampler', inputs: { cfg: 7, positive: ['4', 3], negative: ['4', 4] } },
    };
    expect(recipeOf(JSON.stringify(bundled)).recipe.options).toMatchObject({
      prompt: { parameters: ['1-inputs-text'] },
      negative: { parameters: ['2-inputs-text'] },
    });
  });

  it('without a sampler takes what is called a prompt, and says so', () => {
    const remote = { '1': { class_type: 'ImageService', inputs: { prompt: 'a cat', seed: 3, size: 'auto' } } };
    const { recipe, reasons } = recipeOf(JSON.stringify(remote));
    expect(Object.keys(recipe.options)).toEqual(['prompt', 'seed']);
    expect(reasons.get('prompt')).toContain('no sampler');
  });

  it('asks for the seed that has a title of its own, and leaves the others', () => {
    const seeds = {
      '1': { class_type: 'RandomNoise', _meta: { title: 'RandomNoise' }, inputs: { noise_seed: 1 } },
      '2': { class_type: 'RandomNoise', _meta: { title: 'Scene seed' }, inputs: { noise_seed: 2 } },
    };
    const { recipe, notes } = recipeOf(JSON.stringify(seeds));
    expect(recipe.options).toMatchObject({ seed: { parameters: ['2-inputs-noise_seed'] } });
    expect(notes).toContain("1 more seeds keep the workflow's own value: no title calls them seeds.");
  });

  it('asks for each kind of file that a node loads, and for the mask that a picture carries', () => {
    const loaders = {
      '1': { class_type: 'LoadImage', _meta: { title: 'Room' }, inputs: { image: 'a.png' } },
      '2': { class_type: 'LoadImageMask', inputs: { image: 'b.png', channel: 'red' } },
      '3': { class_type: 'VHS_LoadVideo', inputs: { video: 'a.mp4', force_rate: 0 } },
      '4': { class_type: 'LoadVideo', inputs: { file: 'b.mp4' } },
      '5': { class_type: 'LoadAudio', inputs: { audio: 'a.mp3' } },
      '6': { class_type: 'VHS_LoadAudioUpload', _meta: { title: 'Voice' }, inputs: { audio: 'b.mp3', start_time: 0 } },
      '7': { class_type: 'LoadImage', inputs: { image: 'unused.png' } },
      '8': { class_type: 'VHS_LoadVideoPath', _meta: { title: 'Old' }, inputs: { video: '/srv/a.mp4' } },
      '9': {
        class_type: 'Mix',
        inputs: {
          a: ['1', 0],
          b: ['1', 1],
          c: ['2', 0],
          d: ['3', 0],
          e: ['4', 0],
          f: ['5', 0],
          g: ['6', 0],
          h: ['8', 0],
        },
      },
    };
    const { recipe, notes } = recipeOf(JSON.stringify(loaders));
    expect(
      Object.entries(recipe.options).map(([name, { kind, required, parameters }]) => [
        name,
        kind,
        required,
        parameters,
      ]),
    ).toEqual([
      ['room', 'picture', true, ['1-inputs-image']],
      ['mask', 'mask', true, ['2-inputs-image']],
      ['video', 'video', true, ['3-inputs-video']],
      ['video_2', 'video', true, ['4-inputs-file']],
      ['audio', 'audio', true, ['5-inputs-audio']],
      ['voice', 'audio', true, ['6-inputs-audio']],
      ['room_mask', 'mask', undefined, []],
    ]);
    expect(recipe.options).toMatchObject({ room_mask: { of: 'room' } });
    expect(recipe.options['mask']).not.toHaveProperty('of');
    expect(notes.join()).toContain("VHS_LoadVideoPath 'Old' keeps the workflow's own files");
    register(recipe);
  });

  it('takes a picture and a mask of one file for each other’s', () => {
    const painted = {
      '1': { class_type: 'LoadImageMask', inputs: { image: 'a.png', channel: 'alpha' } },
      '2': { class_type: 'LoadImage', _meta: { title: 'private' }, inputs: { image: 'a.png' } },
      '3': { class_type: 'Fill', inputs: { image: ['2', 0], mask: ['1', 0] } },
    };
    const { options } = recipeOf(JSON.stringify(painted)).recipe;
    expect(options).toMatchObject({
      private_2: { kind: 'picture' },
      mask: { of: 'private_2', parameters: ['1-inputs-image'] },
    });
  });

  it('opens a modal for long words, which stand there to be changed', () => {
    const written = (text: string) =>
      recipeOf(
        JSON.stringify({
          '1': { class_type: 'CLIPTextEncode', inputs: { text } },
          '2': { class_type: 'CLIPTextEncode', inputs: { text: `not ${text}` } },
          '3': { class_type: 'KSampler', inputs: { cfg: 5, positive: ['1', 0], negative: ['2', 0] } },
        }),
      ).recipe.options;
    expect(written('x'.repeat(301))).toMatchObject({
      prompt: { kind: 'long-text', required: true, default: 'x'.repeat(301) },
      // What need not be answered opens nothing.
      negative: { kind: 'text', default: `not ${'x'.repeat(301)}` },
    });
    expect(written('x'.repeat(300))['prompt']).toEqual({
      kind: 'text',
      required: true,
      description: 'What it should show',
      parameters: ['1-inputs-text'],
    });
    expect(written('x'.repeat(4001))['prompt']).toMatchObject({ kind: 'text', required: true });
  });

  it('asks for the nodes alone that are marked for ViewComfy, and for everything in them', () => {
    const marked = {
      ...GRAPH,
      '3': {
        ...GRAPH['3'],
        _meta: { title: 'VC_ADV: Sampling' },
        inputs: { ...GRAPH['3'].inputs, denoise: 0.5, fast: true, scheduler: 'karras' },
      },
      '21': { ...GRAPH['21'], _meta: { title: 'VC_BASIC What to draw' } },
    };
    const { recipe, notes, reasons } = recipeOf(JSON.stringify(marked));
    expect(Object.entries(recipe.options).map(([name, { kind, parameters }]) => [name, kind, ...parameters])).toEqual([
      ['prompt', 'text', '21-inputs-value'],
      ['seed', 'seed', '3-inputs-seed'],
      ['steps', 'integer', '3-inputs-steps'],
      ['cfg', 'number', '3-inputs-cfg'],
      ['denoise', 'number', '3-inputs-denoise'],
      ['fast', 'switch', '3-inputs-fast'],
    ]);
    expect(recipe.options).toMatchObject({
      prompt: { description: 'What to draw' },
      denoise: { default: 0.5, min: 0, max: 1 },
    });
    expect(reasons.get('denoise')).toContain("KSampler 'Sampling'");
    expect(notes).toEqual([
      'Only the 2 nodes whose titles begin with VC_BASIC or VC_ADV are asked for.',
      "scheduler of KSampler 'Sampling' keeps the workflow's own value: it may be one of a list.",
    ]);
    // The workflow itself stays as it was.
    expect(recipe.workflow?.graph).toEqual(marked);
    register(recipe);
  });

  it('takes for the result what nothing else that is saved is made from', () => {
    const save = (prefix: string, from: string) => ({
      class_type: 'SaveImage',
      inputs: { filename_prefix: prefix, images: [from, 0] },
    });
    const saving = {
      '1': { class_type: 'Draw', inputs: { prompt: 'x' } },
      '2': { class_type: 'Upscale', inputs: { image: ['1', 0] } },
      '3': save('Small', '1'),
      '4': save('Scene_10', '2'),
      '5': save('Scene_2', '2'),
      '6': save('debug_mask', '2'),
    };
    expect(recipeOf(JSON.stringify(saving)).recipe.outputs.main).toEqual(['Scene_2', 'Scene_10']);
  });

  it.each<[string, object, unknown]>([
    [
      'videos and sounds that are saved',
      {
        '1': {
          class_type: 'VHS_VideoCombine',
          inputs: { filename_prefix: 'clips/Film', save_output: true, images: ['9', 0] },
        },
        '2': { class_type: 'SaveAudioMP3', inputs: { filename_prefix: 'audio/Song', audio: ['9', 1] } },
        '3': { class_type: 'SaveAnimatedWEBP', inputs: { filename_prefix: 'Loop', images: ['9', 0] } },
        '4': { class_type: 'SaveVideo', inputs: { filename_prefix: 'video/Cut', video: ['9', 2] } },
        '5': { class_type: 'PreviewImage', inputs: { images: ['9', 0] } },
        '6': { class_type: 'ShowText|pysssss', inputs: { text: ['9', 3] } },
        '7': {
          class_type: 'VHS_VideoCombine',
          inputs: { filename_prefix: 'Draft', save_output: false, images: ['9', 0] },
        },
      },
      ['Cut', 'Film', 'Loop', 'Song'],
    ],
    [
      'words that are shown where nothing is saved',
      {
        '1': { class_type: 'PreviewAny', _meta: { title: 'Caption' }, inputs: { source: ['9', 0] } },
        '2': { class_type: 'ShowText|pysssss', _meta: { title: 'Same' }, inputs: { text: ['9', 0] } },
        '3': { class_type: 'Note', _meta: { title: 'Same' }, inputs: {} },
        '4': { class_type: 'PreviewImage', inputs: { images: ['9', 0] } },
      },
      [{ node: 'Caption' }, { node: '2' }],
    ],
    [
      'the node where the name is made up as it runs',
      {
        '1': {
          class_type: 'SaveImage',
          _meta: { title: 'Poster' },
          inputs: { filename_prefix: ['8', 0], images: ['9', 0] },
        },
        '2': { class_type: 'SaveImage', inputs: { filename_prefix: '%date%', images: ['9', 0] } },
      },
      [{ node: 'Poster' }, { node: '2' }],
    ],
  ])('takes for the result %s', (_what, graph, main) => {
    expect(recipeOf(JSON.stringify(graph)).recipe.outputs).toEqual({ main });
  });

  it('with more than Discord has room for keeps the seed, and says what is left out', () => {
    const encoders = Array.from({ length: 40 }, (_, index) => [
      `${index + 10}`,
      { class_type: 'Words', inputs: { prompt: `w${index}` } },
    ]);
    const { recipe, notes } = recipeOf(
      JSON.stringify({ ...Object.fromEntries(encoders), '1': { class_type: 'A', inputs: { seed: 1 } } }),
    );
    expect(Object.keys(recipe.options)).toHaveLength(24);
    expect(Object.keys(recipe.options)).toContain('seed');
    expect(notes.join()).toMatch(/Discord has no room for .* and 12 more/);
    register(recipe);
  });
});

describe('a recipe of a form', () => {
  it('has each kind of field as Discord can ask it', () => {
    const { recipe, notes } = recipeOf(
      form([
        field(['7', 'text'], {
          title: 'NOT THIS',
          valueType: 'string',
          value: 'bad',
          helpText: 'What you do not want',
        }),
        field(['21', 'value'], {
          title: 'Ein Größen-Wort',
          valueType: 'long-text',
          value: 'a dog',
          validations: { required: true, errorMsg: 'Say  what\nyou see' },
        }),
        field(['3', 'steps'], {
          title: 'Steps',
          valueType: 'slider',
          value: 20,
          slider: { min: 10, max: 30, step: 1 },
        }),
        field(['3', 'cfg'], { title: 'CFG', valueType: 'float', value: 6, range: { max: 9 } }),
        field(['5', 'batch_size'], {
          title: 'Fast',
          valueType: 'boolean',
          value: true,
          validations: { required: true },
        }),
        field(['4', 'ckpt_name'], {
          title: 'Model',
          valueType: 'select',
          value: 'b',
          validations: { required: true },
          options: [
            { label: 'Ay', value: 'a' },
            { label: 'Bee', value: 'b' },
          ],
        }),
        field(['12', 'image'], { title: 'Portrait', valueType: 'image', value: null, validations: { required: true } }),
        field(['40', 'seed'], { title: 'private', valueType: 'noise_seed', value: 1 }),
        field(['3', 'seed'], { title: 'Noise', valueType: 'number', value: Number.MIN_VALUE }),
      ]),
      0,
    );
    expect(recipe.description).toBe('Draws a portrait');
    expect(recipe.options).toEqual({
      ein_gro_en_wort: {
        kind: 'long-text',
        required: true,
        description: 'Ein Größen-Wort',
        default: 'a dog',
        message: 'Say what you see',
        parameters: ['21-inputs-value'],
      },
      portrait: {
        kind: 'picture',
        required: true,
        description: 'Portrait',
        maxSide: 2048,
        parameters: ['12-inputs-image'],
      },
      not_this: {
        kind: 'text',
        description: 'What you do not want. Default: bad',
        default: 'bad',
        parameters: ['7-inputs-text'],
      },
      steps: {
        kind: 'integer',
        description: 'Steps. Default: 20',
        min: 10,
        max: 30,
        default: 20,
        parameters: ['3-inputs-steps'],
      },
      cfg: { kind: 'number', description: 'Cfg. Default: 6', min: 0, max: 9, default: 6, parameters: ['3-inputs-cfg'] },
      fast: { kind: 'switch', description: 'Fast. Default: yes', default: true, parameters: ['5-inputs-batch_size'] },
      model: {
        kind: 'choice',
        description: 'Model. Default: Bee',
        choices: { Ay: 'a', Bee: 'b' },
        default: 'Bee',
        parameters: ['4-inputs-ckpt_name'],
      },
      seed: { kind: 'seed', description: expect.stringContaining('same seed'), parameters: ['40-inputs-seed'] },
      noise: { kind: 'seed', description: expect.stringContaining('same seed'), parameters: ['3-inputs-seed'] },
    });
    expect(notes).toEqual([
      'The form requires these too, but its values stand when nothing is answered: model.',
      'The form has no bounds for these, so they are guessed: cfg 0 to 9.',
    ]);
    register(recipe);
    expect(recipe.workflow).toEqual({ graph: GRAPH, always: true });
  });

  it('sends what is hidden and what it cannot ask, and nothing of what is deleted', () => {
    const { recipe, notes } = recipeOf(
      form([
        field(['3', 'steps'], { valueType: 'number', value: 33, visibility: 'hidden' }),
        field(['3', 'cfg'], { valueType: 'number', value: 1, visibility: 'deleted' }),
        field(['3', 'seed'], { title: 'Chance', valueType: 'seed', value: Number.MIN_VALUE, visibility: 'hidden' }),
        field(['12', 'image'], { title: 'Clip', valueType: 'hologram', value: null }),
        field(['7', 'text'], { title: 'Tune', valueType: 'color', value: 'red' }),
        field(['99', 'text'], { title: 'Gone', valueType: 'string', value: 'x' }),
      ]),
      0,
    );
    expect(Object.entries(recipe.options)).toMatchObject([['seed', { kind: 'seed', parameters: ['3-inputs-seed'] }]]);
    // The values that stand in no form stay in the workflow as they are.
    expect(recipe.workflow).toEqual({
      always: true,
      graph: {
        ...GRAPH,
        '3': { ...GRAPH['3'], inputs: { ...GRAPH['3'].inputs, steps: 33 } },
        '7': { ...GRAPH['7'], inputs: { ...GRAPH['7'].inputs, text: 'red' } },
      },
    });
    expect(notes.join('\n')).toMatch(/Chance is hidden and random/);
    expect(notes.join('\n')).toMatch(
      /Clip .* keeps the workflow's own value: a recipe cannot ask for the kind "hologram"/,
    );
    expect(notes.join('\n')).toMatch(/Tune .* keeps the form's value: a recipe cannot ask for the kind "color"/);
    expect(notes.join('\n')).toMatch(/Gone is left out: the workflow has no input 99-inputs-text/);
  });

  it('asks for files of every kind, and for the mask of a picture', () => {
    const { recipe } = recipeOf(
      form(
        [
          field(['2', 'image'], { title: 'Photo', valueType: 'image-mask', validations: { required: true } }),
          field(['3', 'image'], { title: 'Region', valueType: 'image', value: '' }),
          field(['4', 'file'], { title: 'Dance', valueType: 'video', validations: { required: true } }),
          field(['5', 'audio'], {
            title: 'Song',
            valueType: 'audio',
            value: {},
            validations: { errorMsg: 'No song?' },
          }),
        ],
        {
          '2': { class_type: 'LoadImage', inputs: { image: 'a.png' } },
          '3': { class_type: 'LoadImageMask', inputs: { image: 'b.png', channel: 'alpha' } },
          '4': { class_type: 'LoadVideo', inputs: { file: 'a.mp4' } },
          '5': { class_type: 'LoadAudio', inputs: { audio: 'a.mp3' } },
        },
      ),
      0,
    );
    expect(Object.entries(recipe.options)).toEqual([
      [
        'photo',
        { kind: 'picture', required: true, description: 'Photo', maxSide: 2048, parameters: ['2-inputs-image'] },
      ],
      ['dance', { kind: 'video', required: true, description: 'Dance', parameters: ['4-inputs-file'] }],
      ['photo_mask', { kind: 'mask', of: 'photo', description: expect.stringContaining('White'), parameters: [] }],
      ['region', { kind: 'mask', description: 'Region', parameters: ['3-inputs-image'] }],
      ['song', { kind: 'audio', description: 'Song', message: 'No song?', parameters: ['5-inputs-audio'] }],
    ]);
    register(recipe);
  });

  const select = (own: unknown, more: object) =>
    recipeOf(
      form([field(['1', 'of'], { title: 'One', valueType: 'select', ...more })], {
        '1': { class_type: 'A', inputs: { of: own } },
      }),
      0,
    );

  it.each<[string, unknown, readonly string[], string | number, object, string | undefined]>([
    ['numbers where the workflow has one', 3, ['3', '-0.5'], 3, { L0: 3, L1: -0.5 }, 'L0'],
    ['a number that the form has as text', 3, ['3', '8'], '8', { L0: 3, L1: 8 }, 'L1'],
    ['yes and no where the workflow has one of them', true, ['true', 'False'], 'true', { L0: true, L1: false }, 'L0'],
    ['text where one is no number', 3, ['3', 'auto'], 'auto', { L0: '3', L1: 'auto' }, 'L1'],
    ['text where the workflow has text', '3', ['3', '4'], 3, { L0: '3', L1: '4' }, 'L0'],
    ['values of any length, and none at all', 'x', ['x'.repeat(300), ''], '', { L0: 'x'.repeat(300), L1: '' }, 'L1'],
    ['the value of the form where it is no choice', 'x', ['a', 'b'], 'c', { L0: 'a', L1: 'b' }, undefined],
  ])('sends of choices %s', (_what, own, values, value, choices, standing) => {
    const options = values.map((value, index) => ({ label: `L${index}`, value }));
    const { recipe } = select(own, { value, options });
    expect(recipe.options['one']).toMatchObject({ kind: 'choice', choices });
    expect({ default: undefined, ...recipe.options['one'] }.default).toBe(standing);
    // Nothing is answered: the value of the form goes with the workflow.
    const sent = standing === undefined ? recipe.workflow?.graph['1']?.inputs['of'] : value;
    expect(sent).toBe(value);
    register(recipe);
  });

  it('offers thousands of choices, each with a name of its own', () => {
    const options = Array.from({ length: 3000 }, (_, index) => ({
      label: `${'x'.repeat(100)}${index}`,
      value: `v${index}`,
    }));
    const { recipe } = select('v7', { value: 'v7', options });
    const one = recipe.options['one'];
    if (one?.kind !== 'choice') throw new Error('it is no choice');
    expect(Object.values(one.choices)).toEqual(options.map(({ value }) => value));
    expect(Object.keys(one.choices).filter(({ length }) => length > 100)).toEqual([]);
    expect(select('a', { options: [{ label: 'y'.repeat(100), value: 'a' }] }).recipe.options['one']).toMatchObject({
      choices: { ['y'.repeat(100)]: 'a' },
    });
    expect(one.choices[one.default ?? '']).toBe('v7');
    register(recipe);
    const many = Array.from({ length: 5001 }, (_, index) => ({ label: '', value: `v${index}` }));
    expect(select('v7', { value: 'v7', options: many })).toMatchObject({
      recipe: { options: {} },
      notes: expect.arrayContaining([expect.stringContaining('nobody finds one of its 5001 choices')]),
    });
  });

  it('asks for inputs with dashes in their names, and says that ViewComfy may not find them', () => {
    const { recipe, notes } = recipeOf(
      form([field(['a-b', 'c-inputs-d'], { title: 'Odd', valueType: 'string', value: 'x' })], {
        'a-b': { class_type: 'A', inputs: { 'c-inputs-d': 'y' } },
      }),
      0,
    );
    expect(recipe.options).toMatchObject({ odd: { parameters: ['a-b-inputs-c-inputs-d'] } });
    expect(notes.join()).toContain('ViewComfy may not find inputs with dashes in their names: a-b-inputs-c-inputs-d.');
  });

  it('asks for five texts in a modal, and for the others on one line; what is too long for both stands', () => {
    const inputs = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`t${index}`, `own ${index}`]));
    const fields = Object.keys(inputs).map((input, index) =>
      field(['1', input], {
        title: input,
        valueType: 'long-text',
        value: index === 0 ? 'x'.repeat(4001) : `form ${index}`,
        validations: { required: index !== 2 },
      }),
    );
    const { recipe, notes } = recipeOf(form(fields, { '1': { class_type: 'A', inputs } }), 0);
    expect(
      Object.entries(recipe.options).map(([name, option]) => [
        name,
        option.kind,
        option.required,
        'default' in option ? option.default : undefined,
      ]),
    ).toEqual([
      ['t1', 'long-text', true, 'form 1'],
      ['t3', 'long-text', true, 'form 3'],
      ['t4', 'long-text', true, 'form 4'],
      ['t5', 'long-text', true, 'form 5'],
      ['t6', 'long-text', true, 'form 6'],
      ['t0', 'text', undefined, undefined],
      ['t2', 'text', undefined, 'form 2'],
    ]);
    expect(recipe.workflow?.graph['1']?.inputs).toEqual({ ...inputs, t0: 'x'.repeat(4001) });
    expect(notes.join('\n')).toMatch(/t0 has more words than a modal can show/);
    expect(notes.join('\n')).toMatch(/A modal has room for 5 texts, so these are asked on one line: t0, t2/);
    register(recipe);
  });

  it('never asks for more characters than Discord takes of one command', () => {
    const inputs = Object.fromEntries(Array.from({ length: 24 }, (_, index) => [`i${index}`, 'v0']));
    const options = Array.from({ length: 25 }, (_, index) => ({
      label: `${index} ${'x'.repeat(80)}`,
      value: `v${index}${'y'.repeat(80)}`,
    }));
    const fields = Object.keys(inputs).map((input) =>
      field(['1', input], { title: input, valueType: 'select', options }),
    );
    const { recipe, notes } = recipeOf(form(fields, { '1': { class_type: 'A', inputs } }), 0);
    register(recipe);
    expect(Object.keys(recipe.options)).toHaveLength(1);
    expect(notes.join()).toMatch(/no room for/);
  });
});

describe('npm run recipe', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-recipe-'));
    await writeFile(join(folder, 'workflow_api.json'), JSON.stringify(GRAPH));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const run = (...args: string[]) => runScript('recipe.ts', folder, args);
  const make = (name: string, input: string, ...more: string[]) =>
    run(input, '--name', name, '--commands', 'made', ...more);

  it('writes a recipe that loads, whose form is this repository’s and whose types are right', async () => {
    await writeFile(
      join(folder, 'form.json'),
      form([field(['3', 'steps'], { title: "It's", valueType: 'number', value: 9, visibility: 'hidden' })]),
    );
    const many = Array.from({ length: 30 }, (_, index) => ({ label: `Kind ${index}`, value: `${index}` }));
    await writeFile(
      join(folder, 'kinds.json'),
      form(
        [
          field(['1', 'image'], {
            title: 'Photo',
            valueType: 'image-mask',
            validations: { errorMsg: "It's no photo" },
          }),
          field(['1', 'file'], { title: 'Film', valueType: 'video' }),
          field(['1', 'audio'], { title: 'Song', valueType: 'audio' }),
          field(['1', 'text'], {
            title: 'Words',
            valueType: 'long-text',
            value: `${'long words '.repeat(20)}\nand more`,
          }),
          field(['1', 'size'], { title: 'Size', valueType: 'select', value: '3', options: many }),
          field(['1', 'fast'], { title: 'Fast', valueType: 'boolean', value: false }),
        ],
        {
          '1': { class_type: 'A', inputs: { image: 'a', file: 'b', audio: 'c', text: 'd', size: 3, fast: true } },
          '2': { class_type: 'PreviewAny', _meta: { title: "What it's about" }, inputs: { source: ['1', 0] } },
        },
      ),
    );
    expect(await make('portrait', 'workflow_api.json')).toMatchObject({ code: 0 });
    expect(await make('from-form', 'form.json')).toMatchObject({ code: 0 });
    expect(await make('kinds', 'kinds.json')).toMatchObject({ code: 0 });
    for (const name of existsSync(SHARED) ? ['others/wan_workflow_api_with_lora.json', FLUX] : []) {
      expect(await make(name.includes('wan') ? 'wan' : 'flux', join(SHARED, name))).toMatchObject({ code: 0 });
    }
    const recipes = await loadRecipes({ directories: [join(folder, 'made')] });
    expect(recipes.get('portrait')).toEqual({
      ...recipeOf(JSON.stringify(GRAPH)).recipe,
      name: 'portrait',
      description: 'Runs the workflow portrait',
    });

    const bin = (name: string) => join(ROOT, 'node_modules', '.bin', name);
    expect(await complaints(bin('oxfmt'), ['-c', join(ROOT, '.oxfmtrc.json'), '--check', ...(await sources())])).toBe(
      '',
    );
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const types = { typeRoots: [join(ROOT, 'node_modules', '@types')] };
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions: types, include: ['made'], exclude: [] }),
    );
    expect(await complaints(bin('tsc'), ['-p', folder])).toBe('');
  });

  async function sources() {
    const names = await readdir(join(folder, 'made'));
    return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, 'made', name));
  }

  /** What it complains about; nothing where all is well. */
  async function complaints(command: string, args: readonly string[]): Promise<string> {
    const child = spawn(command, args);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = await once(child, 'close');
    return code === 0 ? '' : output;
  }

  it('says what it guessed, and prints what will be asked', async () => {
    const { out, err } = await make('portrait', 'workflow_api.json', '--dry-run');
    expect(out).toMatch(/^\/portrait: Runs the workflow portrait\noption .*\nprompt .* yes .*21-inputs-value\n/);
    expect(err).toMatch(/^prompt: the words of PrimitiveStringMultiline 'What to draw'/);
    expect(err).toMatch(/The result: files whose names begin with Portrait\./);
    expect(existsSync(join(folder, 'made'))).toBe(false);
  });

  it('writes the workflow as it was, to the last digit and in its order', async () => {
    const text =
      '{\n  "9": {\n    "class_type": "A",\n    "inputs": {\n      "x": 12345678901234567890,\n      "2": 1.0,\n      "1": -0\n    }\n  },\n  "1": {\n    "class_type": "B",\n    "inputs": {}\n  }\n}\n';
    await writeFile(join(folder, 'odd.json'), text);
    const { err } = await make('odd', 'odd.json');
    expect(await readFile(join(folder, 'made', 'odd.workflow.json'), 'utf8')).toBe(text);
    expect(err).toContain('Larger than JavaScript keeps, so sent rounded: 9-inputs-x.');
  });

  it('says no more than is read, and nothing that a terminal obeys', async () => {
    const loaders = Array.from({ length: 60 }, (_, index) => [
      `v${index}`,
      {
        class_type: 'LoadVideoFromPath',
        _meta: { title: `\u001b[31m\n${index}` },
        inputs: { file: 'x', next: [`v${(index + 1) % 60}`, 0] },
      },
    ]);
    await writeFile(join(folder, 'many.json'), JSON.stringify(Object.fromEntries(loaders)));
    const { code, err } = await make('many', 'many.json', '--dry-run');
    expect(code).toBe(0);
    expect(err).not.toContain('\u001b');
    expect(err.trim().split('\n')).toHaveLength(33);
    expect(err).toMatch(/And \d+ more of these\./);
  });

  it('never writes over a recipe unless it is told to', async () => {
    await make('portrait', 'workflow_api.json');
    const path = join(folder, 'made', 'portrait.ts');
    await writeFile(path, '// mine');
    expect(await make('portrait', 'workflow_api.json')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/portrait\.ts is there already\..*--force/),
    });
    expect(await readFile(path, 'utf8')).toBe('// mine');
    await rm(path);
    expect(await make('portrait', 'workflow_api.json')).toMatchObject({
      code: 2,
      err: expect.stringContaining('portrait.workflow.json is there already'),
    });
    expect(await make('portrait', 'workflow_api.json', '--force')).toMatchObject({ code: 0 });
    expect(await readFile(path, 'utf8')).toContain('satisfies Recipe');
  });

  it('takes the workflow of a form from another file, and the form that is asked for', async () => {
    const bare = JSON.parse(form([field(['21', 'value'], { title: 'Words', valueType: 'string', value: 'x' })], {}));
    delete bare.workflows[0].workflowApiJSON;
    bare.workflows.push({ viewComfyJSON: { title: 'Second', inputs: [] }, workflowApiJSON: GRAPH });
    await writeFile(join(folder, 'app.json'), JSON.stringify(bare));
    expect(await make('a', 'app.json')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/has 2 forms.*--form 1 Portraits\n {2}--form 2 Second/s),
    });
    expect(await make('a', 'app.json', '--form', '3')).toMatchObject({
      code: 2,
      err: expect.stringContaining('has 2 forms'),
    });
    expect(await make('a', 'app.json', '--form', '1')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--workflow workflow_api.json'),
    });
    expect(await make('a', 'app.json', '--form', '1', '--workflow', 'workflow_api.json')).toMatchObject({ code: 0 });
    expect(Object.keys((await loadRecipes({ directories: [join(folder, 'made')] })).get('a')?.options ?? {})).toEqual([
      'words',
    ]);
  });

  it.each([
    ['a name that Discord refuses', ['workflow_api.json', '--name', 'My Portrait'], /no command named "My Portrait"/],
    ['a name that leads elsewhere', ['workflow_api.json', '--name', '../portrait'], /no command named/],
    ['the name of Troupe’s own command', ['workflow_api.json', '--name', 'jobs'], /Troupe's own/],
    ['no name', ['workflow_api.json'], /^npm run recipe/],
    ['a file that is not there', ['nothing.json', '--name', 'a'], /nothing\.json cannot be read/],
    ['the page’s own format', ['ui.json', '--name', 'a'], /as ComfyUI's page saves it.*Export \(API\)/],
    ['a node called __proto__', ['proto.json', '--name', 'a'], /called __proto__/],
    ['an unknown option', ['workflow_api.json', '--nmae', 'a'], /Unknown option '--nmae'/],
    ['a form of a workflow', ['workflow_api.json', '--name', 'a', '--form', '1'], /has no forms/],
  ])('with %s says what to do, and writes nothing', async (_what, args, sentence) => {
    await writeFile(join(folder, 'ui.json'), '{"nodes":[],"links":[]}');
    await writeFile(
      join(folder, 'proto.json'),
      '{"__proto__":{"class_type":"A","inputs":{}},"1":{"class_type":"A","inputs":{}}}',
    );
    const ended = await run(...args, '--commands', 'made');
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err).toMatch(sentence);
    expect(existsSync(join(folder, 'made'))).toBe(false);
  });
});

describe.runIf(existsSync(SHARED))('the workflows of ViewComfy’s examples', () => {
  const read = (name: string) => readFile(join(SHARED, name), 'utf8');

  it.each<[string, number | undefined, readonly string[]]>([
    [
      'others/ip_adapter_api.json',
      undefined,
      ['prompt', 'composition_image', 'style_image', 'negative', 'seed', 'steps', 'cfg'],
    ],
    ['others/hunyuan_with_loras_api.json', undefined, ['prompt', 'seed', 'width', 'height', 'num_frames', 'steps']],
    [
      'others/wan_workflow_api_with_lora.json',
      undefined,
      ['prompt', 'image', 'negative', 'seed', 'width', 'height', 'length', 'steps', 'cfg'],
    ],
    ['others/view_comfy_to_web_app.json', 0, ['prompt', 'composition_image', 'style_image']],
    [
      'others/view_comfy_to_web_app.json',
      1,
      [
        'prompt',
        'lora',
        'strength',
        'width',
        'height',
        'num_frames',
        'steps',
        'embedded_guidance_scale',
        'flow_shift',
        'seed',
        'force_offload',
        'denoise_strength',
        'scheduler',
        'riflex_freq_index',
        'i2v_mode',
      ],
    ],
    [
      'flux-consistent-characters/view_comfy.json',
      0,
      [
        'character_prompt',
        'character',
        'pose_sheet',
        'upscale_by',
        'prompt_image_1',
        'prompt_image_2',
        'prompt_image_3',
        'prompt_image_4',
        'seed',
        'style_quality',
      ],
    ],
  ])('%s (form %s) register, and send exactly what was answered', async (name, index, options) => {
    const { recipe } = recipeOf(await read(name), index);
    expect(Object.keys(recipe.options)).toEqual(options);
    register(recipe);
    const answers = answersTo(recipe);
    const { changes, unknown } = changedBy(recipe, answers);
    expect(changes.toSorted()).toEqual(expectedOf(recipe, answers).toSorted());
    expect(unknown).toEqual([]);
  });

  it('give the ten options of ViewComfy’s own form from the Flux workflow alone', async () => {
    const published = recipeOf(await read('flux-consistent-characters/view_comfy.json'), 0).recipe;
    const { recipe, notes } = recipeOf(await read(FLUX));
    const keysOf = (made: typeof recipe) => Object.values(made.options).flatMap(({ parameters }) => parameters);
    const kindsOf = (made: typeof recipe) =>
      new Map(Object.values(made.options).flatMap(({ kind, parameters }) => parameters.map((key) => [key, kind])));
    expect(keysOf(published)).toHaveLength(10);
    expect(keysOf(recipe)).toEqual(expect.arrayContaining(keysOf(published)));
    for (const [key, kind] of kindsOf(published)) expect([key, kindsOf(recipe).get(key)]).toEqual([key, kind]);
    // Two more that the form leaves out: the words of the character sheet, and the steps.
    expect(keysOf(recipe).filter((key) => !keysOf(published).includes(key))).toEqual([
      '592-inputs-string',
      '743-inputs-int',
    ]);
    expect(recipe.outputs.main).toEqual(['Image_1', 'Image_2', 'Image_3', 'Image_4']);
    expect(Object.keys(recipe.options).slice(0, 3)).toEqual(['prompt', 'pose_sheet', 'character']);
    expect(notes).toContain("3 more seeds keep the workflow's own value: no title calls them seeds.");
    register(recipe);
  });
});
