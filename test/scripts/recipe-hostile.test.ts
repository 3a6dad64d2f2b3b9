import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printRecipe } from '../../scripts/recipe/print.ts';
import { UserError } from '../../src/errors.ts';
import { BACKEND_KINDS, isFileOption, type Option, type Recipe } from '../../src/recipes/recipe.ts';
import { RecipeFile } from '../../src/recipes/recipe-file.ts';
import { loadRecipes } from '../../src/recipes/recipe-loader.ts';
import { problemsOf } from '../../src/recipes/recipe-rules.ts';
import { placeOf, type Workflow } from '../../src/recipes/workflow.ts';
import { WorkflowFileError } from '../../src/recipes/workflow-file.ts';
import { parseWritten, printWritten, writtenAt } from '../../src/recipes/written-json.ts';
import { answersTo, changedBy, expectedOf, recipeOf, register } from './_recipe.ts';

/** What makes trouble in names, in text, and in TypeScript. */
const TROUBLE = [
  '__proto__',
  'constructor',
  'toString',
  'private',
  '',
  ' ',
  '1',
  '-inputs-',
  '*/ process.exit(1) /*',
  "'; process.exit(1); '",
  '"\\',
  `'+""+process.exit(1)+""+'`,
  `"+''+process.exit(1)+''+"`,
  `\\'\\""`,
  '\\',
  '${process.exit(1)}',
  '`',
  '\u2028\u2029\0\n\r',
  '\ud800',
  '\u202e\u2066\u200b',
  '👩‍🚀',
  '名前',
  'é'.repeat(120),
  'x'.repeat(7000),
];
/** What marks nodes for people, in front of whatever follows. */
const MARKS = ['VC_BASIC', 'VC_ADV ', 'VC_BASIC_ Steps', 'VC_ADVANCED: Seed of mine'];
const text = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...TROUBLE) },
  { weight: 3, arbitrary: fc.constantFrom('a', 'words of a prompt', 'Steps', 'Seed of mine', 'seed') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);
const USUAL_IDS = ['1', '2', '3', '4', '5', '6', '7', '12:7'];
const id = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...USUAL_IDS) },
  { weight: 3, arbitrary: fc.constantFrom('1-inputs-seed', 'a-b', '1-inputs', 'constructor', 'hasOwnProperty', '') },
  { weight: 1, arbitrary: text },
);
const inputName = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.constantFrom(
      'positive',
      'negative',
      'guider',
      'conditioning',
      'text',
      'prompt',
      'string',
      'value',
      'basic_pipe',
      'seed',
      'noise_seed',
      'steps',
      'cfg',
      'width',
      'height',
      'length',
      'latent_image',
      'image',
      'images',
      'upscale_by',
      'filename_prefix',
      'file',
      'video',
      'audio',
      '',
    ),
  },
  { weight: 5, arbitrary: fc.constantFrom('seed-inputs-seed', 'in-put', 'add_noise', 'constructor') },
  { weight: 1, arbitrary: text },
);
const kind = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom(
      'KSampler',
      'SamplerCustomAdvanced',
      'CFGGuider',
      'CLIPTextEncode',
      'ToBasicPipe',
      'FromBasicPipe',
      'Reroute',
      'PrimitiveInt',
      'ConditioningZeroOut',
      'LoadImage',
      'LoadImageMask',
      'LoadVideo',
      'VHS_LoadVideo',
      'LoadAudio',
      'VHS_VideoCombine',
      'SaveImage',
      'EmptyLatentImage',
      'ShowText',
    ),
  },
  { weight: 1, arbitrary: text },
);

/** JSON text of its own: numbers by their digits. */
const digits = fc.constantFrom(
  '0',
  '-0',
  '1.0',
  '20',
  '1e21',
  '1e400',
  '-7',
  '0.5',
  '9007199254740993',
  '18446744073709551615',
);
const literal = fc.oneof(
  digits,
  text.map((words) => JSON.stringify(words)),
);
const value = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(fc.constantFrom(...USUAL_IDS, '1-inputs', 'gone'), fc.nat(4)).map((to) => JSON.stringify(to)),
  },
  { weight: 8, arbitrary: literal },
  { weight: 1, arbitrary: fc.constantFrom('null', 'true', '[]', '{}', '[["1",0]]', '["1"]', '[1,0]', '["1",0.5]') },
);
const printObject = (entries: readonly (readonly [string, string])[]) =>
  `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${item}`).join()}}`;

const title = fc.oneof({ weight: 30, arbitrary: text }, { weight: 1, arbitrary: fc.constantFrom(...MARKS) });
const node = fc.record({
  kind,
  title,
  inputs: fc.array(fc.tuple(inputName, value), { minLength: 1, maxLength: 8 }),
});
const nodes = fc.array(fc.tuple(id, node), { minLength: 3, maxLength: 12 });
const printGraph = (all: readonly (readonly [string, { kind: string; title: string; inputs: [string, string][] }])[]) =>
  printObject(
    all.map(([id, { kind, title, inputs }]) => [
      id,
      `{"class_type":${JSON.stringify(kind)},"_meta":{"title":${JSON.stringify(title)}},"inputs":${printObject(inputs)}}`,
    ]),
  );
const graph = nodes.map(printGraph);

/** Values that are numbers, whatever the workflow has there; and more than Discord lists, alike for a hundred characters. */
const TYPED = ['0', '-7', '0.5', '20'].map((value) => ({ label: `L${value}`, value }));
const MANY = Array.from({ length: 3000 }, (_, index) => ({ label: `${'x'.repeat(100)}${index}`, value: `L${index}` }));

const bound = fc.constantFrom('-1e400', '0', '1', '0.5', '1e300', 'null', '"1"');
const field = fc.record({
  title: text,
  place: fc.tuple(fc.nat(11), fc.nat(7)),
  elsewhere: fc.option(fc.tuple(id, inputName)),
  valueType: fc.constantFrom(
    'string',
    'long-text',
    'number',
    'float',
    'bigint',
    'boolean',
    'seed',
    'select',
    'slider',
    'image',
    'image-mask',
    'video',
    'audio',
    '',
  ),
  value: fc.oneof(
    { weight: 4, arbitrary: literal },
    { weight: 1, arbitrary: fc.constantFrom('5e-324', 'null', '{}', 'true', '"L7"') },
  ),
  errorMsg: text,
  helpText: text,
  bounds: fc.tuple(bound, bound, bound),
  required: fc.boolean(),
  visibility: fc.constantFrom('active', 'active', 'active', 'hidden', 'deleted'),
  options: fc.oneof(
    { weight: 8, arbitrary: fc.array(fc.record({ label: text, value: text }), { maxLength: 27 }) },
    { weight: 2, arbitrary: fc.constant(TYPED) },
    { weight: 1, arbitrary: fc.constant(MANY) },
  ),
});
const form = fc
  .record({ title: text, fields: fc.array(field, { maxLength: 30 }), nodes })
  .map(({ title, fields, nodes }) => {
    const printed = fields.map(
      ({ place: [at, nth], elsewhere, bounds: [min, max, step], value, errorMsg, ...rest }) => {
        const [id, { inputs }] = nodes[at % nodes.length] ?? ['', { inputs: [] }];
        const [node, input] = at === 11 && elsewhere ? elsewhere : [id, inputs[nth % inputs.length]?.[0] ?? ''];
        return printObject([
          ...Object.entries(rest).map(([name, item]) => [name, JSON.stringify(item)] as const),
          ['workflowPath', JSON.stringify([node, 'inputs', input])],
          ['value', value],
          ['validations', JSON.stringify({ required: rest.required, errorMsg })],
          [
            'slider',
            printObject([
              ['min', min],
              ['max', max],
              ['step', step],
            ]),
          ],
          [
            'range',
            printObject([
              ['min', max],
              ['max', min],
            ]),
          ],
        ]);
      },
    );
    const name = JSON.stringify(title);
    const shown = `{"title":${name},"description":${name},"inputs":[{"title":${name},"inputs":[${printed.join()}]}]}`;
    return `{"file_type":"view_comfy","workflows":[{"workflowApiJSON":${printGraph(nodes)},"viewComfyJSON":${shown}}]}`;
  });

/** What came of it, or a sentence; anything else that is thrown fails the test. */
function made(json: string, index?: number): ReturnType<typeof recipeOf> | string {
  try {
    return recipeOf(json, index);
  } catch (error) {
    if (error instanceof UserError || error instanceof WorkflowFileError) return error.message;
    throw error;
  }
}

/** Discord takes it, and every answer goes to its own parameters and nowhere else. */
function expectRight(recipe: Recipe): void {
  register(recipe);
  const answers = answersTo(recipe);
  const { changes, unknown } = changedBy(recipe, answers);
  const expected = expectedOf(recipe, answers);
  expect(unknown).toEqual([]);
  expect(changes.filter((line) => !expected.includes(line))).toEqual([]);
  const graph = recipe.workflow?.graph ?? {};
  // An answer that is the workflow's own value changes nothing.
  const same = expected.filter((line) => !changes.includes(line));
  const keys = Object.values(recipe.options).flatMap(({ parameters }) => parameters);
  expect(keys.map((key) => `${key}: ${JSON.stringify(ownValue(graph, key))}`)).toEqual(expect.arrayContaining(same));
  expect(new Set(keys).size).toBe(keys.length);
  // What the loader would say: of masks without a picture, of more long texts than a modal has, and so on.
  expect(problemsOf(RecipeFile.parse(recipe))).toEqual([]);
  for (const key of keys) expect([key, placesOf(graph, key)]).toEqual([key, 1]);
}

function typeOfAnswer(option: Option): string {
  if (option.kind === 'switch') return 'boolean';
  return isFileOption(option) || option.kind.endsWith('text') ? 'string' : 'number';
}

function inputsOf(graph: Workflow): string[] {
  return Object.entries(graph).flatMap(([node, { inputs }]) =>
    Object.entries(inputs).map(([input, value]) => JSON.stringify([node, input, value])),
  );
}

function ownValue(graph: Workflow, key: string): unknown {
  const place = placeOf(graph, key);
  return place && graph[place.node]?.inputs[place.input];
}

function placesOf(graph: Workflow, key: string): number {
  const entries = Object.entries(graph).map(([node, { inputs }]) => [node, Object.keys(inputs)] as const);
  return entries.flatMap(([node, inputs]) => inputs.filter((input) => `${node}-inputs-${input}` === key)).length;
}

const RUNS = { numRuns: 200 };

describe('hostile workflows', () => {
  it('give a sentence or a right command', () => {
    let asked = 0;
    fc.assert(
      fc.property(graph, (json) => {
        const result = made(json);
        if (typeof result === 'string') return;
        const { recipe, written } = result;
        expectRight(recipe);
        expect(printWritten(written)).toBe(printWritten(parseWritten(json)));
        const graph: Workflow = JSON.parse(json);
        expect(inputsOf(recipe.workflow?.graph ?? {})).toEqual(inputsOf(graph));
        for (const option of Object.values(recipe.options)) {
          asked += 1;
          for (const key of option.parameters) {
            const own = ownValue(recipe.workflow?.graph ?? {}, key);
            // What is asked is of the kind that stands there, and the default is what stands there.
            expect(typeof own).toBe(typeOfAnswer(option));
            const standing = 'default' in option ? option.default : own;
            expect(own).toBe(own === 0 ? own : standing);
          }
        }
      }),
      RUNS,
    );
    // Otherwise nothing was tried.
    expect(asked).toBeGreaterThan(80);
  });

  it('give a sentence or a right command with a form too, and only the form’s values are changed', () => {
    let fixed = 0;
    let asked = 0;
    fc.assert(
      fc.property(form, (json) => {
        const result = made(json, 0);
        if (typeof result === 'string') return;
        expectRight(result.recipe);
        asked += Object.keys(result.recipe.options).length;
        const before = writtenAt(parseWritten(json), 'workflows', 0, 'workflowApiJSON');
        const fields = writtenAt(parseWritten(json), 'workflows', 0, 'viewComfyJSON', 'inputs', 0, 'inputs');
        const all = Array.isArray(fields) ? fields : [];
        for (const [node, now] of result.written) {
          const inputs = writtenAt(now, 'inputs');
          for (const [input, value] of inputs instanceof Map ? inputs : []) {
            const was = writtenAt(before, node, 'inputs', input);
            if (printWritten(value) === printWritten(was ?? null)) continue;
            fixed += 1;
            const wishes = all.filter(
              (field) => writtenAt(field, 'workflowPath', 0) === node && writtenAt(field, 'workflowPath', 2) === input,
            );
            const values = wishes
              .filter((field) => writtenAt(field, 'visibility') !== 'deleted')
              .map((field) => printWritten(writtenAt(field, 'value') ?? null));
            expect(values).toContain(printWritten(value));
          }
        }
      }),
      RUNS,
    );
    expect(fixed).toBeGreaterThan(50);
    expect(asked).toBeGreaterThan(80);
  });

  it.each<[string, (index: number, count: number) => object]>([
    ['a chain of conditioning', (index) => ({ class_type: 'Pass', inputs: { conditioning: [`${index + 1}`, 0] } })],
    [
      'a circle of samplers',
      (index, count) => ({
        class_type: 'KSampler',
        inputs: { positive: [`${(index + 1) % count}`, 0], seed: 1, steps: index },
      }),
    ],
    ['a circle of numbers', (index, count) => ({ class_type: 'A', inputs: { seed: [`${(index + 1) % count}`, 0] } })],
    [
      'a pyramid of joined words',
      (index) => ({
        class_type: index === 0 ? 'KSampler' : 'Join',
        inputs: { positive: ['1', 0], string_a: [`${index + 1}`, 0], string_b: [`${index + 2}`, 0] },
      }),
    ],
    [
      'nodes of one title that all save',
      (index) => ({
        class_type: 'SaveImage',
        _meta: { title: 'Same' },
        inputs: { filename_prefix: 'x', images: [`${index + 1}`, 0] },
      }),
    ],
    [
      'nodes of one title that are all asked',
      (index) => ({
        class_type: 'LoadImage',
        _meta: { title: 'Same' },
        inputs: { image: 'a.png', mask: [`${index + 1}`, 0] },
      }),
    ],
  ])('of 10,000 nodes end as well: %s', (_what, node) => {
    const count = 10_000;
    const json = JSON.stringify(
      Object.fromEntries(Array.from({ length: count }, (_, index) => [index, node(index, count)])),
    );
    const result = made(json);
    if (typeof result === 'string') throw new Error(result);
    register(result.recipe);
    expect(Object.keys(result.recipe.options).length).toBeLessThanOrEqual(24);
    expect(result.notes.length).toBeLessThan(20);
  });

  it('whose keys lead to two inputs keep both as they are', () => {
    const sampler = { class_type: 'KSampler', inputs: { seed: 1, 'seed-inputs-seed': 2 } };
    const graph = { '1': sampler, '1-inputs-seed': { class_type: 'KSampler', inputs: { seed: 3 } } };
    const fields = [
      { workflowPath: ['1', 'inputs', 'seed-inputs-seed'], valueType: 'number', value: 5 },
      { workflowPath: ['1-inputs-seed', 'inputs', 'seed'], valueType: 'number', value: 6, visibility: 'hidden' },
      { workflowPath: ['1', 'inputs', 'seed'], valueType: 'number', value: 7 },
    ];
    const form = { viewComfyJSON: { inputs: [{ inputs: fields }] }, workflowApiJSON: graph };
    const result = made(JSON.stringify({ file_type: 'view_comfy', workflows: [form] }), 0);
    if (typeof result === 'string') throw new Error(result);
    expect(Object.values(result.recipe.options).map(({ parameters }) => parameters)).toEqual([['1-inputs-seed']]);
    expect(result.recipe.workflow?.graph).toEqual(graph);
    expect(result.notes.join()).toContain('"1-inputs-seed-inputs-seed" leads to two inputs');
  });

  it('of names and words of some hundred kilobytes end as well', () => {
    for (const long of [
      '_'.repeat(2e5) + 'a',
      'strength_'.repeat(2e4),
      'a b'.repeat(6e4),
      '1_'.repeat(1e5),
      "'".repeat(2e5),
    ]) {
      const inputs = { [long]: 1, prompt: long, filename_prefix: long, seed: 1, images: ['1', 0] };
      const graph = {
        '1': { class_type: 'Sampler', _meta: { title: long }, inputs },
        [long]: { class_type: long, inputs },
      };
      const fields = Object.entries(inputs).map(([input, value]) => ({
        title: long,
        workflowPath: ['1', 'inputs', input],
        valueType: input === 'seed' ? 'seed' : typeof value,
        value,
      }));
      const form = {
        viewComfyJSON: { title: long, inputs: [{ title: long, inputs: fields }] },
        workflowApiJSON: graph,
      };
      for (const result of [
        made(JSON.stringify(graph)),
        made(JSON.stringify({ file_type: 'view_comfy', workflows: [form] }), 0),
      ]) {
        if (typeof result === 'string') throw new Error(result);
        register(result.recipe);
        expect(Object.keys(result.recipe.options)).toContain('seed');
      }
    }
  });

  it('that are none end in a sentence', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(typeof made(json)).toBe('string');
      }),
      RUNS,
    );
  });
});

describe('a recipe that is printed', () => {
  function withFile(option: Option, file: URL): Option {
    return isFileOption(option) && option.kind !== 'mask' ? { ...option, default: file } : option;
  }

  const label = text.map((words) => words.slice(0, 100));
  const named = text.filter((name) => name !== '');
  const description = text.map((words) => words.slice(0, 100) || 'x');
  const keys = fc.array(
    text.map((name) => `1-inputs-${name.replaceAll(/[\n\r\u2028\u2029]/g, '') || 'x'}`),
    { minLength: 1, maxLength: 3 },
  );
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  const whole = fc.maxSafeInteger();
  const base = { description, parameters: keys };
  const more = { required: fc.constant(true), message: text.map((words) => words.slice(0, 300) || 'x') };
  /** With some of the fields that may be left out, in any case with those of `needed`. */
  const option = <K extends string, N, M>(
    kind: K,
    needed: { [F in keyof N]: fc.Arbitrary<N[F]> },
    rest: { [F in keyof M]: fc.Arbitrary<M[F]> },
  ) =>
    fc
      .tuple(
        fc.record({ kind: fc.constant(kind), ...base, ...needed }),
        fc.record({ ...more, ...rest }, { requiredKeys: [] }),
      )
      .map(([one, other]) => ({ ...one, ...other }));
  const bounds = <K extends 'integer' | 'number'>(kind: K, of: fc.Arbitrary<number>) =>
    fc
      .tuple(option(kind, {}, {}), fc.array(of, { minLength: 3, maxLength: 3 }), fc.boolean())
      .map(([one, numbers, hasDefault]) => {
        const [min = 0, standing = 0, max = 0] = numbers.toSorted((a, b) => a - b);
        return { ...one, min, max, ...(hasDefault && { default: standing }) };
      });
  const choices = fc
    .uniqueArray(fc.tuple(label, fc.oneof(text, number, fc.boolean())), { maxLength: 5, selector: ([shown]) => shown })
    .map((entries) =>
      Object.fromEntries([['x', 'y'], ...entries.filter(([shown]) => shown !== '' && shown !== '__proto__')]),
    );
  const anyOption = fc.oneof(
    option('text', {}, { default: text.map((words) => words.slice(0, 6000)), maxLength: fc.constant(6000) }),
    option('long-text', {}, { default: text.map((words) => words.slice(0, 4000)), maxLength: fc.constant(4000) }),
    bounds('integer', whole),
    bounds('number', number),
    option('choice', { choices }, { default: fc.constant('x') }),
    option('switch', {}, { default: fc.boolean() }),
    option('picture', { maxSide: fc.integer({ min: 64, max: 16_384 }) }, {}),
    option('mask', {}, {}),
    option('mask', { parameters: fc.constant([]), of: fc.constant('a_picture') }, {}),
    option('video', {}, {}),
    option('audio', {}, {}),
    option('seed', {}, {}),
  );
  // Names that are numbers come before all others, whatever is required.
  const name = fc
    .stringMatching(/^[a-z0-9_-]{1,32}$/)
    .filter((name) => name !== 'private' && name !== '__proto__' && !/^\d+$/.test(name));
  const ids = fc.array(fc.bigInt({ min: 10n ** 17n, max: 10n ** 20n - 1n }).map(String), {
    minLength: 1,
    maxLength: 3,
  });
  const outputs = fc.array(fc.oneof(named, fc.constantFrom({ node: '1' }, { node: 'Caption' })), { maxLength: 4 });
  const recipe = fc
    .tuple(
      fc.record({ description, options: fc.dictionary(name, anyOption, { maxKeys: 5 }) }),
      fc.record(
        {
          timeouts: fc.record({ idleMs: fc.integer({ min: 1000 }), totalMs: fc.integer({ min: 1000 }) }),
          estimate: fc.record(
            { seconds: fc.integer({ min: 1 }), cost: text.map((words) => words.slice(0, 60) || 'x') },
            { requiredKeys: [] },
          ),
          backends: fc.uniqueArray(fc.constantFrom(...BACKEND_KINDS), { minLength: 1 }),
          nsfw: fc.boolean(),
          access: fc.record(
            { servers: ids, roles: ids, users: ids, permission: fc.constant('ManageGuild') },
            { requiredKeys: [] },
          ),
        },
        { requiredKeys: [] },
      ),
      fc.tuple(outputs, fc.option(outputs, { nil: undefined })),
      fc.record(
        { always: fc.boolean(), parameters: fc.constant({ a_picture: ['1-inputs-other'] }) },
        { requiredKeys: [] },
      ),
      text,
    )
    .map(([recipe, rest, [main, hidden], workflow, about]) => {
      const a_picture = {
        kind: 'picture' as const,
        required: true,
        description: 'x',
        maxSide: 64,
        parameters: ['1-inputs-x'],
      };
      const long = Object.entries(recipe.options).filter(([, { kind }]) => kind === 'long-text');
      const entries = Object.entries({ ...recipe.options, a_picture })
        .filter(([name]) => long.length <= 5 || !Object.hasOwn(Object.fromEntries(long), name))
        // Only one can be the picture's transparency.
        .filter(
          ([, one], index, all) =>
            one.parameters.length > 0 || all.findIndex(([, { parameters }]) => parameters.length === 0) === index,
        )
        .toSorted(([, a], [, b]) => Number(b.required ?? false) - Number(a.required ?? false));
      return {
        about,
        workflow,
        recipe: {
          ...recipe,
          ...rest,
          options: Object.fromEntries(entries),
          outputs: { main, ...(hidden && { hidden }) },
        },
      };
    });

  it('is read again as the same data, whatever is in it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-printed-'));
    try {
      const graph = { '1': { class_type: 'A', inputs: {}, _meta: { title: 'Caption' } } };
      await writeFile(join(folder, 'workflow.json'), JSON.stringify(graph));
      // A file that is there, and whose name is no plain text.
      const file = pathToFileURL(join(folder, "it's %5c.png"));
      await writeFile(file, 'x');
      const samples = fc.sample(recipe, 200).map(({ about, workflow, recipe }, index) => ({
        about,
        recipe: {
          ...recipe,
          name: `r${index}`,
          options: Object.fromEntries(
            Object.entries(recipe.options).map(([name, option]) => [
              name,
              index % 2 === 0 ? withFile(option, file) : option,
            ]),
          ),
          workflow: { graph, ...workflow },
        } satisfies Recipe,
      }));
      const kinds = samples.flatMap(({ recipe }) => Object.values(recipe.options).map(({ kind }) => kind));
      expect(new Set(kinds).size).toBe(11);
      for (const { about, recipe } of samples) {
        const printed = printRecipe(recipe, {
          workflowFile: './workflow.json',
          recipeModule: '../src/recipes/recipe.ts',
          about,
        });
        await writeFile(join(folder, `${recipe.name}.ts`), printed);
      }
      const loaded = await loadRecipes({ directories: [folder] });
      expect(loaded.size).toBe(200);
      for (const { recipe } of samples) expect(loaded.get(recipe.name)).toEqual(recipe);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
