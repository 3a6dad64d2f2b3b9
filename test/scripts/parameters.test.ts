import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runScript } from './_script.ts';

const FLUX = fileURLToPath(new URL('../../../shared/workflows/flux-consistent-characters/', import.meta.url));

describe('npm run parameters', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-parameters-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const run = (...args: string[]) => runScript('parameters.ts', folder, args);
  async function runOn(text: string) {
    await writeFile(join(folder, 'workflow_api.json'), text);
    return await run('workflow_api.json');
  }

  it('prints every input of every node after what the node is, links too, in the order of the file', async () => {
    const ended = await runOn(`{
      "9": { "class_type": "A", "_meta": { "title": "Mine" }, "inputs": { "b": ["1", 0], "1": null, "a": "é\\u0001" } },
      "1": { "inputs": { "list": [], "it": { "2": [1.50], "1": {} } }, "class_type": "B", "_meta": { "title": "" } }
    }`);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toBe(`{
  "_9-node-class_type-info": "Mine",
  "9-inputs-b": [
    "1",
    0
  ],
  "9-inputs-1": null,
  "9-inputs-a": "é\\u0001",
  "_1-node-class_type-info": "B",
  "1-inputs-list": [],
  "1-inputs-it": {
    "2": [
      1.50
    ],
    "1": {}
  }
}
`);
  });

  it('lets numbers come out as they went in', async () => {
    const numbers = ['18446744073709551615', '-0', '1.0', '1e21', '1E+2', '0.1000', '-9007199254740993'];
    const inputs = numbers.map((number, index) => `"n${index}": ${number}`);
    const { out } = await runOn(`{"1":{"class_type":"A","inputs":{${inputs.join()}}}}`);
    const printed = [...out.matchAll(/"1-inputs-n\d": (.+?),?\n/g)].map(([, number]) => number);
    expect(printed).toEqual(numbers);
  });

  it('writes a file where one is named', async () => {
    await writeFile(join(folder, 'a.json'), '\uFEFF{"1":{"class_type":"A","inputs":{"text":"x"}}}');
    await expect(run('a.json', '--out', 'p.json')).resolves.toMatchObject({ code: 0, out: '', err: '' });
    const written: unknown = JSON.parse(await readFile(join(folder, 'p.json'), 'utf8'));
    expect(written).toEqual({ '_1-node-class_type-info': 'A', '1-inputs-text': 'x' });
  });

  it.skipIf(!existsSync(FLUX))(
    'prints for ViewComfy’s own workflow what ViewComfy publishes, byte for byte',
    async () => {
      const published = await readFile(join(FLUX, 'workflow_api_parameters.json'), 'utf8');
      const { out } = await run(join(FLUX, 'workflow_api.json'));
      expect(out.trimEnd()).toBe(published.trimEnd());
      expect(out.length).toBeGreaterThan(20_000);
    },
  );

  it.each([
    ['the page’s own format', '{"nodes":[],"links":[]}', /as ComfyUI's page saves it.*Export \(API\)/],
    ['the form of an app', '{"file_type":"view_comfy","workflows":[]}', /form of a ViewComfy app.*Export \(API\)/],
    ['broken JSON', '{"1": {"class_type"', /^workflow_api\.json is not JSON: .*Export \(API\)/],
    ['JSON that is nested too deep', `${'['.repeat(5000)}${']'.repeat(5000)}`, /nested too deep.*Export \(API\)/],
    ['an empty file', '', /is not JSON/],
    ['a list', '[]', /no workflow in API format.*Export \(API\)/],
    ['a node without a class', '{"1":{"inputs":{}}}', /no workflow in API format/],
  ])('says what %s is, and how to get the right file', async (_what, text, sentence) => {
    const ended = await runOn(text);
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err).toMatch(sentence);
    expect(ended.err.trim().split('\n')).toHaveLength(1);
  });

  it.each([
    ['a file that is not there', ['nothing.json'], /^nothing\.json cannot be read/],
    ['no file', [], /^npm run parameters/],
    ['two files', ['a.json', 'b.json'], /^npm run parameters/],
    ['an unknown option', ['a.json', '--colour'], /Unknown option '--colour'/],
  ])('with %s says what to do', async (_what, args, sentence) => {
    const ended = await run(...args);
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err).toMatch(sentence);
  });

  it('says where it cannot write', async () => {
    await writeFile(join(folder, 'a.json'), '{"1":{"class_type":"A","inputs":{}}}');
    const ended = await run('a.json', '--out', join('nowhere', 'p.json'));
    expect(ended).toMatchObject({ code: 2, out: '', err: `${join('nowhere', 'p.json')} cannot be written.\n` });
  });
});
