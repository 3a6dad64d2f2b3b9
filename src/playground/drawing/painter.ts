import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { SHORT_NOTICE } from './caption.ts';
import { drawFilm, drawFlatFilm, drawStill } from './film.ts';
import { outputKindOf, upstream, type Graph, type OutputKind } from './graph.ts';
import { drawPattern, drawPlain } from './plain.ts';
import { createRandom } from './random.ts';
import { drawScene } from './scene.ts';
import { drawSound } from './sound.ts';
import { cutOutSubject } from './subject.ts';
import { readStyle } from './words.ts';

/** Makes what a workflow would have made, from the pictures and words that lead to a node. */
export interface Painter {
  /** One thing, or as many as a batch has; nothing for a node that gives nothing to people. */
  paint(graph: Graph, output: string, index: number, signal: AbortSignal): Promise<Painted[]>;
  /** A JPEG of how far a picture is. */
  sketch(seed: string, done: number, total: number): Promise<Buffer>;
}

export interface Painted {
  readonly kind: OutputKind;
  /** of a file of it, without the dot */
  readonly extension: string;
  readonly mediaType: string;
  readonly body: Buffer;
}

export interface PainterOptions {
  /** `flat`: one colour instead of a drawing */
  readonly drawing: 'full' | 'flat';
  /** of the pictures' sides */
  readonly scale: number;
  /** the bytes that a loader's input names */
  readonly fileOf: (name: string) => Buffer | undefined;
}

const MOST_IN_BATCH = 8;
const LONGEST_FILM_SECONDS = 5;
/** What `seconds` is where the workflow does not say. */
const USUAL_FILM_SECONDS = 3;

export function createPainter({ drawing, scale, fileOf }: PainterOptions): Painter {
  return { paint, sketch };

  async function paint(graph: Graph, output: string, index: number, signal: AbortSignal): Promise<Painted[]> {
    const node = graph.get(output);
    const kind = node && outputKindOf(node);
    if (!kind) return [];
    const made = madeFrom(graph, output);
    const prompt = JSON.stringify(Object.fromEntries(graph));
    switch (kind) {
      case 'text': {
        const body = Buffer.from(made.words[0] ?? SHORT_NOTICE, 'utf8');
        return [{ kind, extension: 'txt', mediaType: 'text/plain', body }];
      }
      case 'sound':
        return [{ kind, extension: 'wav', mediaType: 'audio/wav', body: drawSound(made.seed) }];
      case 'film':
        // It is what it is, whatever the node would have written.
        return [{ kind, extension: 'webm', mediaType: 'video/webm', body: await film(made, prompt, signal) }];
      case 'picture': {
        const count = Math.min(Math.max(1, made.batch), MOST_IN_BATCH);
        return await Promise.all(
          Array.from({ length: count }, async (_, inBatch) => {
            const png = drawing === 'flat' ? await flat(made.seed, output, inBatch) : await draw(made, index + inBatch);
            const body = withText(png, 'prompt', prompt);
            return { kind, extension: 'png', mediaType: 'image/png', body };
          }),
        );
      }
    }
  }

  async function film(
    { pictures, words, seed, seconds }: MadeFrom,
    prompt: string,
    signal: AbortSignal,
  ): Promise<Buffer> {
    // As ComfyUI's own nodes for films write it, by way of ffmpeg.
    const tags = { PROMPT: prompt };
    if (drawing === 'flat') return await drawFlatFilm(seed, tags);
    const [nearest = ''] = words;
    const picture = pictures[0] ?? (await drawPattern(JSON.stringify([words, seed]), scale));
    const wish = { picture, words: nearest, seed, seconds: seconds ?? USUAL_FILM_SECONDS, tags };
    return await drawFilm(wish, scale, signal);
  }

  async function draw({ pictures, words, seed, seconds }: MadeFrom, index: number): Promise<Buffer> {
    const [character] = pictures;
    if (!character) {
      const [picture] = await drawPlain([], JSON.stringify([words, seed]), scale);
      return picture?.body ?? Buffer.alloc(0);
    }
    // What is taken out of a film is one of its frames.
    if (seconds !== undefined) {
      return await drawStill({ picture: character, words: words[0] ?? '', seed, seconds }, 1, scale);
    }
    const subject = await cutOutSubject(character, Math.max(64, Math.round(1024 * scale)));
    const [nearest = '', ...others] = words;
    const style = readStyle(words.join(' '));
    return await drawScene(subject, { words: nearest, prompt: others.join(' '), style, seed, index }, scale);
  }

  /** The nearest words come first, which are those of this picture and not of all. */
  function madeFrom(graph: Graph, output: string): MadeFrom {
    const inputs = [...upstream(graph, output)].flatMap((id) => {
      const node = graph.get(id);
      return node ? Object.entries(node.inputs).map(([name, value]) => ({ kind: node.class_type, name, value })) : [];
    });
    const numberOf = (name: RegExp) =>
      inputs.flatMap((input) => (name.test(input.name) && typeof input.value === 'number' ? [input.value] : []))[0];
    // Whatever is nearest to the output decides how many there are.
    const takenOfBatch = inputs.flatMap(({ kind, name, value }) =>
      kind === 'LatentFromBatch' && name === 'length' && typeof value === 'number' ? [value] : [],
    )[0];
    const frames = inputs.flatMap(({ kind, name, value }) =>
      /video/i.test(kind) && /^(length|num_frames|video_length)$/.test(name) && typeof value === 'number'
        ? [value]
        : [],
    )[0];
    const rate = numberOf(/^(fps|frame_rate)$/);
    // Not every workflow says how fast its film is; those of Wan and Hunyuan have 24 frames a second.
    const seconds = frames === undefined ? undefined : frames / Math.max(1, rate ?? 24);
    return {
      pictures: inputs.flatMap(({ kind, name, value }) =>
        /^load_?image/i.test(kind) && name === 'image' && typeof value === 'string' ? (fileOf(value) ?? []) : [],
      ),
      words: inputs.flatMap(({ name, value }) =>
        /^(text|prompt|string|value)/.test(name) && typeof value === 'string' && value !== '' ? [value] : [],
      ),
      seed: numberOf(/seed$/) ?? 0,
      batch: takenOfBatch ?? numberOf(/^batch_size$/) ?? 1,
      seconds: seconds && Math.min(seconds, LONGEST_FILM_SECONDS),
    };
  }
}

interface MadeFrom {
  readonly pictures: readonly Buffer[];
  readonly words: readonly string[];
  readonly seed: number;
  readonly batch: number;
  /** how long the film is whose frames lead here; undefined where none do, or nothing says */
  readonly seconds: number | undefined;
}

async function flat(seed: number, output: string, index: number): Promise<Buffer> {
  const random = createRandom(seed, output, index);
  const background = { r: random.whole(0, 255), g: random.whole(0, 255), b: random.whole(0, 255) };
  return await sharp({ create: { width: 64, height: 36, channels: 3, background } })
    .png()
    .toBuffer();
}

async function sketch(seed: string, done: number, total: number): Promise<Buffer> {
  const random = createRandom(seed);
  const background = { r: random.whole(0, 255), g: random.whole(0, 255), b: Math.round((255 * done) / total) };
  return await sharp({ create: { width: 96, height: 54, channels: 3, background } })
    .jpeg()
    .toBuffer();
}

/** SaveImage writes the whole prompt into its files. */
function withText(png: Buffer, keyword: string, text: string): Buffer {
  // After the signature and the header chunk, which is 25 bytes long.
  const at = 8 + 25;
  const data = Buffer.concat([Buffer.from(`tEXt${keyword}\0`, 'latin1'), Buffer.from(text, 'latin1')]);
  const chunk = Buffer.alloc(data.length + 8);
  chunk.writeUInt32BE(data.length - 4, 0);
  data.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(data), data.length + 4);
  return Buffer.concat([png.subarray(0, at), chunk, png.subarray(at)]);
}
