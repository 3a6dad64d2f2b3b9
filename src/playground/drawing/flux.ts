import sharp, { type Sharp } from 'sharp';

import { captionSvg } from './caption.ts';
import type { Picture } from './picture.ts';
import { createRandom } from './random.ts';
import { drawScene } from './scene.ts';
import { drawSheet, FACE, SHEET } from './sheet.ts';
import { cutOutSubject } from './subject.ts';
import { readStyle } from './words.ts';

/** What the character workflow is asked for. */
export interface FluxWish {
  readonly character: Buffer;
  readonly pose: Buffer | undefined;
  readonly prompt: string;
  readonly style: string;
  readonly scenes: readonly string[];
  /** decides the four scenes */
  readonly seed: number;
  /** decides the character sheet */
  readonly sheetSeed: number;
  readonly upscaleBy: number;
}

/** The order of the nodes that save them. */
const NAMES = [
  'intermediate_image_7',
  'intermediate_image_8',
  'intermediate_image_9',
  'intermediate_image_10',
  'Image_1',
  'Image_3',
  'Image_2',
  'Image_4',
  'intermediate_image_1',
  'base_character',
  'intermediate_image _2',
  'intermediate_image_3',
  'intermediate_image_4',
  'intermediate_image_5',
  'intermediate_image_6',
] as const;

/** Files of the right names with nothing drawn in them but the seed's colour, in a few milliseconds. */
export async function drawFlat({ seed, sheetSeed }: FluxWish): Promise<Picture[]> {
  return Promise.all(
    NAMES.map(async (prefix) => {
      const random = createRandom(prefix, prefix.startsWith('Image') ? seed : sheetSeed);
      const background = { r: random.whole(0, 255), g: random.whole(0, 255), b: random.whole(0, 255) };
      const body = await sharp({ create: { width: 64, height: 36, channels: 3, background } })
        .png()
        .toBuffer();
      return { prefix, mediaType: 'image/png', body };
    }),
  );
}

/** What is cut from the sheet, in the pixels of the workflow's 2048: name, place, and size as it comes out. */
const CROPS = [
  ['intermediate_image _2', 57, 0, 800, 1000],
  ['intermediate_image_3', 1158, 42, 890, 1000],
  ['intermediate_image_4', 1231, 995, 817, 1000],
  ['intermediate_image_5', 785, 42, 500, 1000],
  ['intermediate_image_6', 1369, 1031, 512, 512],
] as const;
const CROPS_OF = 2048;

/** What an expression does to the face for want of a model: it tilts and stretches it a little, and its sign says which. */
const EXPRESSIONS = [
  { tilt: 0, wide: 1.06, tall: 0.98, sign: 'M18 34q14 16 28 0' },
  { tilt: -7, wide: 1, tall: 1, sign: 'M18 36q14 10 28 0M40 20l8 4' },
  { tilt: 0, wide: 0.97, tall: 1.07, sign: 'M25 38a7 8 0 1 0 14 0a7 8 0 1 0 -14 0' },
  { tilt: 6, wide: 1, tall: 1.02, sign: 'M20 42q12 -12 24 0' },
] as const;
const EXPRESSION_SIDE = 512;
/** Of the character's picture: what the closest scene can use. */
const LONGEST = 1024;

/**
 * Draws the fifteen files of the workflow, one after the other, in the order of the nodes that save them.
 * The same wish always gives the same bytes.
 * @param scale 1 for the sizes of the real workflow
 */
export async function drawFlux(wish: FluxWish, scale: number, signal: AbortSignal): Promise<Picture[]> {
  const pictures: Picture[] = [];
  function keep(prefix: string, body: Buffer): void {
    pictures.push({ prefix, mediaType: 'image/png', body });
    // Between two files is the place to stop: sharp itself cannot be interrupted.
    signal.throwIfAborted();
  }
  function sized(pixels: number): number {
    return Math.max(1, Math.round(pixels * scale));
  }

  const subject = await cutOutSubject(wish.character, Math.max(64, sized(LONGEST)));
  signal.throwIfAborted();
  const style = readStyle(wish.style);
  const side = sized(SHEET);
  const sheet = await drawSheet(subject, { pose: wish.pose, style, seed: wish.sheetSeed, side });
  const raw = { width: side, height: side, channels: 3 } as const;
  /** A part of the sheet, by its place and size on a sheet that is `of` pixels wide. */
  function part(of: number, left: number, top: number, width: number, height: number): Sharp {
    const [x, y] = [left, top].map((pixels) => Math.floor((pixels * side) / of));
    const [w, h] = [width, height].map((pixels) => Math.max(1, Math.floor((pixels * side) / of)));
    return sharp(sheet, { raw }).extract({ left: x ?? 0, top: y ?? 0, width: w ?? 1, height: h ?? 1 });
  }

  const face = await part(SHEET, FACE.left, FACE.top, FACE.side, FACE.side)
    .resize(EXPRESSION_SIDE, EXPRESSION_SIDE, { fit: 'fill' })
    .raw()
    .toBuffer();
  for (const [index, expression] of EXPRESSIONS.entries()) {
    keep(`intermediate_image_${7 + index}`, await drawExpression(face, expression, sized(EXPRESSION_SIDE)));
  }
  for (const index of [0, 2, 1, 3]) {
    const words = wish.scenes[index] ?? '';
    const scene = await drawScene(subject, { words, prompt: wish.prompt, style, seed: wish.seed, index }, scale);
    keep(`Image_${index + 1}`, scene);
  }
  const upscaled = sized(SHEET * wish.upscaleBy);
  keep('intermediate_image_1', await finish(sharp(sheet, { raw }).resize(upscaled, upscaled), upscaled, upscaled));
  keep('base_character', await finish(sharp(sheet, { raw }), side, side));
  for (const [prefix, left, top, width, height] of CROPS) {
    const crop = part(CROPS_OF, left, top, width, height).resize(sized(width), sized(height), { fit: 'fill' });
    keep(prefix, await finish(crop, sized(width), sized(height)));
  }
  return pictures;
}

async function drawExpression(
  face: Buffer,
  { tilt, wide, tall, sign }: (typeof EXPRESSIONS)[number],
  side: number,
): Promise<Buffer> {
  const source = { width: EXPRESSION_SIDE, height: EXPRESSION_SIDE, channels: 3 } as const;
  const turned = await sharp(face, { raw: source })
    .affine([wide * 1.12, 0, 0, tall * 1.12])
    .rotate(tilt, { background: '#20242e' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = turned.info;
  const cut = sharp(turned.data, { raw: { width, height, channels: 3 } })
    .extract({
      left: Math.floor((width - EXPRESSION_SIDE) / 2),
      top: Math.floor((height - EXPRESSION_SIDE) / 2),
      width: EXPRESSION_SIDE,
      height: EXPRESSION_SIDE,
    })
    .resize(side, side);
  const badge = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 512 512"><g transform="translate(424 20)"><circle cx="32" cy="32" r="30" fill="#ffd24d"/><g fill="none" stroke="#4a3205" stroke-width="4" stroke-linecap="round"><path d="M23 22v5M41 22v5"/><path d="${sign}"/></g></g></svg>`;
  return finish(cut, side, side, Buffer.from(badge));
}

/** Puts the notice on, and whatever else goes on top, and encodes. */
async function finish(picture: Sharp, width: number, height: number, badge?: Buffer): Promise<Buffer> {
  const layers = [...(badge ? [{ input: badge }] : []), { input: captionSvg(width, height) }];
  return picture.composite(layers).removeAlpha().png({ compressionLevel: 2 }).toBuffer();
}
