import { readFile } from 'node:fs/promises';

import sharp from 'sharp';
import { describe, expect, test } from 'vitest';

import { drawFlux, type FluxWish } from '../../src/playground/drawing/flux.ts';
import { NOTICE, textPath } from '../../src/playground/drawing/caption.ts';
import { drawPlain } from '../../src/playground/drawing/plain.ts';
import { readSetting, readStyle } from '../../src/playground/drawing/words.ts';
import { characterParts, portrait, resultOf, run, startViewComfy } from './client.ts';

const RED = await portrait('#c33');
const BLUE_IN_GREEN = await portrait('#2346c8', '#7fd17f');

async function draw(wish: Partial<FluxWish> = {}, scale = 0.1): Promise<Map<string, Buffer>> {
  const whole = {
    character: RED,
    pose: undefined,
    prompt: 'a person',
    style: '',
    scenes: ['forest', 'city at sunset', 'concert', 'desert'],
    seed: 1,
    sheetSeed: 1,
    upscaleBy: 2,
    ...wish,
  };
  const pictures = await drawFlux(whole, scale, new AbortController().signal);
  return new Map(pictures.map(({ prefix, body }) => [prefix, body]));
}

/** The mean difference of two pictures' channels, 0 to 255. */
async function difference(a: Buffer | undefined, b: Buffer | undefined): Promise<number> {
  const [one, two] = await Promise.all([a, b].map(async (picture) => sharp(picture).raw().toBuffer()));
  if (!one || !two || one.length !== two.length) throw new Error('not the same size');
  return one.reduce((sum, value, index) => sum + Math.abs(value - (two[index] ?? 0)), 0) / one.length;
}

test('a run gives the fifteen files of the workflow, in its sizes', async () => {
  const viewComfy = await startViewComfy({ drawing: 'full' });
  const { outputs = [] } = resultOf((await run(viewComfy, await characterParts({ '82-inputs-upscale_by': 1.5 }))).body);
  const sizes = await Promise.all(
    outputs.map(async ({ filename, content_type, data = '', size }) => {
      const bytes = Buffer.from(data, 'base64');
      expect(bytes).toHaveLength(size);
      expect(content_type).toBe('image/png');
      const { width, height, format } = await sharp(bytes).metadata();
      expect(format).toBe('png');
      return [filename, `${width}x${height}`];
    }),
  );
  expect(Object.fromEntries(sizes)).toEqual({
    'base_character_00001_.png': '1280x1280',
    'intermediate_image_1_00001_.png': '1920x1920',
    'intermediate_image _2_00001_.png': '800x1000',
    'intermediate_image_3_00001_.png': '890x1000',
    'intermediate_image_4_00001_.png': '817x1000',
    'intermediate_image_5_00001_.png': '500x1000',
    'intermediate_image_6_00001_.png': '512x512',
    'intermediate_image_7_00001_.png': '512x512',
    'intermediate_image_8_00001_.png': '512x512',
    'intermediate_image_9_00001_.png': '512x512',
    'intermediate_image_10_00001_.png': '512x512',
    'Image_1_00001_.png': '1280x720',
    'Image_2_00001_.png': '1280x720',
    'Image_3_00001_.png': '1280x720',
    'Image_4_00001_.png': '1280x720',
  });
});

test('the same wish gives the same bytes', async () => {
  const [one, two] = [await draw(), await draw()];
  expect([...one.keys()]).toEqual([...two.keys()]);
  const different = [...one].filter(([name, body]) => !two.get(name)?.equals(body));
  expect(different).toEqual([]);
});

test('another seed, other words and another style each give other scenes', async () => {
  const first = await draw();
  for (const wish of [{ seed: 2 }, { scenes: ['space', 'snow', 'sea', 'room'] }, { style: 'noir' }]) {
    const other = await draw(wish);
    for (const name of ['Image_1', 'Image_2', 'Image_3', 'Image_4']) {
      expect(await difference(first.get(name), other.get(name))).toBeGreaterThan(4);
    }
  }
});

test('the scenes are made from the picture that was sent', async () => {
  const [red, blue] = [await draw(), await draw({ character: BLUE_IN_GREEN })];
  for (const name of ['Image_1', 'Image_2', 'Image_3', 'Image_4']) {
    // One is skin-coloured and in red, the other is green and in blue.
    const warm = await Promise.all(
      [red, blue].map(async (pictures) => {
        const { data, info } = await sharp(pictures.get(name)).raw().toBuffer({ resolveWithObject: true });
        let count = 0;
        for (let at = 0; at < data.length; at += info.channels) {
          const [r = 0, g = 0] = [data[at], data[at + 1]];
          if (r > g + 25) count += 1;
        }
        return count / (info.width * info.height);
      }),
    );
    expect(warm[0]).toBeGreaterThan((warm[1] ?? 1) + 0.03);
  }
});

test('the sheet shows the pose sheet that was sent', async () => {
  const pose = await readFile(new URL('../../commands/character-pose.png', import.meta.url));
  const [without, with_] = [await draw(), await draw({ pose })];
  expect(await difference(without.get('base_character'), with_.get('base_character'))).toBeGreaterThan(1);
});

test('every file says on its face that no model made it', async () => {
  // On a machine without fonts as well: the letters are strokes, one path for each letter that is not a gap.
  expect(textPath(NOTICE, 0, 0, 12, '#fff').match(/<path/g)).toHaveLength(NOTICE.replaceAll(' ', '').length);
  const shares = await Promise.all(
    [...(await draw({}, 1)).values()].map(async (body) => {
      const { width, height } = await sharp(body).metadata();
      const line = Math.round(Math.max(width / 42, 12));
      const strip = await sharp(body)
        .extract({ left: 0, top: height - line, width: Math.round(width * 0.4), height: line })
        .greyscale()
        .raw()
        .toBuffer();
      return strip.filter((value) => value > 170).length / strip.length;
    }),
  );
  expect(Math.min(...shares)).toBeGreaterThan(0.04);
  expect(Math.max(...shares)).toBeLessThan(0.6);
});

describe('whatever is asked for is drawn', () => {
  test.each([
    '</svg><script>alert(1)</script>&amp;"\'',
    '森林里的女孩，电影感',
    '😀😀👩‍🚀',
    'x'.repeat(50_000),
    '\u0000\u202e\ud800',
    '',
  ])('words %#', async (words) => {
    const pictures = await draw({ scenes: [words, words, words, words], style: words, prompt: words });
    expect(pictures.size).toBe(15);
  });

  test.each([
    [1, 1],
    [2000, 2],
    [2, 2000],
  ])('a character of %i by %i pixels', async (width, height) => {
    const character = await sharp({ create: { width, height, channels: 3, background: '#345' } })
      .png()
      .toBuffer();
    expect((await draw({ character, pose: character })).size).toBe(15);
    expect(await drawPlain([character, RED], '{}', 0.1)).toHaveLength(1);
  });

  test.each(['watercolor', 'anime', 'oil painting', 'pencil sketch', 'vintage', 'iphone'])(
    'in the style %s',
    async (style) => {
      expect((await draw({ style })).size).toBe(15);
    },
  );
});

test('words are read for a place and its light', () => {
  expect(readSetting('on a city street at sunset')).toMatchObject({ motif: 'city', light: 'sunset' });
  expect(readSetting('An OLD forest after rain, mist')).toMatchObject({ motif: 'forest', rain: true, fog: true });
  expect(readSetting('music video, neon lights')).toMatchObject({ motif: 'stage', light: 'night' });
  expect(readSetting('nowhere')).toEqual(readSetting('nowhere'));
  expect(readStyle('a masterpiece, amateur photography, shot on iphone')).toBe('phone');
});

test('drawing stops when the run is cancelled', async () => {
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  const wish = {
    character: RED,
    pose: undefined,
    prompt: '',
    style: '',
    scenes: ['a'],
    seed: 1,
    sheetSeed: 1,
    upscaleBy: 1,
  };
  await expect(drawFlux(wish, 0.1, stop.signal)).rejects.toThrow('enough');
});
