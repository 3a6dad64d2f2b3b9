import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fill } from '../../src/recipes/recipe.ts';
import { COMMANDS_DIRECTORY, loadRecipes } from '../../src/recipes/recipe-loader.ts';
import { fillWorkflow } from '../../src/recipes/workflow.ts';
import { readParameterMap, readWorkflowFile } from '../../src/recipes/workflow-file.ts';

const SHARED = new URL('../../../shared/workflows/flux-consistent-characters/workflow_api.json', import.meta.url);
const directories = [COMMANDS_DIRECTORY];

describe('a file with a workflow', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-workflow-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function put(text: string): Promise<string> {
    const path = join(folder, 'workflow.json');
    await writeFile(path, text);
    return path;
  }

  const graph = { '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a cat', clip: ['4', 1] } } };

  it('is read', async () => {
    await expect(readWorkflowFile(await put(JSON.stringify(graph)))).resolves.toEqual(graph);
    await expect(readParameterMap(await put('{"prompt":["6-inputs-text"]}'))).resolves.toEqual({
      prompt: ['6-inputs-text'],
    });
  });

  it.for([
    ['of the page', '{"nodes":[],"links":[],"version":0.4}', /as ComfyUI's page saves it.*Export \(API\)/],
    ['of a ViewComfy app', '{"file_type":"view_comfy","workflows":[]}', /the form of a ViewComfy app/],
    ['of something else', '[1,2]', /no workflow in API format/],
    ['with nothing in it', '{}', /no workflow in API format/],
    ['that is broken', '{"6":', /is not JSON/],
  ] as const)('%s is told as what it is', async ([, text, sentence]) => {
    await expect(readWorkflowFile(await put(text))).rejects.toThrow(sentence);
  });

  it('that is not there is told', async () => {
    await expect(readWorkflowFile(join(folder, 'nothing.json'))).rejects.toThrow('nothing.json cannot be read.');
    await expect(readParameterMap(await put('{"prompt":"6-inputs-text"}'))).rejects.toThrow('must name parameters');
  });

  it('takes the place of a recipe’s own, with the recipe’s keys or with others', async () => {
    const path = await put(JSON.stringify(graph));
    const character = (await loadRecipes({ directories, workflows: { character: { path } } })).get('character');
    if (!character) throw new Error('no recipe');
    expect(fill(character, { prompt: 'a pilot' })).toMatchObject({
      workflow: graph,
      parameters: { '594-inputs-string': 'a pilot' },
    });
    const map = join(folder, 'map.json');
    await writeFile(map, '{"prompt":["6-inputs-text"]}');
    const workflows = { character: { path, parameters: map } };
    const mapped = (await loadRecipes({ directories, workflows })).get('character');
    expect(mapped && fill(mapped, { prompt: 'a pilot' })).toMatchObject({ parameters: { '6-inputs-text': 'a pilot' } });
    await writeFile(map, '{"promt":["6-inputs-text"]}');
    await expect(loadRecipes({ directories, workflows })).rejects.toThrow(
      'map.json names promt, which is no option of /character',
    );
  });

  it.runIf(existsSync(SHARED))('may be the one that people have on ViewComfy', async () => {
    const path = fileURLToPath(SHARED);
    const character = (await loadRecipes({ directories, workflows: { character: { path } } })).get('character');
    const { workflow = {}, parameters, files } = character ? fill(character, { prompt: 'a pilot', upscale: 3 }) : {};
    expect(Object.keys({ ...parameters, ...files })).toHaveLength(2);
    expect(fillWorkflow(workflow, parameters ?? {}).unknown).toEqual([]);
  });
});
