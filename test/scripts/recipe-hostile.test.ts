import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { isFileOption, type Option, type Recipe } from '../../src/recipes/recipe.ts';
import { RecipeFile } from '../../src/recipes/recipe-file.ts';
import { problemsOf } from '../../src/recipes/recipe-rules.ts';
import { placeOf, type Workflow } from '../../src/recipes/workflow.ts';
import { WorkflowFileError } from '../../src/recipes/workflow-file.ts';
import { parseWritten, printWritten, writtenAt } from '../../src/recipes/written-json.ts';
import { hostileForm, hostileGraph } from './_hostile.ts';
import { answersTo, changedBy, expectedOf, recipeOf, register } from './_recipe.ts';

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
      fc.property(hostileGraph, (json) => {
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
      fc.property(hostileForm, (json) => {
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
