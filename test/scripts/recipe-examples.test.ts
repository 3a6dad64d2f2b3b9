import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answersTo, changedBy, expectedOf, recipeOf, register } from './_recipe.ts';
import { FLUX, SHARED } from './_workflows.ts';

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
