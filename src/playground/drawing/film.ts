import sharp, { type Sharp } from 'sharp';
import { captionSvg, textPath, textWidth } from './caption.ts';
import { createRandom, n, repeat, type Random } from './random.ts';
import { cutOutSubject, type Subject } from './subject.ts';
import { writeWebm } from './webm.ts';
import { readSetting } from './words.ts';

/** What a film is asked for. */
export interface FilmWish {
  /** what it begins with */
  readonly picture: Buffer;
  readonly words: string;
  readonly seed: number;
  readonly seconds: number;
  /** words that are written into the file, by their names */
  readonly tags?: Readonly<Record<string, string>>;
}

/** Of the longer side, in pixels. */
const LONGEST = 480;
const RATE = 12;
/** Each of them is a whole picture: more would take seconds of the machine. */
const MOST_FRAMES = 60;
const QUALITY = 72;

/**
 * A WebM in which the picture comes alive a little: the camera breathes in and out, the person moves before what is
 * behind them, and what the words say of the weather drifts by. It ends where it began, so that it can be played again
 * and again. The same wish always gives the same bytes.
 * @param scale 1 for the full size
 */
export async function drawFilm(wish: FilmWish, scale: number, signal: AbortSignal): Promise<Buffer> {
  const { width, height, frameAt } = await openFilm(wish, scale);
  const count = Math.max(2, Math.min(MOST_FRAMES, Math.round(wish.seconds * RATE)));
  const frames: Buffer[] = [];
  for (let index = 0; index < count; index += 1) {
    signal.throwIfAborted();
    const frame = await frameAt(index / count);
    frames.push(await frame.webp({ quality: QUALITY, effort: 1 }).toBuffer());
  }
  return writeWebm({ width, height, rate: RATE, frames, tags: wish.tags ?? {} });
}

/** A PNG of one frame of the film, at a time from 0 to 1. */
export async function drawStill(wish: FilmWish, phase: number, scale: number): Promise<Buffer> {
  const { frameAt } = await openFilm(wish, scale);
  return await (await frameAt(phase)).png({ compressionLevel: 2 }).toBuffer();
}

async function openFilm({ picture, words, seed }: FilmWish, scale: number) {
  const subject = await cutOutSubject(picture, Math.max(32, Math.round(LONGEST * scale)));
  const [width, height] = [even(subject.width), even(subject.height)];
  const random = createRandom('film', seed, words);
  const [side, specks] = [random() < 0.5 ? 1 : -1, speckles(words, random)];

  async function frameAt(phase: number): Promise<Sharp> {
    const near = (1 - Math.cos(2 * Math.PI * phase)) / 2;
    const drift = side * Math.sin(2 * Math.PI * phase);
    const behind = await layer(subject, 'whole', 1.04 + 0.06 * near, 0.002 * drift, width, height);
    const before = await layer(subject, 'cutOut', 1.05 + 0.09 * near, 0.007 * drift, width, height);
    const over = [
      specks(phase, width, height),
      lightSvg(phase, width, height),
      captionSvg(width, height),
      tickerSvg(words, phase, width, height),
    ];
    return sharp(behind, { raw: { width, height, channels: 3 } })
      .composite([{ input: before, raw: { width, height, channels: 4 } }, ...over.map((input) => ({ input }))])
      .removeAlpha();
  }

  return { width, height, frameAt };
}

/** A few frames of one colour. */
export async function drawFlatFilm(seed: number, tags: FilmWish['tags'] = {}): Promise<Buffer> {
  const random = createRandom('film', seed);
  const colour = () => random.whole(0, 255);
  const frames: Buffer[] = [];
  for (let index = 0; index < 3; index += 1) {
    const background = { r: colour(), g: colour(), b: colour() };
    const picture = sharp({ create: { width: 64, height: 36, channels: 3, background } });
    frames.push(await picture.webp({ quality: 50, effort: 0 }).toBuffer());
  }
  return writeWebm({ width: 64, height: 36, rate: RATE, frames, tags });
}

/** The picture, or who is on it, made larger around the middle of the lower edge: so that what stands there stays there. */
async function layer(
  subject: Subject,
  which: 'whole' | 'cutOut',
  factor: number,
  drift: number,
  width: number,
  height: number,
): Promise<Buffer> {
  const channels = which === 'whole' ? 3 : 4;
  const raw = { width: subject.width, height: subject.height, channels } as const;
  const [wide, tall] = [Math.ceil(width * factor), Math.ceil(height * factor)];
  const left = Math.round((wide - width) / 2 - drift * width);
  return await sharp(subject[which], { raw })
    .resize(wide, tall, { fit: 'fill', kernel: 'linear' })
    .extract({ left: Math.max(0, Math.min(wide - width, left)), top: tall - height, width, height })
    .raw()
    .toBuffer();
}

/** Draws what is in the air at a time from 0 to 1. */
type Speckles = (phase: number, width: number, height: number) => Buffer;

function speckles(words: string, random: Random): Speckles {
  const { motif, rain } = readSetting(words);
  const kind = rain ? 'rain' : motif === 'snow' || /snow/i.test(words) ? 'snow' : 'dust';
  const all = Array.from({ length: kind === 'dust' ? 16 : 70 }, () => ({
    x: random() * 100,
    y: random() * 100,
    size: random.between(0.5, 1),
    // Whole rounds only, or they would jump when the film begins again.
    rounds: kind === 'rain' ? random.whole(3, 5) : 1,
    sway: random.between(1, 4),
  }));
  return (phase, width, height) => {
    const drawn = repeat(all.length, (index) => {
      const { x, y, size, rounds, sway } = all[index] ?? { x: 0, y: 0, size: 0, rounds: 1, sway: 0 };
      const fall = kind === 'dust' ? -1 : 1;
      const down = (((y + fall * phase * rounds * 100) % 100) + 100) % 100;
      const across = x + sway * Math.sin(2 * Math.PI * (phase + x / 100));
      if (kind === 'rain') return `<path d="M${n(x)} ${n(down)}l-.8 ${n(6 * size)}" stroke="#fff" stroke-width=".3"/>`;
      return `<circle cx="${n(across)}" cy="${n(down)}" r="${kind === 'snow' ? size : size / 2}"/>`;
    });
    const glow = kind === 'dust' ? '#fff3d0' : '#ffffff';
    // Round in every shape of picture: the grid is as wide as the picture's shorter side.
    return Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 100 100" ` +
        `preserveAspectRatio="xMidYMid slice"><g fill="${glow}" opacity="0.55">${drawn}</g></svg>`,
    );
  };
}

/** A soft light that wanders over the picture and back. */
function lightSvg(phase: number, width: number, height: number): Buffer {
  const at = 50 + 40 * Math.cos(2 * Math.PI * phase);
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs>` +
      `<radialGradient id="l" cx="${n(at)}%" cy="18%" r="75%"><stop stop-color="#ffe9b8" stop-opacity="0.3"/><stop offset="0.6" stop-color="#ffe9b8" stop-opacity="0"/></radialGradient>` +
      `<radialGradient id="v" r="0.75"><stop offset="0.6" stop-opacity="0"/><stop offset="1" stop-opacity="0.45"/></radialGradient></defs>` +
      `<rect width="${width}" height="${height}" fill="url(#l)"/><rect width="${width}" height="${height}" fill="url(#v)"/></svg>`,
  );
}

/** The words wander by above the notice, from right to left, once. */
function tickerSvg(words: string, phase: number, width: number, height: number): Buffer {
  const line = words.replaceAll(/\s+/g, ' ').trim().slice(0, 90);
  const letter = Math.max(4, width / 66);
  const long = textWidth(line, letter);
  const x = width - phase * (width + long);
  const y = height - letter * 5;
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
      `<g opacity="0.5">${textPath(line, x + letter / 8, y + letter / 8, letter, '#000000')}</g>` +
      `${textPath(line, x, y, letter, '#ffffff')}</svg>`,
  );
}

/** VP8 has colours for squares of four pixels. */
function even(pixels: number): number {
  return Math.max(2, pixels - (pixels % 2));
}
