import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import character from '../commands/character.ts';
import { MAX_SEED, type Option } from '../src/recipe.ts';
import { CORE_NODES, type CoreNode, type InputRule } from './core-nodes.ts';

const Link = z.tuple([z.string(), z.int().min(0)]);
const Workflow = z.record(
  z.string().regex(/^\d+$/),
  z.strictObject({
    class_type: z.string(),
    inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), Link])),
    _meta: z.strictObject({ title: z.string().min(1) }),
  }),
);
type Workflow = z.infer<typeof Workflow>;

const read = async (name: string) => readFile(new URL(`../commands/${name}`, import.meta.url), 'utf8');
const workflow = Workflow.parse(JSON.parse(await read('character.workflow.json')));
const parameters: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(character.options).map(([name, option]) => [
    name,
    name === 'upscale' ? character.workflow.parameters.upscale : option.parameters,
  ]),
);
const page = await read('character-workflow.md');

/** What ComfyUI's own validation would say to the graph (`validate_inputs` in its execution.py), and more. */
function problemsOf(graph: Workflow): string[] {
  return Object.entries(graph).flatMap(([id, { class_type: name, inputs }]) => {
    const node: CoreNode | undefined = CORE_NODES[name];
    if (!node) return [`${id}: ${name} is no core node`];
    const { optional = [] } = node;
    const missing = Object.keys(node.inputs).filter((input) => !optional.includes(input) && !(input in inputs));
    return [
      ...missing.map((input) => `${id}: ${input} is missing`),
      ...Object.entries(inputs).flatMap(([input, value]) => {
        const rule = node.inputs[input];
        const problem = rule === undefined ? 'is unknown' : problemOfInput(graph, rule, value);
        return problem === undefined ? [] : [`${id}: ${input} ${problem}`];
      }),
    ];
  });
}

function problemOfInput(graph: Workflow, rule: InputRule, value: unknown): string | undefined {
  const link = Link.safeParse(value);
  const type = typeof rule === 'string' ? rule : rule.type;
  if (link.success) {
    const [id, slot] = link.data;
    const source = graph[id];
    if (!source) return `comes from ${id}, which is not there`;
    const given = CORE_NODES[source.class_type]?.outputs[slot];
    return given === type ? undefined : `wants ${type} and gets ${given ?? 'nothing'}`;
  }
  if (typeof rule === 'string') {
    return rule === 'STRING' && typeof value === 'string' ? undefined : `wants a link of ${rule}`;
  }
  if (rule.type === 'FILE') return rule.pattern.test(String(value)) ? undefined : 'is no such file';
  if (rule.type === 'COMBO') return rule.options.some((option) => option === value) ? undefined : 'is no choice';
  const fits =
    typeof value === 'number' &&
    value >= rule.min &&
    value <= rule.max &&
    (rule.type === 'FLOAT' || (Number.isInteger(value) && value % (rule.step ?? 1) === 0));
  return fits ? undefined : `is not from ${rule.min} to ${rule.max}`;
}

const linksOf = (id: string) =>
  Object.values(workflow[id]?.inputs ?? {}).flatMap((value) => {
    const link = Link.safeParse(value);
    return link.success ? [link.data[0]] : [];
  });

/** Everything that a node is made from, itself included. */
function sourcesOf(id: string, seen = new Set<string>()): Set<string> {
  if (seen.has(id)) return seen;
  seen.add(id);
  for (const source of linksOf(id)) sourcesOf(source, seen);
  return seen;
}

const saving = Object.keys(workflow).filter((id) => workflow[id]?.class_type === 'SaveImage');
const savingAs = (prefix: string) =>
  saving.find((id) => workflow[id]?.inputs['filename_prefix'] === prefix) ?? `nothing saves ${prefix}`;

describe('the workflow of /character for a ComfyUI server', () => {
  test('is a graph that a ComfyUI without custom nodes accepts', () => {
    expect(problemsOf(workflow)).toEqual([]);
  });

  test.for<[string, string, string, unknown, string]>([
    ['a node that is not there', '25', 'guider', ['99', 0], 'comes from 99'],
    ['an output of another type', '25', 'guider', ['22', 0], 'wants GUIDER and gets CONDITIONING'],
    ['an output that is not there', '26', 'samples', ['25', 2], 'wants LATENT and gets nothing'],
    ['a value out of range', '7', 'steps', 0, 'is not from 1'],
    ['a choice that is none', '594', 'mode', 'All', 'is no choice'],
    ['an input that is unknown', '82', 'upscale_by', 2, 'upscale_by is unknown'],
  ])('and %s would be noticed', ([, id, input, value, problem]) => {
    const node = workflow[id];
    const broken = Workflow.parse({ ...workflow, [id]: { ...node, inputs: { ...node?.inputs, [input]: value } } });
    expect(problemsOf(broken)).toEqual([expect.stringContaining(problem)]);
  });

  test('has no node that is made from itself, and none that nothing is made from', () => {
    for (const id of Object.keys(workflow)) {
      for (const source of linksOf(id)) expect([...sourcesOf(source)]).not.toContain(id);
    }
    expect(new Set(saving.flatMap((id) => [...sourcesOf(id)]))).toEqual(new Set(Object.keys(workflow)));
  });

  test('has a title of its own for every node, in words that people read in errors', () => {
    const titles = Object.values(workflow).map(({ _meta: { title } }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    for (const title of ['Prompt', 'Style', 'Character picture', 'Pose sheet', 'Scene 1', 'Scene 4', 'Seed']) {
      expect(titles).toContain(title);
    }
  });

  test('saves what the recipe shows, each scene from its own words, and the character from the one picture', () => {
    const scenes = Object.keys(parameters).filter((option) => option.startsWith('scene'));
    expect(scenes).toHaveLength(character.outputs.main.length);
    for (const [index, prefix] of character.outputs.main.entries()) {
      const sources = sourcesOf(savingAs(prefix));
      const own = scenes.filter((scene) => sources.has(nodeOf(parameters[scene]?.[0] ?? '')));
      expect(own).toEqual([`scene${index + 1}`]);
      for (const option of ['prompt', 'character', 'style', 'seed']) {
        expect(sources).toContain(nodeOf(parameters[option]?.[0] ?? ''));
      }
      expect(sources).not.toContain('625');
    }
    expect(saving).toHaveLength(character.outputs.main.length + 1);
  });

  test('gives every scene noise of its own from the one seed', () => {
    const places = Object.values(workflow)
      .filter(({ class_type: name }) => name === 'LatentFromBatch')
      .map(({ inputs }) => inputs['batch_index']);
    expect(places).toEqual([0, 1, 2, 3]);
    expect(workflow['8']?.inputs['batch_size']).toBe(4);
    expect(Object.values(workflow).filter(({ class_type: name }) => name === 'RandomNoise')).toHaveLength(1);
  });

  test('is accepted without the sheet, for a recipe that has no pose', () => {
    const sheet = new Set(['20', '21', '22', '23', '24', '25', '26', '27', '82', '625']);
    const rest = Object.fromEntries(Object.entries(workflow).filter(([id]) => !sheet.has(id)));
    expect(problemsOf(rest)).toEqual([]);
  });

  test.for(Object.entries<Option>(character.options))('takes every answer to %s', ([name, option]) => {
    const keys = parameters[name] ?? [];
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      const { class_type: node = '', inputs = {} } = workflow[nodeOf(key)] ?? {};
      const input = key.slice(key.indexOf('-inputs-') + '-inputs-'.length);
      expect(Object.keys(inputs)).toContain(input);
      // A link would be what is overwritten.
      expect(Link.safeParse(inputs[input]).success).toBe(false);
      for (const answer of extremesOf(option)) {
        expect(problemOfInput(workflow, CORE_NODES[node]?.inputs[input] ?? 'nothing', answer)).toBeUndefined();
      }
    }
  });

  test('says where each of its model files goes', () => {
    const folders = { unet_name: 'diffusion_models', clip_name: 'text_encoders', vae_name: 'vae', lora_name: 'loras' };
    const files = Object.values(workflow).flatMap(({ inputs }) =>
      Object.entries(folders).flatMap(([input, folder]) =>
        input in inputs ? [`${folder}/${String(inputs[input])}`] : [],
      ),
    );
    expect(files).toHaveLength(4);
    for (const file of files) expect(page).toContain(`\`${file}\``);
  });
});

function nodeOf(key: string): string {
  return key.split('-inputs-', 1).join('');
}

function extremesOf(option: Option): (string | number)[] {
  switch (option.kind) {
    case 'picture':
    case 'mask':
    case 'video':
    case 'audio':
      return ['troupe/character.png'];
    case 'seed':
      return [0, MAX_SEED];
    case 'integer':
    case 'number':
      return [option.min, option.max];
    case 'choice':
    case 'switch':
      return [];
    case 'text':
    case 'long-text':
      return ['', 'words'];
  }
}
