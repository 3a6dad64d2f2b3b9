import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import character from '../../commands/character.ts';
import {
  canRun,
  completeAnswers,
  fill,
  kindsFor,
  labelsOf,
  sortOutputs,
  type Answers,
  type StoredFile,
} from '../../src/recipes/recipe.ts';

const PUBLISHED = new URL(
  '../../../shared/workflows/flux-consistent-characters/workflow_api_parameters.json',
  import.meta.url,
);

const picture = { name: 'ana.jpg', mediaType: 'image/jpeg', path: '/tmp/ana.jpg', size: 10 } satisfies StoredFile;
const sheet = { name: 'sheet.png', mediaType: 'image/png', path: '/tmp/sheet.png', size: 10 } satisfies StoredFile;

function complete(given: Parameters<typeof completeAnswers>[1], seed = 7) {
  return completeAnswers(
    character,
    given,
    () => seed,
    () => sheet,
  );
}

describe('the character recipe', () => {
  it('fills exactly the ten parameters of the ViewComfy example', () => {
    const { deployed } = fill(character, complete({ prompt: 'a pilot', character: picture }));
    const { parameters = {}, files = {} } = deployed ?? {};
    expect([...Object.keys(parameters), ...Object.keys(files)].toSorted()).toEqual(
      [
        '594-inputs-string',
        '626-inputs-image',
        '625-inputs-image',
        '426-inputs-string',
        '436-inputs-string',
        '443-inputs-string',
        '458-inputs-string',
        '608-inputs-string',
        '82-inputs-upscale_by',
        '499-inputs-noise_seed',
      ].toSorted(),
    );
    expect(parameters['594-inputs-string']).toBe('a pilot');
    expect(files).toEqual({ '626-inputs-image': picture, '625-inputs-image': sheet });
  });

  it('fills a workflow of its own for backends that have none, by keys of its own', () => {
    const answers = complete({ prompt: 'a pilot', character: picture });
    const { parameters, files, workflow } = fill(character, answers);
    expect(parameters).toMatchObject({ '594-inputs-string': 'a pilot', '82-inputs-scale_by': 2 });
    expect(parameters).not.toHaveProperty('82-inputs-upscale_by');
    expect(files).toEqual({ '626-inputs-image': picture, '625-inputs-image': sheet });
    expect(Object.keys(workflow ?? {})).toContain('594');
    const always = { ...character, workflow: { ...character.workflow, always: true } };
    expect(fill(always, answers)).not.toHaveProperty('deployed');
  });

  // The workflow is not ours to ship; where it is at hand, the keys are held against it.
  it.runIf(existsSync(PUBLISHED))('has no parameter that the published workflow does not have', () => {
    const keys = Object.keys(JSON.parse(readFileSync(PUBLISHED, 'utf8')));
    for (const { parameters } of Object.values(character.options)) {
      expect(keys).toEqual(expect.arrayContaining([...parameters]));
    }
  });

  it('gives the same request for the same answers and seed, and another for another seed', () => {
    const given = { prompt: 'a pilot', character: picture };
    const once = fill(character, complete({ ...given, seed: 5 }, 1));
    const again = fill(character, complete({ ...given, seed: 5 }, 2));
    expect(again).toEqual(once);
    expect(fill(character, complete(given, 6))).not.toEqual(once);
  });

  it('knows the type of each answer', () => {
    expectTypeOf<Answers<typeof character>['prompt']>().toEqualTypeOf<string>();
    expectTypeOf<Answers<typeof character>['seed']>().toEqualTypeOf<number>();
    expectTypeOf<Answers<typeof character>['pose']>().toEqualTypeOf<StoredFile>();
  });
});

describe('a choice', () => {
  const mood = { kind: 'choice', description: 'Mood', choices: { Calm: 0.5, Wild: 'w/ild' } } as const;
  const recipe = { name: 'x', description: 'X', outputs: { main: [] } };

  it('is answered by what is shown, and sends what that stands for, as the type that it is', () => {
    const both = { ...recipe, options: { mood: { ...mood, parameters: ['1-inputs-a', '2-inputs-b'] } } };
    expect(fill(both, { mood: 'Calm' }).parameters).toEqual({ '1-inputs-a': 0.5, '2-inputs-b': 0.5 });
    expect(fill(both, { mood: 'Wild' }).parameters['1-inputs-a']).toBe('w/ild');
  });
});

describe('sorting the outputs', () => {
  const named = (...names: string[]) => names.map((name) => ({ name }));

  it('finds the result by the prefixes, in their order, whatever order the files came in', () => {
    const files = named(
      'intermediate_image_1_00001_.png',
      'Image_3_00001_.png',
      'Image_10_00001_.png',
      'Image_1_00007_.png',
      'Image_4_00001_.png',
      'Image_2_00001_.png',
    );
    const { main, extra } = sortOutputs(character, files);
    expect(main.map(({ name }) => name)).toEqual([
      'Image_1_00007_.png',
      'Image_2_00001_.png',
      'Image_3_00001_.png',
      'Image_4_00001_.png',
    ]);
    expect(extra).toHaveLength(2);
  });

  it('shows everything where no file has a known prefix', () => {
    expect(sortOutputs(character, named('ComfyUI_00001_.png')).main).toHaveLength(1);
  });

  const graph = {
    '7': { class_type: 'SaveImage', _meta: { title: 'Final' }, inputs: { filename_prefix: 'out/Last_%date%' } },
    '8': { class_type: 'SaveImage', _meta: { title: 'Draft' }, inputs: { filename_prefix: 'Draft' } },
  };

  it('finds the files of a node by its title: by what the backend tells, else by the prefix it saves under', () => {
    const recipe = { workflow: { graph }, outputs: { main: [{ node: 'Final' }], hidden: ['debug', { node: '8' }] } };
    const told = [
      { name: 'a.png', node: '8' },
      { name: 'b.png', node: '7' },
      { name: 'Last_1_.png', node: '9' },
    ];
    expect(sortOutputs(recipe, told)).toEqual({ main: [told[1]], extra: [told[2]] });
    const untold = named('Draft_00001_.png', 'Last_2026_00001_.png', 'debug_00001_.png', 'notes.txt');
    expect(sortOutputs(recipe, untold)).toEqual({ main: [untold[1]], extra: [untold[3]] });
  });

  it('never shows what is hidden, unless there is nothing else', () => {
    const recipe = { outputs: { main: ['None'], hidden: ['debug'] } };
    expect(sortOutputs(recipe, named('debug_1.png', 'x.png')).main).toEqual(named('x.png'));
    expect(sortOutputs(recipe, named('debug_1.png')).main).toEqual(named('debug_1.png'));
  });
});

describe('what can run a recipe', () => {
  const workflow = { graph: {} };

  it('is what it names, with a workflow or without', () => {
    expect(kindsFor({ backends: ['segmind', 'comfyui'] })).toEqual(['comfyui', 'segmind']);
    expect(kindsFor({ backends: ['amqp'], workflow })).toEqual(['amqp']);
  });

  it('is ViewComfy where it names nothing, and with a workflow ComfyUI and its workers, but never Segmind', () => {
    expect(kindsFor({})).toEqual(['viewcomfy']);
    expect(kindsFor({ workflow })).toEqual(['viewcomfy', 'comfyui', 'amqp']);
    expect(canRun({ workflow }, 'segmind')).toBe(false);
  });

  it('is everything for the character recipe', () => {
    expect(kindsFor(character)).toEqual(['viewcomfy', 'comfyui', 'amqp', 'segmind']);
  });
});

describe('the options by their parameters', () => {
  it('are found by the keys of the recipe and of its workflow', () => {
    const labels = labelsOf(character);
    expect([labels['82-inputs-upscale_by'], labels['82-inputs-scale_by']]).toEqual(['upscale', 'upscale']);
    expect(labels['626-inputs-image']).toBe('character');
  });
});
