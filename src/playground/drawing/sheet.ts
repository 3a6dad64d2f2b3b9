import sharp, { type OverlayOptions } from 'sharp';

import { createRandom, n, repeat } from './random.ts';
import { applyStyle } from './style.ts';
import type { Subject } from './subject.ts';
import type { Style } from './words.ts';

/** The sheet's size in the workflow; every place below is in these pixels. */
export const SHEET = 1280;

interface Raw {
  readonly pixels: Buffer;
  readonly raw: { readonly width: number; readonly height: number; readonly channels: 4 };
}

/** Where the workflow's pose sheet has its heads: three figures, then three rows of five. */
const FIGURE_HEADS = [
  { x: 284, y: 108, side: 132, turn: 0, flip: false, dim: 1 },
  { x: 642, y: 108, side: 132, turn: -5, flip: true, dim: 0.85 },
  { x: 1004, y: 108, side: 132, turn: 0, flip: true, dim: 0.35 },
] as const;
const ROWS = [716, 914, 1118];
const TURNS = [-14, -7, 0, 7, 14];
const BUST = { left: 736, top: 622, width: 544, height: 658 } as const;
/** What becomes the likeness in the scenes: the face of the half figure. */
export const FACE = { left: 855, top: 644, side: 320 } as const;

export interface SheetWish {
  /** the pose sheet; without one the heads stand alone */
  readonly pose: Buffer | undefined;
  readonly style: Style;
  readonly seed: number;
  /** how large it is to be drawn, in pixels */
  readonly side: number;
}

/** The character sheet as raw RGB: the pose sheet as it was sent, and the person's head wherever its layout has one. */
export async function drawSheet(subject: Subject, { pose, style, seed, side }: SheetWish): Promise<Buffer> {
  const random = createRandom(seed, 'sheet');
  const scale = side / SHEET;
  const layers: OverlayOptions[] = [];
  if (pose) {
    const bones = await sharp(pose)
      .rotate()
      .resize(side, side, { fit: 'fill' })
      .flatten({ background: '#000' })
      .linear(0.62, 0)
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = bones.info;
    layers.push({ input: bones.data, raw: { width, height, channels }, blend: 'screen' });
  }
  for (const { x, y, side, turn, flip, dim } of FIGURE_HEADS) {
    layers.push(at(await drawHead(subject, side * scale, turn, flip, dim), x * scale, y * scale));
  }
  // One head a column, used in all three rows: fifteen would cost three times as much and look the same.
  for (const [column, turn] of TURNS.entries()) {
    const head = await drawHead(subject, 112 * scale, turn + random.between(-2, 2), column > 2, 1);
    for (const y of ROWS) layers.push(at(head, (128 + column * 143) * scale, y * scale));
  }
  const bust = await drawBust(subject, scale);
  layers.push({
    input: bust.pixels,
    raw: bust.raw,
    left: Math.round(BUST.left * scale),
    top: Math.round(BUST.top * scale),
  });

  const hue = n(random.between(200, 260));
  const paper = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 ${SHEET} ${SHEET}"><defs><radialGradient id="p" cy="0.4" r="0.8"><stop stop-color="hsl(${hue} 16% 26%)"/><stop offset="1" stop-color="hsl(${hue} 22% 10%)"/></radialGradient></defs>` +
      `<rect width="${SHEET}" height="${SHEET}" fill="url(#p)"/>` +
      repeat(
        9,
        (index) =>
          `<path d="M${(index + 1) * 128} 0V${SHEET}M0 ${(index + 1) * 128}H${SHEET}" stroke="#fff" stroke-opacity="0.05"/>`,
      ) +
      '</svg>',
  );
  const composed = await sharp(paper).composite(layers).removeAlpha().raw().toBuffer();
  return style === 'photo' ? composed : applyStyle(composed, { width: side, height: side, channels: 3 }, style);
}

function at({ pixels, raw }: Raw, x: number, y: number): OverlayOptions {
  return { input: pixels, raw, left: Math.round(x - raw.width / 2), top: Math.round(y - raw.height / 2) };
}

/** The head in a soft round frame. */
async function drawHead(subject: Subject, size: number, turn: number, flip: boolean, dim: number): Promise<Raw> {
  const side = Math.max(4, Math.round(size));
  const { left, top, side: headSide } = subject.head;
  const round = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}"><defs><radialGradient id="r"><stop offset="0.86"/><stop offset="1" stop-opacity="0"/></radialGradient></defs><rect width="${side}" height="${side}" fill="url(#r)"/></svg>`,
  );
  const upright = await sharp(subject.whole, { raw: { width: subject.width, height: subject.height, channels: 3 } })
    .extract({ left, top, width: headSide, height: headSide })
    .resize(Math.round(side * 1.25))
    .flop(flip)
    .rotate(turn, { background: '#777' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = upright.info;
  const pixels = await sharp(upright.data, { raw: { width, height, channels: 3 } })
    .extract({ left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2), width: side, height: side })
    .linear(dim, 0)
    .ensureAlpha()
    .composite([{ input: round, blend: 'dest-in' }])
    .raw()
    .toBuffer();
  return { pixels, raw: { width: side, height: side, channels: 4 } };
}

/** The person from the waist up, with the face where the face is cut from. */
async function drawBust({ cutOut, width, height, head }: Subject, scale: number): Promise<Raw> {
  const factor = (FACE.side * 0.94 * scale) / head.side;
  const frame = { width: Math.round(BUST.width * scale), height: Math.round(BUST.height * scale) };
  const [w, h] = [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))];
  const scaled = await sharp(cutOut, { raw: { width, height, channels: 4 } })
    .resize(w, h, { fit: 'fill' })
    .raw()
    .toBuffer();
  // Where the person has to begin for the head's middle to be the face's, inside the bust's own frame.
  const x = Math.round((FACE.left + FACE.side / 2 - BUST.left) * scale - (head.left + head.side / 2) * factor);
  const y = Math.round((FACE.top + FACE.side / 2 - BUST.top) * scale - (head.top + head.side / 2) * factor);
  const [left, top] = [Math.max(0, x), Math.max(0, y)];
  const seen = {
    left: left - x,
    top: top - y,
    width: Math.max(1, Math.min(w - (left - x), frame.width - left)),
    height: Math.max(1, Math.min(h - (top - y), frame.height - top)),
  };
  const part = await sharp(scaled, { raw: { width: w, height: h, channels: 4 } })
    .extract(seen)
    .raw()
    .toBuffer();
  // Fades out below instead of ending in a line, wherever the picture ends.
  const end = top + seen.height;
  const fade = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${frame.width}" height="${frame.height}"><defs><linearGradient id="f" gradientUnits="userSpaceOnUse" x2="0" y1="${end - 90 * scale}" y2="${end}"><stop/><stop offset="1" stop-opacity="0"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#f)"/></svg>`,
  );
  const pixels = await sharp({ create: { ...frame, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
    .composite([
      { input: part, raw: { width: seen.width, height: seen.height, channels: 4 }, left, top },
      { input: fade, blend: 'dest-in' },
    ])
    .raw()
    .toBuffer();
  return { pixels, raw: { ...frame, channels: 4 } };
}
