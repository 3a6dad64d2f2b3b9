import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  fillWorkflow,
  fillWritten,
  flattenWorkflow,
  flattenWritten,
  linkOf,
  nodeName,
  parameterKey,
  placeOf,
  withSafeSeeds,
  type Workflow,
} from '../../src/recipes/workflow.ts';
import { parseWritten, printWritten, writtenAt, type Written } from '../../src/recipes/written-json.ts';

const WORKFLOW: Workflow = {
  '3': { class_type: 'KSampler', inputs: { seed: 7, steps: 20, model: ['4', 0] }, _meta: { title: 'Draw' } },
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'a.safetensors' } },
  '12:7': { class_type: 'CLIPTextEncode', inputs: { text: 'a cat', 'clip-skip': 2 }, _meta: { title: 'Words' } },
};

describe('filling a workflow', () => {
  test('puts every value at its place and leaves the workflow that was given as it was', () => {
    const before = structuredClone(WORKFLOW);
    const { workflow, unknown } = fillWorkflow(WORKFLOW, { '3-inputs-seed': 8, '12:7-inputs-text': 'a dog' });
    expect(workflow).toEqual({
      ...WORKFLOW,
      '3': { ...WORKFLOW['3'], inputs: { seed: 8, steps: 20, model: ['4', 0] } },
      '12:7': { ...WORKFLOW['12:7'], inputs: { text: 'a dog', 'clip-skip': 2 } },
    });
    expect(unknown).toEqual([]);
    expect(WORKFLOW).toEqual(before);
  });

  test('tells which keys name no input, and gives no node an input that it lacks', () => {
    const { workflow, unknown } = fillWorkflow(WORKFLOW, { '9-inputs-text': 'x', '3-inputs-cfg': 1, nonsense: true });
    expect(unknown).toEqual(['9-inputs-text', '3-inputs-cfg', 'nonsense']);
    expect(workflow).toEqual(WORKFLOW);
  });

  test('a value takes the place of a link', () => {
    const { workflow } = fillWorkflow(WORKFLOW, { '3-inputs-model': 'own' });
    expect(workflow['3']?.inputs['model']).toBe('own');
  });

  test('names with dashes are read by what the workflow has', () => {
    const odd: Workflow = {
      'a-inputs-b': { class_type: 'A', inputs: { 'c-inputs-d': 1 } },
      a: { class_type: 'B', inputs: { other: 1 } },
    };
    expect(placeOf(odd, 'a-inputs-b-inputs-c-inputs-d')).toEqual({ node: 'a-inputs-b', input: 'c-inputs-d' });
    expect(placeOf(odd, 'a-inputs-other')).toEqual({ node: 'a', input: 'other' });
    expect(placeOf(odd, 'a-inputs-b')).toBeUndefined();
    expect(fillWorkflow(WORKFLOW, { '12:7-inputs-clip-skip': 1 }).workflow['12:7']?.inputs['clip-skip']).toBe(1);
  });

  test('names of prototypes are names, and change nothing else', () => {
    const hostile: Workflow = JSON.parse(
      '{"__proto__": {"class_type": "A", "inputs": {"__proto__": "x", "constructor": 1}}, "4": {"class_type": "B", "inputs": {}}}',
    );
    const { workflow, unknown } = fillWorkflow(hostile, {
      '__proto__-inputs-__proto__': 'polluted',
      'constructor-inputs-name': 'x',
      '4-inputs-toString': 'x',
    });
    expect(unknown).toEqual(['constructor-inputs-name', '4-inputs-toString']);
    expect(JSON.stringify(workflow)).toBe(
      '{"4":{"class_type":"B","inputs":{}},"__proto__":{"class_type":"A","inputs":{"__proto__":"polluted","constructor":1}}}',
    );
    expect(Object.getPrototypeOf(workflow)).toBe(Object.prototype);
    expect(Object.keys({})).toEqual([]);
    expect('polluted' in {}).toBe(false);
  });
});

describe('a workflow', () => {
  test('is flattened to its own values, without links', () => {
    expect(flattenWorkflow(WORKFLOW)).toEqual({
      '3-inputs-seed': 7,
      '3-inputs-steps': 20,
      '4-inputs-ckpt_name': 'a.safetensors',
      '12:7-inputs-text': 'a cat',
      '12:7-inputs-clip-skip': 2,
    });
  });

  test('filled with what it was flattened to is itself', () => {
    expect(fillWorkflow(WORKFLOW, flattenWorkflow(WORKFLOW))).toEqual({ workflow: WORKFLOW, unknown: [] });
  });

  test('names its nodes as people do', () => {
    expect(nodeName(WORKFLOW, '3')).toBe("KSampler 'Draw'");
    expect(nodeName(WORKFLOW, '4')).toBe('CheckpointLoaderSimple');
    expect(nodeName(WORKFLOW, '99')).toBe('node 99');
    expect(nodeName(WORKFLOW, 'constructor')).toBe('node constructor');
  });

  test('keeps seeds of 64 bits below what ComfyUI refuses', () => {
    const workflow: Workflow = JSON.parse(
      '{"3": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615, "steps": 20}}}',
    );
    const sent = JSON.stringify(withSafeSeeds(workflow));
    const [, seed = ''] = /"seed":(\d+)/.exec(sent) ?? [];
    expect(BigInt(seed)).toBeLessThanOrEqual(18_446_744_073_709_551_615n);
    expect(BigInt(seed)).toBeGreaterThan(18_446_744_073_709_500_000n);
    expect(withSafeSeeds(WORKFLOW)).toBe(WORKFLOW);
  });

  test('of ViewComfy has the parameters that ViewComfy publishes for it', async (context) => {
    const folder = new URL('../../../shared/workflows/flux-consistent-characters/', import.meta.url);
    const read = async (name: string): Promise<unknown> =>
      JSON.parse(await readFile(new URL(name, folder), 'utf8').catch(() => 'null'));
    const [workflow, published] = [await read('workflow_api.json'), await read('workflow_api_parameters.json')];
    if (!workflow) return context.skip('the workflow is not there: ../shared/workflows');
    // It lists links too, which are no values, and what every node is, under keys of another form.
    const values = Object.entries(Object(published)).filter(
      ([key, value]) => key.includes('-inputs-') && !Array.isArray(value),
    );
    expect(flattenWorkflow(Object(workflow))).toEqual(Object.fromEntries(values));
    expect(values.length).toBeGreaterThan(50);
    expect(parameterKey('594', 'string') in Object(published)).toBe(true);
  });

  test('as it is written, is itself again when it is filled with what it was flattened to', async (context) => {
    const folder = new URL('../../../shared/workflows/', import.meta.url);
    const names = await readdir(folder, { recursive: true }).catch(() => []);
    const files = names.filter((name) => name.endsWith('_api.json') || name.endsWith('_lora.json'));
    const own = new URL('../../commands/character.workflow.json', import.meta.url);
    for (const file of [own, ...files.map((name) => new URL(name, folder))]) {
      const workflow = parseWritten(await readFile(file, 'utf8'));
      if (!(workflow instanceof Map)) throw new Error(`${file.href} is no object`);
      const flat = flattenWritten(workflow);
      expect(printWritten(fillWritten(withoutValues(workflow), flat))).toBe(printWritten(workflow));
      expect([...flat.keys()].filter((key) => key.endsWith('-node-class_type-info'))).toHaveLength(workflow.size);
    }
    if (files.length === 0) return context.skip('the workflows of others are not there: ../shared/workflows');
    expect(files).toHaveLength(4);
  });

  test('has links where ComfyUI sees them', () => {
    expect(linkOf(['4', 1])).toEqual({ node: '4', slot: 1 });
    for (const none of [['4'], [4, 1], ['4', '1'], ['4', 1, 2], '4', null, {}]) expect(linkOf(none)).toBeUndefined();
  });
});

/** The same nodes and inputs, with nothing in them. */
function withoutValues(workflow: Map<string, Written>): Map<string, Written> {
  return new Map(
    Array.from(workflow, ([id, node]) => {
      const inputs = writtenAt(node, 'inputs');
      if (!(node instanceof Map) || !(inputs instanceof Map)) throw new Error(`${id} is no node`);
      return [id, new Map(node).set('inputs', new Map(Array.from(inputs, ([name]) => [name, 'nothing'])))];
    }),
  );
}
