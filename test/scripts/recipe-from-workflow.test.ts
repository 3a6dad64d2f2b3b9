import { describe, expect, it } from 'vitest';
import { answersTo, changedBy, expectedOf, recipeOf, register } from './_recipe.ts';
import { GRAPH } from './_workflows.ts';

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
