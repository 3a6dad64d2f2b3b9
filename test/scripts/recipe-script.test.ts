import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadRecipes } from '../../src/recipes/recipe-loader.ts';
import { recipeOf } from './_recipe.ts';
import { runScript } from './_script.ts';
import { field, FLUX, form, GRAPH, SHARED } from './_workflows.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('npm run recipe', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-recipe-'));
    await writeFile(join(folder, 'workflow_api.json'), JSON.stringify(GRAPH));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const run = (...args: string[]) => runScript('recipe.ts', folder, args);
  const make = (name: string, input: string, ...more: string[]) =>
    run(input, '--name', name, '--commands', 'made', ...more);

  it('writes a recipe that loads, whose form is this repository’s and whose types are right', async () => {
    await writeFile(
      join(folder, 'form.json'),
      form([field(['3', 'steps'], { title: "It's", valueType: 'number', value: 9, visibility: 'hidden' })]),
    );
    const many = Array.from({ length: 30 }, (_, index) => ({ label: `Kind ${index}`, value: `${index}` }));
    await writeFile(
      join(folder, 'kinds.json'),
      form(
        [
          field(['1', 'image'], {
            title: 'Photo',
            valueType: 'image-mask',
            validations: { errorMsg: "It's no photo" },
          }),
          field(['1', 'file'], { title: 'Film', valueType: 'video' }),
          field(['1', 'audio'], { title: 'Song', valueType: 'audio' }),
          field(['1', 'text'], {
            title: 'Words',
            valueType: 'long-text',
            value: `${'long words '.repeat(20)}\nand more`,
          }),
          field(['1', 'size'], { title: 'Size', valueType: 'select', value: '3', options: many }),
          field(['1', 'fast'], { title: 'Fast', valueType: 'boolean', value: false }),
        ],
        {
          '1': { class_type: 'A', inputs: { image: 'a', file: 'b', audio: 'c', text: 'd', size: 3, fast: true } },
          '2': { class_type: 'PreviewAny', _meta: { title: "What it's about" }, inputs: { source: ['1', 0] } },
        },
      ),
    );
    expect(await make('portrait', 'workflow_api.json')).toMatchObject({ code: 0 });
    expect(await make('from-form', 'form.json')).toMatchObject({ code: 0 });
    expect(await make('kinds', 'kinds.json')).toMatchObject({ code: 0 });
    for (const name of existsSync(SHARED) ? ['others/wan_workflow_api_with_lora.json', FLUX] : []) {
      expect(await make(name.includes('wan') ? 'wan' : 'flux', join(SHARED, name))).toMatchObject({ code: 0 });
    }
    const recipes = await loadRecipes({ directories: [join(folder, 'made')] });
    expect(recipes.get('portrait')).toEqual({
      ...recipeOf(JSON.stringify(GRAPH)).recipe,
      name: 'portrait',
      description: 'Runs the workflow portrait',
    });

    const bin = (name: string) => join(ROOT, 'node_modules', '.bin', name);
    expect(await complaints(bin('oxfmt'), ['-c', join(ROOT, '.oxfmtrc.json'), '--check', ...(await sources())])).toBe(
      '',
    );
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const types = { typeRoots: [join(ROOT, 'node_modules', '@types')] };
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions: types, include: ['made'], exclude: [] }),
    );
    expect(await complaints(bin('tsc'), ['-p', folder])).toBe('');
  });

  async function sources() {
    const names = await readdir(join(folder, 'made'));
    return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, 'made', name));
  }

  /** What it complains about; nothing where all is well. */
  async function complaints(command: string, args: readonly string[]): Promise<string> {
    const child = spawn(command, args);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = await once(child, 'close');
    return code === 0 ? '' : output;
  }

  it('says what it guessed, and prints what will be asked', async () => {
    const { out, err } = await make('portrait', 'workflow_api.json', '--dry-run');
    expect(out).toMatch(/^\/portrait: Runs the workflow portrait\noption .*\nprompt .* yes .*21-inputs-value\n/);
    expect(err).toMatch(/^prompt: the words of PrimitiveStringMultiline 'What to draw'/);
    expect(err).toMatch(/The result: files whose names begin with Portrait\./);
    expect(existsSync(join(folder, 'made'))).toBe(false);
  });

  it('writes the workflow as it was, to the last digit and in its order', async () => {
    const text =
      '{\n  "9": {\n    "class_type": "A",\n    "inputs": {\n      "x": 12345678901234567890,\n      "2": 1.0,\n      "1": -0\n    }\n  },\n  "1": {\n    "class_type": "B",\n    "inputs": {}\n  }\n}\n';
    await writeFile(join(folder, 'odd.json'), text);
    const { err } = await make('odd', 'odd.json');
    expect(await readFile(join(folder, 'made', 'odd.workflow.json'), 'utf8')).toBe(text);
    expect(err).toContain('Larger than JavaScript keeps, so sent rounded: 9-inputs-x.');
  });

  it('says no more than is read, and nothing that a terminal obeys', async () => {
    const loaders = Array.from({ length: 60 }, (_, index) => [
      `v${index}`,
      {
        class_type: 'LoadVideoFromPath',
        _meta: { title: `\u001b[31m\n${index}` },
        inputs: { file: 'x', next: [`v${(index + 1) % 60}`, 0] },
      },
    ]);
    await writeFile(join(folder, 'many.json'), JSON.stringify(Object.fromEntries(loaders)));
    const { code, err } = await make('many', 'many.json', '--dry-run');
    expect(code).toBe(0);
    expect(err).not.toContain('\u001b');
    expect(err.trim().split('\n')).toHaveLength(33);
    expect(err).toMatch(/And \d+ more of these\./);
  });

  it('never writes over a recipe unless it is told to', async () => {
    await make('portrait', 'workflow_api.json');
    const path = join(folder, 'made', 'portrait.ts');
    await writeFile(path, '// mine');
    expect(await make('portrait', 'workflow_api.json')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/portrait\.ts is there already\..*--force/),
    });
    expect(await readFile(path, 'utf8')).toBe('// mine');
    await rm(path);
    expect(await make('portrait', 'workflow_api.json')).toMatchObject({
      code: 2,
      err: expect.stringContaining('portrait.workflow.json is there already'),
    });
    expect(await make('portrait', 'workflow_api.json', '--force')).toMatchObject({ code: 0 });
    expect(await readFile(path, 'utf8')).toContain('satisfies Recipe');
  });

  it('takes the workflow of a form from another file, and the form that is asked for', async () => {
    const bare = JSON.parse(form([field(['21', 'value'], { title: 'Words', valueType: 'string', value: 'x' })], {}));
    delete bare.workflows[0].workflowApiJSON;
    bare.workflows.push({ viewComfyJSON: { title: 'Second', inputs: [] }, workflowApiJSON: GRAPH });
    await writeFile(join(folder, 'app.json'), JSON.stringify(bare));
    expect(await make('a', 'app.json')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/has 2 forms.*--form 1 Portraits\n {2}--form 2 Second/s),
    });
    expect(await make('a', 'app.json', '--form', '3')).toMatchObject({
      code: 2,
      err: expect.stringContaining('has 2 forms'),
    });
    expect(await make('a', 'app.json', '--form', '1')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--workflow workflow_api.json'),
    });
    expect(await make('a', 'app.json', '--form', '1', '--workflow', 'workflow_api.json')).toMatchObject({ code: 0 });
    expect(Object.keys((await loadRecipes({ directories: [join(folder, 'made')] })).get('a')?.options ?? {})).toEqual([
      'words',
    ]);
  });

  it.each([
    ['a name that Discord refuses', ['workflow_api.json', '--name', 'My Portrait'], /no command named "My Portrait"/],
    ['a name that leads elsewhere', ['workflow_api.json', '--name', '../portrait'], /no command named/],
    ['the name of Troupe’s own command', ['workflow_api.json', '--name', 'jobs'], /Troupe's own/],
    ['no name', ['workflow_api.json'], /^npm run recipe/],
    ['a file that is not there', ['nothing.json', '--name', 'a'], /nothing\.json cannot be read/],
    ['the page’s own format', ['ui.json', '--name', 'a'], /as ComfyUI's page saves it.*Export \(API\)/],
    ['a node called __proto__', ['proto.json', '--name', 'a'], /called __proto__/],
    ['an unknown option', ['workflow_api.json', '--nmae', 'a'], /Unknown option '--nmae'/],
    ['a form of a workflow', ['workflow_api.json', '--name', 'a', '--form', '1'], /has no forms/],
  ])('with %s says what to do, and writes nothing', async (_what, args, sentence) => {
    await writeFile(join(folder, 'ui.json'), '{"nodes":[],"links":[]}');
    await writeFile(
      join(folder, 'proto.json'),
      '{"__proto__":{"class_type":"A","inputs":{}},"1":{"class_type":"A","inputs":{}}}',
    );
    const ended = await run(...args, '--commands', 'made');
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err).toMatch(sentence);
    expect(existsSync(join(folder, 'made'))).toBe(false);
  });
});
