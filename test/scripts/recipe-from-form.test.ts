import { describe, expect, it } from 'vitest';
import { recipeOf, register } from './_recipe.ts';
import { field, form, GRAPH } from './_workflows.ts';

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
