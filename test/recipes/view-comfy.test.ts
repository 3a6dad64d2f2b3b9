import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RANDOM_SENTINEL, readViewComfyFile } from '../../src/recipes/view-comfy.ts';
import { scalarOf } from '../../src/recipes/written-json.ts';

const SHARED = new URL('../../../shared/workflows/', import.meta.url);

describe('view_comfy.json', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-form-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function read(text: string) {
    const path = join(folder, 'view_comfy.json');
    await writeFile(path, text);
    return await readViewComfyFile(path);
  }
  const app = (form: object, graph: unknown = { '1': { class_type: 'A', inputs: { text: 'x' } } }) =>
    JSON.stringify({ file_type: 'view_comfy', workflows: [{ viewComfyJSON: form, workflowApiJSON: graph }] });
  const field = (more: object) => ({
    title: 'Text',
    workflowPath: ['1', 'inputs', 'text'],
    key: '1-inputs-text',
    valueType: 'string',
    value: 'x',
    helpText: 'Helper Text',
    ...more,
  });
  async function readField(more: object, group: object = {}) {
    const forms = await read(app({ inputs: [{ title: 'Group', ...group, inputs: [field(more)] }] }));
    return forms?.[0]?.fields[0];
  }

  it('is read, with what is there of each field', async () => {
    const [form] =
      (await read(
        app({
          title: 'Portraits',
          description: 'Draws people',
          inputs: [{ title: 'Words', inputs: [field({ validations: { required: true }, tooltip: 'What to draw' })] }],
          advancedInputs: [
            {
              title: 'More',
              inputs: [field({ valueType: 'slider', slider: { min: 0, max: 2, step: 0.5 } }), field({})],
            },
          ],
        }),
      )) ?? [];
    expect(form).toMatchObject({
      title: 'Portraits',
      description: 'Draws people',
      source: { workflow: { '1': { class_type: 'A', inputs: { text: 'x' } } } },
      fields: [
        {
          place: { node: '1', input: 'text' },
          group: 'Words',
          alone: true,
          section: 'basic',
          required: true,
          help: 'What to draw',
          visibility: 'active',
        },
        { group: 'More', alone: false, section: 'advanced', required: false, help: '', min: 0, max: 2, step: 0.5 },
        { group: 'More', alone: false, section: 'advanced' },
      ],
    });
  });

  it('keeps numbers by their digits, and knows the one that means another number every time', async () => {
    const forms = await read(
      app({ inputs: [{ title: '', inputs: [field({}), field({})] }] })
        .replace('"value":"x"', '"value":18446744073709551615')
        .replace('"value":"x"', '"value":5e-324'),
    );
    const [large, random] = forms?.[0]?.fields ?? [];
    expect(large?.value).toEqual({ digits: '18446744073709551615' });
    expect(scalarOf(random?.value)).toBe(RANDOM_SENTINEL);
  });

  it.each([
    ['null', null],
    ['an empty object', {}],
    ['a list', []],
  ])('has no value where there is %s', async (_what, value) => {
    expect((await readField({ value }))?.value).toBeUndefined();
  });

  it.each([
    ['active', undefined, undefined],
    ['hidden', 'hidden', undefined],
    ['hidden', undefined, 'hidden'],
    ['deleted', 'deleted', 'hidden'],
    ['deleted', 'hidden', 'deleted'],
    ['active', 'sometimes', 7],
  ])('shows a field as %s when its group is %s and it is %s', async (expected, group, own) => {
    expect(await readField({ visibility: own }, { visibility: group })).toMatchObject({ visibility: expected });
  });

  it('finds a place by its path, whatever its name; by its key where there is no path', async () => {
    const dashes = await readField({ workflowPath: ['1-a', 'inputs', 'b-inputs-c'], key: '1-a-inputs-b-inputs-c' });
    expect(dashes?.place).toEqual({ node: '1-a', input: 'b-inputs-c' });
    expect((await readField({ workflowPath: undefined, key: '7-inputs-seed' }))?.place).toEqual({
      node: '7',
      input: 'seed',
    });
    expect(await readField({ workflowPath: ['1'], key: 'nothing' })).toBeUndefined();
  });

  it('takes values of choices for text', async () => {
    const options = [{ label: 'One', value: 1 }, { label: 'Yes', value: true }, { value: 'x' }];
    expect((await readField({ valueType: 'select', options }))?.choices).toEqual([
      { label: 'One', value: '1' },
      { label: 'Yes', value: 'true' },
      { label: '', value: 'x' },
    ]);
  });

  it.each([
    ['without a workflow that is one', app({ inputs: [] }, { nodes: [], links: [] }), /workflow in .*page saves it/],
    ['without forms', '{"file_type":"view_comfy","workflows":[]}', /no form of a ViewComfy app.*workflows/],
    ['with a field of no kind', app({ inputs: [{ inputs: [{ title: 'x' }] }] }), /inputs\.0\.inputs\.0\.valueType/],
    ['that is broken', '{', /is not JSON/],
  ])('%s is told in a sentence', async (_what, text, sentence) => {
    await expect(read(text)).rejects.toThrow(sentence);
  });

  it('may come without a workflow, and other files are none', async () => {
    expect((await read(app({ inputs: [] }, null)))?.[0]?.source).toBeUndefined();
    expect(await read('{"1":{"class_type":"A","inputs":{}}}')).toBeUndefined();
    expect(await read('[1]')).toBeUndefined();
  });

  it.runIf(existsSync(SHARED))('of ViewComfy’s own examples is read', async () => {
    const path = (name: string) => fileURLToPath(new URL(name, SHARED));
    const [flux] = (await readViewComfyFile(path('flux-consistent-characters/view_comfy.json'))) ?? [];
    expect(flux?.fields.map(({ section, valueType }) => `${section} ${valueType}`)).toEqual([
      'basic long-text',
      'basic image',
      'basic image',
      'advanced number',
      'advanced string',
      'advanced string',
      'advanced string',
      'advanced string',
      'advanced seed',
      'advanced string',
    ]);
    const several = await readViewComfyFile(path('others/view_comfy_to_web_app.json'));
    expect(several?.map(({ title, fields }) => [title, fields.length])).toEqual([
      ['Style transfer', 3],
      ['Text to Video with custom styles', 15],
    ]);
  });
});
