import sharp, { type Sharp } from 'sharp';

import { captionSvg } from '../drawing/caption.ts';
import { createRandom } from '../drawing/random.ts';
import { drawScene } from '../drawing/scene.ts';
import { cutOutSubject } from '../drawing/subject.ts';
import { readStyle } from '../drawing/words.ts';
import type { Wish } from './request.ts';

/** How much of a scene is above its own caption. */
const SHOWN = 0.92;
/** Of the picture's width: the pose that was sent, in a corner, since no model is there to follow it. */
const INSET = 0.2;

/** One finished file, for one of the samples. Samples differ, and the same wish always gives the same bytes. */
export async function drawSample(wish: Wish, index: number, scale: number): Promise<Buffer> {
  const { width, height } = await sizeOf(wish, scale);
  const { prompt, seed } = wish;
  const subject = await cutOutSubject(wish.face, Math.max(64, Math.round(1024 * scale)));
  // Large enough for either side, because a scene is wide.
  const sceneScale = Math.max(width / 1280, height / (720 * SHOWN));
  const words = { words: prompt, prompt, style: readStyle(prompt), seed, index };
  const scene = await drawScene(subject, words, sceneScale);
  const shown = { left: 0, top: 0, width: Math.round(1280 * sceneScale), height: Math.round(720 * sceneScale * SHOWN) };
  const inset = Math.max(8, Math.round(width * INSET));
  const pose = await sharp(wish.pose).rotate().resize(inset, inset, { fit: 'cover' }).png().toBuffer();
  const cropped = await sharp(scene).extract(shown).resize(width, height, { fit: 'cover' }).png().toBuffer();
  return encode(
    sharp(cropped)
      .composite([{ input: pose, gravity: 'northeast' }, { input: captionSvg(width, height, prompt) }])
      .removeAlpha(),
    wish,
  );
}

/** One colour, in a few milliseconds. */
export async function drawFlat(wish: Wish, index: number): Promise<Buffer> {
  const random = createRandom(wish.seed, index, wish.prompt);
  const background = { r: random.whole(0, 255), g: random.whole(0, 255), b: random.whole(0, 255) };
  return encode(sharp({ create: { width: 64, height: 36, channels: 3, background } }), wish);
}

async function sizeOf({ size, face }: Wish, scale: number): Promise<{ width: number; height: number }> {
  const { width, height } = size ?? (await sharp(face).metadata()).autoOrient;
  return { width: Math.max(16, Math.round(width * scale)), height: Math.max(16, Math.round(height * scale)) };
}

function encode(picture: Sharp, { format, quality }: Wish): Promise<Buffer> {
  return format === 'png' ? picture.png().toBuffer() : picture.toFormat(format, { quality }).toBuffer();
}
