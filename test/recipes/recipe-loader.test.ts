import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS_DIRECTORY, loadRecipes, RecipeError } from '../../src/recipes/recipe-loader.ts';

const options = { words: { kind: 'text', description: 'Words', parameters: ['1-inputs-text'] } };

let folder: string;
let other: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-loader-'));
  other = join(folder, 'other');
  await mkdir(other);
});
afterEach(() => rm(folder, { recursive: true }));

function put(name: string, text: string): Promise<void> {
  return writeFile(join(folder, name), text);
}

function recipe(name: string, more: object = {}): string {
  return JSON.stringify({ name, description: name, options, outputs: { main: [] }, ...more });
}

function load(...directories: string[]) {
  return loadRecipes({ directories: directories.length === 0 ? [folder] : directories });
}

/** The lines of what is wrong, without the folder. */
async function problems(patienceMs?: number): Promise<string[]> {
  try {
    await loadRecipes({ directories: [folder], ...(patienceMs !== undefined && { patienceMs }) });
  } catch (error) {
    if (!(error instanceof RecipeError)) throw error;
    return error.message.split('\n').map((line) => line.replaceAll(`${folder}/`, ''));
  }
  throw new Error('Nothing was wrong');
}

describe('a folder of recipes', () => {
  it('gives those of every kind of module, with the name that they have inside, and nothing of what else is there', async () => {
    await put('a.ts', `const name: string = 'one'; export default { ...${recipe('x')}, name };`);
    await put('b.mts', `export default ${recipe('two')};`);
    await put('c.js', `export default ${recipe('three')};`);
    await put('d.mjs', `export default ${recipe('four')};`);
    await put('e.js', `module.exports = ${recipe('five')};`);
    for (const name of ['_parts.ts', '.hidden.ts', 'types.d.ts', 'notes.md', 'face.png', 'graph.json']) {
      await put(name, '???');
    }
    await mkdir(join(folder, 'folder.ts'));
    expect([...(await load()).keys()]).toEqual(['one', 'two', 'three', 'four', 'five']);
  });

  it('may take the place of a recipe in a folder before it', async () => {
    await writeFile(join(other, 'mine.mjs'), `export default ${recipe('character', { description: 'Mine' })};`);
    await writeFile(join(other, 'more.mjs'), `export default ${recipe('more')};`);
    const ours = await load(COMMANDS_DIRECTORY);
    const all = await load(COMMANDS_DIRECTORY, other);
    expect([...all.keys()]).toEqual([...ours.keys(), 'more']);
    expect(all.get('character')?.description).toBe('Mine');
  });

  it('stops the start where two have one name, where one has Troupe’s own, and where it is not there', async () => {
    await put('a.mjs', `export default ${recipe('same')};`);
    await put('b.mjs', `export default ${recipe('same')};`);
    await put('c.mjs', `export default ${recipe('jobs')};`);
    await expect(problems()).resolves.toEqual([
      'b.mjs: a.mjs has the name same already',
      "c.mjs: the name jobs is Troupe's own",
    ]);
    await expect(load(join(folder, 'nowhere'))).rejects.toThrow(/nowhere: this folder of recipes is not there$/);
  });

  it('is read anew each time, with what its files import and what is said in place of a workflow', async () => {
    await put(
      'a.mjs',
      `import graph from './a.json' with { type: 'json' };
      import { description } from './_words.mjs';
      export default { ...${recipe('a')}, description, workflow: { graph } };`,
    );
    const instead = join(folder, 'instead.json');
    const graphOf = (text: string) => ({ '1': { class_type: 'Echo', inputs: { text } } });
    const read = async (workflows = {}) => (await loadRecipes({ directories: [folder], workflows })).get('a');
    for (const words of ['before', 'after']) {
      await put('_words.mjs', `export const description = '${words}';`);
      await put('a.json', JSON.stringify(graphOf(words)));
      await writeFile(instead, JSON.stringify(graphOf(`${words} instead`)));
      await expect(read()).resolves.toMatchObject({ description: words, workflow: { graph: graphOf(words) } });
      const changed = await read({ a: { path: instead } });
      expect(changed?.workflow?.graph).toEqual(graphOf(`${words} instead`));
    }
    await writeFile(instead, '{"nodes":[],"links":[]}');
    await expect(read({ a: { path: instead } })).rejects.toThrow(RecipeError);
  });

  it('gives addresses beside the recipe, and stops the start where nothing is there', async () => {
    const text = (file: string) => `export default { ...${recipe('a')}, options: { face: { kind: 'picture', maxSide: 64,
      description: 'Face', default: new URL('${file}', import.meta.url), parameters: ['1-inputs-image'] } } };`;
    await put('face.png', '');
    await put('a.mjs', text('face.png'));
    const face = pathToFileURL(join(folder, 'face.png'));
    expect((await load()).get('a')?.options).toMatchObject({ face: { default: face } });
    for (const file of ['no.png', 'other', 'https://example.com/face.png']) {
      await put('a.mjs', text(file));
      const [line, ...more] = await problems();
      expect(line).toMatch(/^a\.mjs: options\.face\.default \S+ is no file that can be read$/);
      expect(more).toEqual([]);
    }
  });
});

describe('a file that is no recipe', () => {
  it.each([
    ['with a mistake in its TypeScript', 'a.ts', 'export default {\n  name: ,\n};', 'a.ts:2: Expression expected'],
    ['with a mistake in its JavaScript', 'a.mjs', 'export default {\n  name: ,\n};', "a.mjs:2: Unexpected token ','"],
    ['that needs a build', 'a.ts', '\nenum A { B }', 'a.ts:2: TypeScript enum is not supported in strip-only mode'],
    [
      'that throws',
      'a.ts',
      'const nothing = {}.x;\nexport default nothing.name;',
      "a.ts:2: it throws while it loads: Cannot read properties of undefined (reading 'name')",
    ],
    ['that throws what is no error', 'a.mjs', "throw 'text'", "a.mjs: it throws 'text' while it loads"],
    [
      'that throws later',
      'a.mjs',
      "setTimeout(() => { throw new Error('late'); }); await new Promise((r) => setTimeout(r, 60_000));",
      'a.mjs: it fails while it loads: late',
    ],
    [
      'without a default export',
      'a.mjs',
      'export const a = 1;',
      'a.mjs: it has no default export, which would be the recipe. A file that is no recipe has a name that begins with _',
    ],
    ['that imports what is not there', 'a.mjs', "import './b.mjs';", "a.mjs: Cannot find module 'b.mjs'"],
    ['that imports a package that is not there', 'a.mjs', "import 'nix';", "a.mjs: Cannot find package 'nix'"],
    ['that ends the program', 'a.mjs', 'process.exit(0);', 'a.mjs: it ends the program while it loads'],
    ['that awaits nothing', 'a.mjs', 'await new Promise(() => {});', 'a.mjs: it awaits what never comes'],
    [
      'that is a promise',
      'a.mjs',
      'export default Promise.resolve(1);',
      /^a\.mjs: it is a promise: put await before it/,
    ],
    ['that is a number', 'a.mjs', 'export default 1;', 'a.mjs: it must be an object'],
    [
      'that is more than data',
      'a.mjs',
      `export default { ...${recipe('a')}, options: { mood: { choices: () => 1 } } };`,
      /^a\.mjs: options\.mood\.choices is a function; a recipe is data/,
    ],
    [
      'with a name that nothing can have',
      'a.mjs',
      `export default { ...${recipe('a')}, options: { ['__proto__']: 1 } };`,
      'a.mjs: options.__proto__ cannot be called so',
    ],
    [
      'that is in itself',
      'a.mjs',
      `const a = ${recipe('a')}; a.options = { a }; export default a;`,
      /^a\.mjs: options\.a is an object that has itself inside/,
    ],
  ])('%s is told', async (_what, name, text, line) => {
    await put(name, text);
    const found = await problems();
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(line);
  });

  it.each([
    ['awaits nothing', 'await new Promise(() => {});', 'it awaits what never comes'],
    ['ends the program', 'process.exit(0);', 'it ends the program while it loads'],
  ])('that %s is told, and the one after it is not', async (_what, text, problem) => {
    await put('a.mjs', `export default ${recipe('a')};`);
    await put('b.mjs', text);
    await put('c.mjs', `export default ${recipe('c')};`);
    await expect(problems()).resolves.toEqual([`b.mjs: ${problem}`]);
  });

  it('is not one that waits while another one before it fails late', async () => {
    await put('a.mjs', `setTimeout(() => { throw new Error('late'); }); export default ${recipe('a')};`);
    await put('b.mjs', `await new Promise((done) => setTimeout(done, 100)); export default ${recipe('b')};`);
    expect([...(await load()).keys()]).toEqual(['a', 'b']);
  });

  it('has a workflow of another format, or one in which everything is wrong: that is told in few lines', async () => {
    const text = `import graph from './_graph.json' with { type: 'json' };
      export default { ...${recipe('a')}, workflow: { graph } };`;
    await put('a.mjs', text);
    await put('_graph.json', '{"id":"1","revision":0,"last_node_id":9,"nodes":[],"links":[],"extra":{}}');
    const here = "a.mjs: workflow.graph is a workflow as ComfyUI's page saves it, not in API format.";
    await expect(problems()).resolves.toEqual([`${here} In ComfyUI: Workflow, Export (API).`]);
    const nodes = Array.from({ length: 100_000 }, (_, id) => [id, {}] as const);
    await put('_graph.json', JSON.stringify(Object.fromEntries(nodes)));
    const found = await problems();
    expect(found).toHaveLength(21);
    expect(found[0]).toBe('a.mjs: workflow.graph.0.class_type is missing');
    expect(found[20]).toBe('and 199980 more like these');
    await put('a.mjs', `export default { ...${recipe('a')}, workflow: {} };`);
    await expect(problems()).resolves.toEqual(['a.mjs: workflow.graph is missing']);
  });

  it('has names of options that cannot be, or that JavaScript puts elsewhere', async () => {
    const { words } = options;
    const named = Object.fromEntries(['private', 'constructor'].map((name) => [name, words]));
    await put('a.mjs', `export default ${recipe('a', { options: named })};`);
    await put('b.mjs', `export default ${recipe('b', { options: { say: { ...words, required: true }, 2: words } })};`);
    await expect(problems()).resolves.toEqual([
      'a.mjs: no option can be called private: there is one already',
      'a.mjs: no option can be called constructor: there is one already',
      'b.mjs: the required option say must come before the ones that are not',
      'b.mjs: options.2 is put first by JavaScript, wherever it is written: put a letter into its name',
    ]);
  });

  it('is told with the place in what it imports', async () => {
    await put('a.mjs', "import './_b.ts'; export default 1;");
    await put('_b.ts', '\n\nthrow new Error("no\\u001b[2J\\nidea");');
    await expect(problems()).resolves.toEqual(['a.mjs: it throws while it loads: no [2J idea (_b.ts:3)']);
    await put('_b.ts', 'export const = 1;');
    await expect(problems()).resolves.toEqual([expect.stringMatching(/^a\.mjs: \S.* \(_b\.ts:1\)$/)]);
    await put('a.mjs', "import b from './b.json' with { type: 'json' }; export default b;");
    await put('b.json', '{');
    await expect(problems()).resolves.toEqual([expect.stringMatching(/^a\.mjs: b\.json: .*JSON/)]);
  });

  it('is told with all others, each with all that is wrong; those that never end too', async () => {
    await put('a.mjs', 'for (;;);');
    await put('b.mjs', 'export default {');
    await put('c.mjs', 'setInterval(() => {}, 60_000); await new Promise(() => {}); export default {};');
    await put(
      'd.mjs',
      `export default { name: 'd', options: { A: 1, mood: { kind: 'sound' }, old: { kind: 'choice',
      description: '', choices: { x: [] }, parameters: ['text'], required: 'yes' } }, outputs: { main: [1] } };`,
    );
    await put(
      'e.mjs',
      `export default ${recipe('e', {
        options: { a: { ...options.words, parameters: [] }, b: { ...options.words, required: true } },
        outputs: { main: [{ node: 'Save' }] },
        access: { permission: 'Fly' },
      })};`,
    );
    await put('f.mjs', `export default ${recipe('f')};`);
    await expect(problems(1500)).resolves.toEqual([
      'a.mjs: it has not finished loading after 1.5 s',
      'b.mjs:1: Unexpected end of input',
      'c.mjs: it has not finished loading after 1.5 s',
      'd.mjs: description is missing',
      'd.mjs: options.A is no name for it: it must be 1 to 32 of a-z, 0-9, _ and -',
      expect.stringMatching(/^d\.mjs: options\.mood\.kind must be one of text, long-text, /),
      'd.mjs: options.old.description is empty',
      'd.mjs: options.old.required must be true or false',
      'd.mjs: options.old.parameters.0 must look like 594-inputs-string',
      'd.mjs: options.old.choices.x must be text or a number or true or false',
      'd.mjs: outputs.main.0 must be text or an object',
      'e.mjs: the required option b must come before the ones that are not',
      'e.mjs: options.a has no parameters',
      'e.mjs: outputs names the node Save, and it has no workflow',
      'e.mjs: access.permission Fly is no permission of Discord, such as ManageGuild',
    ]);
  });
});
