import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import character from '../../commands/character.ts';
import type { Option } from '../../src/recipes/recipe.ts';
import {
  loosePartsOf,
  modelFilesOf,
  nodeOf,
  problemsOf,
  problemsOfAnswers,
  sourcesOf,
  Workflow,
} from './core-graph.ts';

const read = async (name: string) => readFile(new URL(`../../commands/${name}`, import.meta.url), 'utf8');
const workflow = Workflow.parse(JSON.parse(await read('character.workflow.json')));
const parameters: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(character.options).map(([name, option]) => [
    name,
    name === 'upscale' ? character.workflow.parameters.upscale : option.parameters,
  ]),
);
const page = await read('character-workflow.md');

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
    expect(loosePartsOf(workflow)).toEqual([]);
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
      const sources = sourcesOf(workflow, savingAs(prefix));
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
    for (const key of keys) expect(problemsOfAnswers(workflow, key, option)).toEqual([]);
  });

  test('says where each of its model files goes', () => {
    const files = modelFilesOf(workflow);
    expect(files).toHaveLength(4);
    for (const file of files) expect(page).toContain(`\`${file}\``);
  });
});
