import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { mp3Frames, mp4 } from '../pictures/_media.ts';
import { halves, quarters } from '../pictures/_samples.ts';
import type { Picture } from './person.ts';
import { openStage, type Stage } from './stage.ts';

/** Asks for a file of every kind. */
const RECIPE = {
  name: 'retouch',
  description: 'A test',
  options: {
    scene: { kind: 'picture', description: 'A picture', required: true, maxSide: 640, parameters: ['1-inputs-image'] },
    hole: { kind: 'mask', description: 'What is painted anew', of: 'scene', parameters: [] },
    area: { kind: 'mask', description: 'What is made soft', of: 'scene', parameters: ['2-inputs-image'] },
    clip: { kind: 'video', description: 'How it moves', parameters: ['3-inputs-file'] },
    voice: { kind: 'audio', description: 'What is heard', parameters: ['4-inputs-audio'] },
  },
  workflow: {
    always: true,
    graph: {
      '1': { class_type: 'LoadImage', inputs: { image: 'a.png' } },
      '2': { class_type: 'LoadImageMask', inputs: { image: 'a.png', channel: 'red' } },
      '3': { class_type: 'LoadVideo', inputs: { file: 'a.mp4' } },
      '4': { class_type: 'LoadAudio', inputs: { audio: 'a.mp3' } },
      '5': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'result' } },
    },
  },
  outputs: { main: [] },
} satisfies Recipe;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage({ recipes: [RECIPE], media: { maxBytes: 3 * 1024 * 1024 } });
});
afterAll(() => stage.close());

function named(name: string, bytes: Uint8Array): Picture {
  return { name, bytes: Uint8Array.from(bytes) };
}

async function filesOf(): Promise<Record<string, Picture>> {
  return {
    scene: named('scene.jpg', await quarters(800, 600).jpeg().toBuffer()),
    hole: named('hole.png', await halves(80, 60, [0, 0, 0], [255, 255, 255]).png().toBuffer()),
    area: named('area.png', await halves(80, 60, [9, 9, 9, 255], [9, 9, 9, 0]).png().toBuffer()),
    clip: named('clip.bin', mp4(2_500_000)),
    voice: named('voice.bin', mp3Frames(50)),
  };
}

describe('files of every kind', () => {
  it('reach the workflow, and once more when the job is run again', async () => {
    const ana = stage.person('ana');
    stage.viewcomfy.next({ ending: 'error', errorText: 'CUDA out of memory' });
    const seen = await ana.answer(await ana.call('retouch', await filesOf()));
    const failed = await ana.waitFor(seen.id, /out of memory/);
    const sent = [
      { key: '1-inputs-image', filename: 'scene.png', mediaType: 'image/png' },
      { key: '2-inputs-image', filename: 'area.png', mediaType: 'image/png' },
      { key: '3-inputs-file', filename: 'clip.mp4', mediaType: 'video/mp4', size: 2_500_000 },
      { key: '4-inputs-audio', filename: 'voice.mp3', mediaType: 'audio/mpeg', size: mp3Frames(50).length },
    ];
    expect(stage.viewcomfy.runs.at(-1)?.files).toMatchObject(sent);
    const again = await ana.answer(await ana.press(failed, /Run again/));
    await ana.waitFor(again.id, / s on ViewComfy/);
    expect(stage.viewcomfy.runs).toHaveLength(2);
    expect(stage.viewcomfy.runs.at(-1)?.files).toMatchObject(sent);
  });

  it('that cannot be used are told together, and none of them is kept', async () => {
    const before = await spooled();
    const bo = stage.person('bo');
    const { clip: _clip, ...others } = await filesOf();
    const seen = await bo.answer(
      await bo.call('retouch', {
        ...others,
        hole: named('hole.png', await halves(80, 60, [255, 255, 255], [255, 255, 255]).png().toBuffer()),
        clip: named('clip.mp4', mp4(4_000_000)),
        voice: named('voice.mp3', Buffer.from('PK\x03\x04')),
      }),
    );
    const { text } = await bo.waitFor(seen.id, /Nothing was started/);
    expect(text).toMatch(/\*\*hole\*\*: All of it is marked/);
    expect(text).toMatch(/\*\*clip\*\*: This file has 3\.8 MiB; at most 3\.0 MiB are taken/);
    expect(text).toMatch(/\*\*voice\*\*: This file is a zip archive or an office document, which is no sound/);
    expect(text).not.toMatch(/\*\*(?:scene|area)\*\*/);
    await expect.poll(spooled).toEqual(before);
  });
});

/** What there is of every job's inputs, by its bytes. */
async function spooled(): Promise<string[]> {
  const inputs = join(dirname(stage.recording), 'data', 'inputs');
  const entries = await readdir(inputs, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const hashes = await Promise.all(
    files.map(async (path) =>
      createHash('sha1')
        .update(await readFile(path))
        .digest('hex'),
    ),
  );
  return [...hashes, ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)].toSorted();
}
