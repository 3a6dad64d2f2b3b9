import * as fc from 'fast-check';

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
/** Words for people, with trouble among them. */
export const hostileText = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...TROUBLE) },
  { weight: 3, arbitrary: fc.constantFrom('a', 'words of a prompt', 'Steps', 'Seed of mine', 'seed') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);
const USUAL_IDS = ['1', '2', '3', '4', '5', '6', '7', '12:7'];
const id = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...USUAL_IDS) },
  { weight: 3, arbitrary: fc.constantFrom('1-inputs-seed', 'a-b', '1-inputs', 'constructor', 'hasOwnProperty', '') },
  { weight: 1, arbitrary: hostileText },
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
  { weight: 1, arbitrary: hostileText },
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
  { weight: 1, arbitrary: hostileText },
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
  hostileText.map((words) => JSON.stringify(words)),
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

const title = fc.oneof({ weight: 30, arbitrary: hostileText }, { weight: 1, arbitrary: fc.constantFrom(...MARKS) });
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
/** A workflow, as text. */
export const hostileGraph = nodes.map(printGraph);

/** Values that are numbers, whatever the workflow has there; and more than Discord lists, alike for a hundred characters. */
const TYPED = ['0', '-7', '0.5', '20'].map((value) => ({ label: `L${value}`, value }));
const MANY = Array.from({ length: 3000 }, (_, index) => ({ label: `${'x'.repeat(100)}${index}`, value: `L${index}` }));

const bound = fc.constantFrom('-1e400', '0', '1', '0.5', '1e300', 'null', '"1"');
const field = fc.record({
  title: hostileText,
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
  errorMsg: hostileText,
  helpText: hostileText,
  bounds: fc.tuple(bound, bound, bound),
  required: fc.boolean(),
  visibility: fc.constantFrom('active', 'active', 'active', 'hidden', 'deleted'),
  options: fc.oneof(
    { weight: 8, arbitrary: fc.array(fc.record({ label: hostileText, value: hostileText }), { maxLength: 27 }) },
    { weight: 2, arbitrary: fc.constant(TYPED) },
    { weight: 1, arbitrary: fc.constant(MANY) },
  ),
});
/** A `view_comfy.json` with one form of such a workflow, as text. */
export const hostileForm = fc
  .record({ title: hostileText, fields: fc.array(field, { maxLength: 30 }), nodes })
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
