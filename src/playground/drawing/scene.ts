import sharp from 'sharp';

import { type Backdrop, drawBackdrop } from './backdrops.ts';
import { captionSvg } from './caption.ts';
import { createRandom, n, type Random } from './random.ts';
import { HEIGHT, WIDTH } from './sky.ts';
import { applyStyle } from './style.ts';
import type { Subject } from './subject.ts';
import { readSetting, type Style } from './words.ts';

export interface SceneWish {
  readonly words: string;
  readonly prompt: string;
  readonly style: Style;
  readonly seed: number;
  /** 0 for the first scene */
  readonly index: number;
}

/** How the person stands in the picture, in shares of its height and width: their head's size, the air above, the middle. */
interface Pose {
  readonly head: number;
  readonly air: number;
  readonly middle: number;
  readonly flip: boolean;
  readonly tilt: number;
}

/** A camera distance and place for each of the four, so that they do not look alike. */
const POSES: readonly [Pose, ...Pose[]] = [
  { head: 0.52, air: 0.1, middle: 0.36, flip: false, tilt: 0 },
  { head: 0.7, air: 0.04, middle: 0.6, flip: true, tilt: 0 },
  { head: 0.58, air: 0.08, middle: 0.5, flip: false, tilt: -4 },
  { head: 0.48, air: 0.16, middle: 0.66, flip: true, tilt: 2 },
];

/** @param scale of the real size of 1280 by 720 */
export async function drawScene(subject: Subject, wish: SceneWish, scale: number): Promise<Buffer> {
  const { words, prompt, style, seed, index } = wish;
  const [width, height] = [Math.round(WIDTH * scale), Math.round(HEIGHT * scale)];
  const random = createRandom(seed, index, words, prompt);
  const backdrop = drawBackdrop(readSetting(words), random);
  const person = await placePerson(subject, poseOf(index, random), backdrop, width, height);

  const raw = { width, height, channels: 4 } as const;
  const composed = await sharp(await renderBlurred(backdrop.behind, width, height, 2.2), { raw })
    .composite([
      { input: person.pixels, raw: person.raw, left: person.left, top: person.top },
      { input: await renderBlurred(backdrop.before, width, height, 3.4), raw },
      { input: lightSvg(backdrop, random, width, height), blend: 'soft-light' },
    ])
    .removeAlpha()
    .raw()
    .toBuffer();
  const tile = Math.min(GRAIN, height);
  const styled = await applyStyle(composed, { width, height, channels: 3 }, style);
  return sharp(styled, { raw: { width, height, channels: 3 } })
    .composite([
      { input: grain(random, style, tile), raw: { width: tile, height: tile, channels: 4 }, tile: true },
      { input: captionSvg(width, height, words) },
    ])
    .removeAlpha()
    .png({ compressionLevel: 2 })
    .toBuffer();
}

function poseOf(index: number, random: Random): Pose {
  const pose = POSES[index % POSES.length] ?? POSES[0];
  return {
    head: pose.head * random.between(0.94, 1.06),
    air: pose.air,
    middle: pose.middle + random.between(-0.05, 0.05),
    flip: pose.flip !== random() < 0.25,
    tilt: pose.tilt + random.between(-1.5, 1.5),
  };
}

interface Placed {
  readonly pixels: Buffer;
  readonly raw: { readonly width: number; readonly height: number; readonly channels: 4 };
  readonly left: number;
  readonly top: number;
}

/** What is seen of the person, in the light of the backdrop, standing on the lower edge. */
async function placePerson(
  subject: Subject,
  pose: Pose,
  { palette }: Backdrop,
  width: number,
  height: number,
): Promise<Placed> {
  // Sized by the head, not by the picture, so that a full figure and a close portrait stand equally near. Whoever is too
  // short for the lower edge then is brought nearer, and whom the upper edge of their own picture cuts is cut here too.
  const { head } = subject;
  const below = subject.height - head.top;
  const factor = Math.max((pose.head * height) / head.side, (height * (subject.touchesTop ? 1.06 : 0.86)) / below);
  const target = Math.max(8, Math.round(subject.height * factor));
  const [red = 1, green = 1, blue = 1] = hexChannels(palette.key).map(
    (value) => (0.72 + (value / 255) * 0.28) * palette.exposure,
  );
  let figure = sharp(subject.cutOut, { raw: { width: subject.width, height: subject.height, channels: 4 } })
    .resize({ height: target })
    .linear([red, green, blue, 1], [0, 0, 0, 0]);
  if (pose.flip) figure = figure.flop();
  const turned = await figure.rotate(pose.tilt, { background: CLEAR }).raw().toBuffer({ resolveWithObject: true });

  const from = Math.round(width * pose.middle - turned.info.width / 2);
  // Turning lifts a corner off its edge: sink it by as much.
  const lift = Math.ceil(Math.abs(Math.sin((pose.tilt * Math.PI) / 180)) * turned.info.width * 0.6) + 2;
  const wanted = subject.touchesTop ? -lift : height * pose.air - head.top * factor;
  const above = Math.round(Math.max(wanted, height - target + lift));
  const [left, top] = [Math.max(0, from), Math.max(0, above)];
  const seen = {
    left: left - from,
    top: top - above,
    width: Math.min(turned.info.width - (left - from), width - left),
    height: Math.min(turned.info.height - (top - above), height - top),
  };
  const pixels = await sharp(turned.data, {
    raw: { width: turned.info.width, height: turned.info.height, channels: 4 },
  })
    .extract(seen)
    .raw()
    .toBuffer();
  return { pixels, raw: { width: seen.width, height: seen.height, channels: 4 }, left, top };
}

const CLEAR = { r: 0, g: 0, b: 0, alpha: 0 };

/** Drawn at half size: what is out of focus needs no more, and it costs a quarter. */
async function renderBlurred(content: string, width: number, height: number, sigma: number): Promise<Buffer> {
  const [half, low] = [Math.max(1, Math.round(width / 2)), Math.max(1, Math.round(height / 2))];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${half}" height="${low}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none">${content}</svg>`;
  const small = await sharp(Buffer.from(svg))
    .ensureAlpha()
    .blur(Math.max(0.3, (sigma * width) / WIDTH))
    .raw()
    .toBuffer();
  return sharp(small, { raw: { width: half, height: low, channels: 4 } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
}

/** Light from one side, shadow from the other, darker corners: what makes person and place one picture. */
function lightSvg({ palette }: Backdrop, random: Random, width: number, height: number): Buffer {
  const fromLeft = random() < 0.5;
  const [x1, x2] = fromLeft ? [0, 1] : [1, 0];
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs>` +
      `<linearGradient id="l" x1="${x1}" y1="0" x2="${x2}" y2="${n(random.between(0.4, 0.9))}"><stop stop-color="${palette.key}" stop-opacity="0.6"/><stop offset="0.5" stop-color="${palette.key}" stop-opacity="0.1"/><stop offset="1" stop-color="${palette.shade}" stop-opacity="0.75"/></linearGradient>` +
      `<radialGradient id="v" r="0.75"><stop offset="0.55" stop-color="#000" stop-opacity="0"/><stop offset="1" stop-color="#000" stop-opacity="0.6"/></radialGradient></defs>` +
      `<rect width="${width}" height="${height}" fill="url(#l)"/><rect width="${width}" height="${height}" fill="url(#v)"/></svg>`,
  );
}

const GRAIN = 192;

/** A tile of film grain: dark and light specks that are nearly clear. */
function grain(random: Random, style: Style, side: number): Buffer {
  const strength = style === 'film' || style === 'noir' ? 26 : style === 'comic' ? 0 : 11;
  const tile = Buffer.alloc(side * side * 4);
  for (let index = 0; index < tile.length; index += 4) {
    const tone = random() < 0.5 ? 0 : 255;
    tile.fill(tone, index, index + 3);
    tile[index + 3] = Math.floor(random() * strength);
  }
  return tile;
}

function hexChannels(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}
