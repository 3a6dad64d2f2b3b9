import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLocalComfyUI } from '../../src/playground/comfyui/server.ts';
import { createLocalSegmind } from '../../src/playground/segmind/server.ts';
import { createLocalViewComfy } from '../../src/playground/viewcomfy/server.ts';
import { PORTRAIT } from '../e2e/portraits.ts';
import { runTry, summaryOf } from './_try.ts';

const quick = { runMs: 50, drawing: 'flat', pictureScale: 0.1 } as const;
const credentials = { clientId: 'id', clientSecret: 'secret' };

describe('npm run try with a backend', () => {
  let folder: string;
  let args: readonly string[];
  const toClose: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-try-backends-'));
    const portrait = join(folder, 'me.png');
    await writeFile(portrait, (await PORTRAIT).bytes);
    args = ['--character', portrait, '--prompt', 'a pilot', '--out', join(folder, 'files')];
  });
  afterEach(async () => {
    for (const close of toClose.splice(0)) await close();
    await rm(folder, { recursive: true });
  });

  function keep<S extends { close(): Promise<void> }>(server: S): S {
    toClose.push(() => server.close());
    return server;
  }

  /** Runs it and looks at every file. */
  async function expectPictures(backend: string, environment: Record<string, string>) {
    const ended = await runTry(folder, ['--backend', backend, ...args], environment);
    expect(ended).toMatchObject({ code: 0 });
    const summary = summaryOf(ended);
    expect(summary.outcome).toBe('done');
    const names = await readdir(join(folder, 'files'));
    expect(names.toSorted()).toEqual(summary.files?.map(({ name }) => name).toSorted());
    for (const name of names) expect((await sharp(join(folder, 'files', name)).metadata()).width).toBeGreaterThan(0);
    return { ...summary, err: ended.err, count: names.length };
  }

  it('ViewComfy', async () => {
    const { url } = keep(await createLocalViewComfy({ ...credentials, coldStartMs: 0, ...quick }));
    const { backend, count } = await expectPictures('viewcomfy', {
      VIEWCOMFY_URL: url,
      VIEWCOMFY_CLIENT_ID: credentials.clientId,
      VIEWCOMFY_CLIENT_SECRET: credentials.clientSecret,
    });
    expect([backend, count]).toEqual(['ViewComfy', 15]);
  });

  it('ComfyUI, which is sent the workflow of ours', async () => {
    const server = keep(await createLocalComfyUI({ ...quick, headers: { 'x-key': 'of the proxy' } }));
    const environment = { COMFYUI_URL: server.url, COMFYUI_HEADERS: '{"x-key":"of the proxy"}' };
    const { backend, files } = await expectPictures('comfyui', environment);
    expect(backend).toBe('ComfyUI');
    for (const scene of ['Image_1', 'Image_2', 'Image_3', 'Image_4', 'character_sheet']) {
      expect(files?.some(({ name }) => name.includes(scene))).toBe(true);
    }
    expect(server.runs).toHaveLength(1);
    expect(server.runs[0]?.graph.get('594')?.inputs).toMatchObject({ string: 'a pilot' });
  });

  it('ComfyUI, which is sent a workflow that somebody has', async () => {
    const server = keep(await createLocalComfyUI(quick));
    const workflow = join(folder, 'own.json');
    await writeFile(
      workflow,
      JSON.stringify({
        '1': { class_type: 'LoadImage', inputs: { image: 'example.png' }, _meta: { title: 'Face' } },
        '2': { class_type: 'PrimitiveString', inputs: { value: '' } },
        '3': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'mine' } },
      }),
    );
    const parameters = join(folder, 'map.json');
    await writeFile(parameters, JSON.stringify({ prompt: ['2-inputs-value'], character: ['1-inputs-image'] }));
    const { files, err } = await expectPictures('comfyui', {
      COMFYUI_URL: server.url,
      CHARACTER_WORKFLOW: workflow,
      CHARACTER_PARAMETERS: parameters,
    });
    expect(files).toMatchObject([{ name: expect.stringContaining('mine') }]);
    expect(err).toContain('The workflow has no input 625-inputs-image, so it was left out.');
  });

  it('Segmind, with what it cannot do', async () => {
    const { url } = keep(await createLocalSegmind({ apiKey: 'key', ...quick }));
    const { backend, count, err } = await expectPictures('segmind', { SEGMIND_API_KEY: 'key', SEGMIND_URL: url });
    expect([backend, count]).toEqual(['Segmind', 1]);
    expect(err).toMatch(/scene/);
  });

  it('the first that is there, which is then named', async () => {
    const server = keep(await createLocalComfyUI(quick));
    const ended = await runTry(folder, args, {
      BACKENDS: 'segmind,comfyui',
      SEGMIND_API_KEY: 'key',
      SEGMIND_URL: 'http://127.0.0.1:9/',
      COMFYUI_URL: server.url,
    });
    expect(summaryOf(ended)).toMatchObject({ outcome: 'done', backend: 'ComfyUI' });
  });

  it.for([
    ['comfyui', { COMFYUI_URL: 'http://127.0.0.1:9' }, 'ComfyUI cannot be reached'],
    ['segmind', { SEGMIND_API_KEY: 'key', SEGMIND_URL: 'http://127.0.0.1:9/' }, 'Segmind cannot be reached'],
    ['amqp', { AMQP_URL: 'amqp://127.0.0.1:9', AMQP_VIEW_URL: 'http://127.0.0.1:9' }, 'cannot be reached'],
  ] satisfies [string, Record<string, string>, string][])(
    '%s at a dead address, in one sentence at the end',
    async ([backend, environment, sentence]) => {
      const ended = await runTry(folder, ['--backend', backend, ...args], environment);
      expect(ended.code).toBe(1);
      expect(ended.err.trim().split('\n').at(-1)).toContain(sentence);
      expect(summaryOf(ended)).toMatchObject({ outcome: 'unreachable', mayBeBilled: false });
    },
  );
});
