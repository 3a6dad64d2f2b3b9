import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { removeNotes } from '../../src/pictures/notes.ts';
import { drawFilm, drawFlatFilm } from '../../src/playground/drawing/film.ts';
import { writeWebm } from '../../src/playground/drawing/webm.ts';
import { findBrowser, launchBrowser } from '../browser.ts';
import { elementsAt, elementsIn } from './ebml.ts';

const never = new AbortController().signal;
const SEGMENT = '18538067';
const CLUSTER = '1f43b675';

async function frame(background: string, size = { width: 64, height: 48 }): Promise<Buffer> {
  return await sharp({ create: { ...size, channels: 3, background } })
    .webp()
    .toBuffer();
}
const number = (content: Buffer | undefined) => Number.parseInt(content?.toString('hex') ?? '', 16);

describe('a WebM', () => {
  test('has the frames of its pictures, each at its time, and says how long it is', async () => {
    const frames = await Promise.all(['#f00', '#0f0', '#00f'].map((colour) => frame(colour)));
    const [head, segment, ...others] = elementsIn(writeWebm({ width: 64, height: 48, rate: 4, frames }));
    expect([head?.id, segment?.id, others]).toEqual(['1a45dfa3', SEGMENT, []]);
    const inside = elementsIn(segment?.content ?? Buffer.alloc(0));
    expect(elementsAt(inside, '1549a966', '4489')[0]?.content.readDoubleBE()).toBe(750);
    expect(elementsAt(inside, '1654ae6b', 'ae', '86')[0]?.content.toString()).toBe('V_VP8');
    const [wide, tall] = ['b0', 'ba'].map((id) => elementsAt(inside, '1654ae6b', 'ae', 'e0', id)[0]?.content);
    expect([number(wide), number(tall)]).toEqual([64, 48]);
    const blocks = elementsAt(inside, CLUSTER, 'a3').map(({ content }) => content);
    expect(blocks.map((block) => [block[0], block.readInt16BE(1), block[3]])).toEqual([
      [0x81, 0, 0x80],
      [0x81, 250, 0x80],
      [0x81, 500, 0x80],
    ]);
    // The mark of a key frame, the start code, and the size, as VP8 has them.
    for (const block of blocks) {
      expect((block[4] ?? 1) & 1).toBe(0);
      expect(block.toString('hex', 7, 14)).toBe('9d012a40003000');
    }
  });

  test('that is long has a cluster for every five seconds, and its cues say where they are', async () => {
    const frames = Array<Buffer>(25).fill(await frame('#888'));
    const bytes = writeWebm({ width: 64, height: 48, rate: 2, frames });
    const segment = elementsIn(bytes)[1];
    if (!segment) throw new Error('no segment');
    const clusters = elementsIn(segment.content).filter(({ id }) => id === CLUSTER);
    const timesOf = (content: Buffer) =>
      elementsIn(content).map(({ id, content: own }) => (id === 'e7' ? own : undefined));
    expect(clusters.map(({ content }) => number(timesOf(content)[0]))).toEqual([0, 5000, 10_000]);
    const places = elementsAt(elementsIn(segment.content), '1c53bb6b', 'bb', 'b7', 'f1').map(({ content }) => content);
    expect(places.map((at) => segment.content.toString('hex', number(at), number(at) + 4))).toEqual([
      CLUSTER,
      CLUSTER,
      CLUSTER,
    ]);
  });

  test('has words about it in it, as ComfyUI writes a workflow into its films', async () => {
    const film = writeWebm({
      width: 64,
      height: 48,
      rate: 1,
      frames: [await frame('#888')],
      tags: { PROMPT: '{"ü":1}' },
    });
    const tag = [SEGMENT, '1254c367', '7373', '67c8'];
    const [name, words] = ['45a3', '4487'].map((id) => elementsAt(elementsIn(film), ...tag, id)[0]?.content.toString());
    expect([name, words]).toEqual(['PROMPT', '{"ü":1}']);
    const places = elementsAt(elementsIn(film), SEGMENT, '1c53bb6b', 'bb', 'b7', 'f1').map(({ content }) =>
      number(content),
    );
    const [segment] = elementsAt(elementsIn(film), SEGMENT);
    expect(places.map((at) => segment?.content.toString('hex', at, at + 4))).toEqual([CLUSTER]);
  });

  test('is not made of what is no key frame', async () => {
    const clear = sharp({ create: { width: 8, height: 8, channels: 4, background: { r: 1, g: 2, b: 3, alpha: 0.5 } } });
    for (const webp of [
      await clear.webp().toBuffer(),
      await clear.webp({ lossless: true }).toBuffer(),
      Buffer.alloc(9),
    ]) {
      expect(() => writeWebm({ width: 8, height: 8, rate: 1, frames: [webp] })).toThrow('no lossy WebP');
    }
  });
});

describe('the film of a picture', () => {
  const wish = { words: 'she walks in the rain', seed: 3, seconds: 0.5 };

  test('is the same for the same wish, and another one for another seed or other words', async () => {
    const picture = await frame('#c33');
    const [one, again, seed, words] = await Promise.all(
      [wish, wish, { ...wish, seed: 4 }, { ...wish, words: 'in the snow' }].map((each) =>
        drawFilm({ ...each, picture }, 0.2, never),
      ),
    );
    expect(again).toEqual(one);
    expect(seed).not.toEqual(one);
    expect(words).not.toEqual(one);
  });

  test('is stopped between two frames', async () => {
    const stop = AbortSignal.abort(new Error('enough'));
    await expect(drawFilm({ ...wish, picture: await frame('#c33') }, 0.2, stop)).rejects.toThrow('enough');
  });

  test('has no more frames than can be drawn in a few seconds, however long it is to be', async () => {
    const film = await drawFilm({ ...wish, picture: await frame('#c33'), seconds: 1e9 }, 0.1, never);
    expect(elementsAt(elementsIn(film), SEGMENT, CLUSTER, 'a3')).toHaveLength(60);
  });
});

const executable = findBrowser();

describe.skipIf(executable === undefined)('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser(executable ?? '');
  });
  afterAll(() => browser.close());

  /** What a video element makes of the bytes, and the colour in the middle of it at a time, in seconds. */
  async function play(film: Buffer, at: number) {
    const page = await browser.newPage();
    try {
      return await page.evaluate(
        `(async () => {
          const bytes = Uint8Array.from(atob('${film.toString('base64')}'), (each) => each.charCodeAt(0));
          const video = Object.assign(document.createElement('video'), { muted: true });
          const heard = (name) => new Promise((resolve, reject) => {
            video.addEventListener(name, resolve, { once: true });
            video.addEventListener('error', () => reject(new Error(video.error.message)), { once: true });
          });
          const loaded = heard('loadeddata');
          video.src = URL.createObjectURL(new Blob([bytes], { type: 'video/webm' }));
          await loaded;
          const sought = heard('seeked');
          video.currentTime = ${at};
          await sought;
          const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
          const context = canvas.getContext('2d');
          context.drawImage(video, 0, 0, 1, 1);
          const { videoWidth: width, videoHeight: height, duration } = video;
          return { width, height, duration, colour: [...context.getImageData(0, 0, 1, 1).data].slice(0, 3) };
        })()`,
      );
    } finally {
      await page.close();
    }
  }

  test('a WebM is decoded, and shows the right frame at every time', async () => {
    const frames = await Promise.all(['#ff0000', '#00ff00', '#0000ff'].map((colour) => frame(colour)));
    const film = writeWebm({ width: 64, height: 48, rate: 2, frames, tags: { PROMPT: 'words' } });
    const near = (...colour: number[]) => colour.map((channel) => expect.closeTo(channel, -1));
    await expect.poll(() => play(film, 0.1)).toEqual({ width: 64, height: 48, duration: 1.5, colour: near(255, 0, 0) });
    await expect.poll(() => play(film, 0.7)).toMatchObject({ colour: near(0, 255, 0) });
    await expect.poll(() => play(film, 1.2)).toMatchObject({ colour: near(0, 0, 255) });
  });

  test('a WebM that was freed of its words plays on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-film-'));
    try {
      const frames = await Promise.all(['#ff0000', '#0000ff'].map((colour) => frame(colour)));
      const path = join(folder, 'film.webm');
      const tags = { PROMPT: 'some words' };
      await writeFile(path, writeWebm({ width: 64, height: 48, rate: 2, frames, tags }));
      await removeNotes(path);
      const film = await readFile(path);
      expect(film.includes('some words')).toBe(false);
      const blue = [0, 0, 255].map((channel) => expect.closeTo(channel, -1));
      await expect.poll(() => play(film, 0.7)).toEqual({ width: 64, height: 48, duration: 1, colour: blue });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('the film of a picture is as long as it was to be, in the shape of the picture', async () => {
    const picture = await frame('#c33', { width: 600, height: 400 });
    const film = await drawFilm({ picture, words: 'hello', seed: 1, seconds: 2 }, 0.5, never);
    await expect.poll(() => play(film, 1)).toMatchObject({ width: 240, height: 160, duration: 2 });
    const flat = await drawFlatFilm(1);
    await expect.poll(() => play(flat, 0.1)).toMatchObject({ width: 64, height: 36, duration: 0.25 });
  });
});
