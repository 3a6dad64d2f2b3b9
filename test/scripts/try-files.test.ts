import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLocalViewComfy, type LocalViewComfy } from '../../src/playground/viewcomfy/server.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { mp3Frames, mp4 } from '../pictures/_media.ts';
import { halves, quarters } from '../pictures/_samples.ts';
import { runTry } from './_try.ts';

/** Asks for everything that can be asked for. */
const RECIPE = {
  name: 'everything',
  description: 'A test',
  options: {
    scene: { kind: 'picture', description: 'A picture', required: true, maxSide: 64, parameters: ['1-inputs-image'] },
    area: { kind: 'mask', description: 'A part of it', of: 'scene', parameters: ['2-inputs-image'] },
    clip: { kind: 'video', description: 'A film', parameters: ['3-inputs-file'] },
    voice: { kind: 'audio', description: 'A sound', parameters: ['4-inputs-audio'] },
    story: { kind: 'long-text', description: 'Words', parameters: ['6-inputs-text'] },
    size: {
      kind: 'choice',
      description: 'How large',
      choices: { Small: 512, Large: 1024 },
      parameters: ['6-inputs-size'],
    },
    loop: { kind: 'switch', description: 'Round and round', parameters: ['6-inputs-loop'] },
    speed: { kind: 'number', description: 'How fast', min: 0, max: 2, parameters: ['6-inputs-speed'] },
  },
  workflow: {
    always: true,
    graph: {
      '1': { class_type: 'LoadImage', inputs: { image: 'a.png' } },
      '2': { class_type: 'LoadImageMask', inputs: { image: 'a.png', channel: 'red' } },
      '3': { class_type: 'LoadVideo', inputs: { file: 'a.mp4' } },
      '4': { class_type: 'LoadAudio', inputs: { audio: 'a.mp3' } },
      '5': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'result' } },
      '6': { class_type: 'Anything', inputs: { text: '', size: 0, loop: false, speed: 1 } },
    },
  },
  outputs: { main: [] },
} satisfies Recipe;

describe('npm run try with a recipe of COMMANDS_DIR', () => {
  let folder: string;
  let viewcomfy: LocalViewComfy;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-try-files-'));
    viewcomfy = await createLocalViewComfy({ clientId: 'id', clientSecret: 'secret', runMs: 0, coldStartMs: 0 });
    await mkdir(join(folder, 'commands'));
    await writeFile(join(folder, 'commands', 'everything.ts'), `export default ${JSON.stringify(RECIPE)};`);
    await writeFile(join(folder, 'scene.png'), await quarters(128, 96).png().toBuffer());
    await writeFile(join(folder, 'area.png'), await halves(30, 30, [0, 0, 0], [255, 255, 255]).png().toBuffer());
    await writeFile(join(folder, 'My clip.mov'), mp4(300_000));
    await writeFile(join(folder, 'voice'), mp3Frames(20));
  });
  afterEach(async () => {
    await viewcomfy.close();
    await rm(folder, { recursive: true });
  });

  function tryEverything(options: Readonly<Record<string, string>>) {
    const args = Object.entries({ recipe: 'everything', scene: 'scene.png', out: 'files', ...options });
    return runTry(
      folder,
      args.flatMap(([name, value]) => [`--${name}`, value]),
      {
        COMMANDS_DIR: join(folder, 'commands'),
        VIEWCOMFY_URL: viewcomfy.url,
        VIEWCOMFY_CLIENT_ID: 'id',
        VIEWCOMFY_CLIENT_SECRET: 'secret',
      },
    );
  }

  it('sends files of every kind and values of every kind', async () => {
    const ended = await tryEverything({
      area: 'area.png',
      clip: 'My clip.mov',
      voice: 'voice',
      story: 'Once\nupon a time',
      size: 'Large',
      loop: 'true',
      speed: '1.5',
    });
    expect(ended).toMatchObject({ code: 0 });
    expect(viewcomfy.runs.at(-1)).toMatchObject({
      files: [
        { key: '1-inputs-image', filename: 'scene.png', mediaType: 'image/png' },
        { key: '2-inputs-image', filename: 'area.png', mediaType: 'image/png' },
        { key: '3-inputs-file', filename: 'my_clip.mp4', mediaType: 'video/mp4', size: 300_000 },
        { key: '4-inputs-audio', filename: 'voice.mp3', mediaType: 'audio/mpeg' },
      ],
      params: {
        '6-inputs-text': 'Once\nupon a time',
        '6-inputs-size': 1024,
        '6-inputs-loop': true,
        '6-inputs-speed': 1.5,
      },
    });
    await expect(readdir(join(folder, 'files'))).resolves.toHaveLength(1);
  });

  it('says everything that is wrong, and sends nothing', async () => {
    const ended = await tryEverything({
      area: 'My clip.mov',
      clip: 'scene.png',
      voice: 'nowhere.mp3',
      size: 'Huge',
      loop: 'perhaps',
    });
    expect(ended).toMatchObject({
      code: 2,
      out: '',
      err: [
        '--area: This file is an MP4 video, which cannot be used. Send a PNG, JPEG, WebP, GIF or AVIF picture.',
        '--clip: This file is a PNG picture, which is no video. Send an MP4, QuickTime, WebM, Matroska, AVI or GIF file.',
        '--voice: nowhere.mp3 cannot be read.',
        '--size: This must be one of Small, Large.',
        '--loop: This must be true or false.',
        '',
      ].join('\n'),
    });
    expect(viewcomfy.runs).toHaveLength(0);
  });

  it('says which recipes there are, and what cannot run one', async () => {
    const environment = { COMMANDS_DIR: join(folder, 'commands'), COMMANDS: 'everything' };
    await expect(runTry(folder, ['--scene', 'scene.png'], environment)).resolves.toMatchObject({
      code: 2,
      err: 'There is no recipe character; there are everything. Name one with --recipe.\n',
    });
    const args = ['--recipe', 'everything', '--backend', 'segmind', '--scene', 'scene.png'];
    await expect(runTry(folder, args, { ...environment, SEGMIND_API_KEY: 'SG_x' })).resolves.toMatchObject({
      code: 2,
      err: '/everything is left out: it runs on viewcomfy, comfyui, or amqp, and this bot has segmind.\n',
    });
  });
});
