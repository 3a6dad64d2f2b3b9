import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { drawPlain } from '../drawing/plain.ts';
import { createRandom } from '../drawing/random.ts';
import { drawScene } from '../drawing/scene.ts';
import { cutOutSubject } from '../drawing/subject.ts';
import { readStyle } from '../drawing/words.ts';
import { upstream, type Graph } from './graph.ts';

/** Draws what a workflow would have made, from the pictures and words that lead to a node. */
export interface Painter {
  /** PNG files: one, or as many as a batch has */
  paint(graph: Graph, output: string, index: number): Promise<Buffer[]>;
  /** A JPEG of how far a picture is. */
  sketch(seed: string, done: number, total: number): Promise<Buffer>;
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

export function createPainter({ drawing, scale, fileOf }: PainterOptions): Painter {
  return { paint, sketch };

  async function paint(graph: Graph, output: string, index: number): Promise<Buffer[]> {
    const made = madeFrom(graph, output);
    const count = Math.min(Math.max(1, made.batch), MOST_IN_BATCH);
    return await Promise.all(
      Array.from({ length: count }, async (_, inBatch) => {
        const picture = drawing === 'flat' ? await flat(made.seed, output, inBatch) : await draw(made, index + inBatch);
        return withText(picture, 'prompt', JSON.stringify(Object.fromEntries(graph)));
      }),
    );
  }

  async function draw({ pictures, words, seed }: MadeFrom, index: number): Promise<Buffer> {
    const [character] = pictures;
    if (!character) {
      const [picture] = await drawPlain([], JSON.stringify([words, seed]), scale);
      return picture?.body ?? Buffer.alloc(0);
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
    return {
      pictures: inputs.flatMap(({ kind, name, value }) =>
        kind === 'LoadImage' && name === 'image' && typeof value === 'string' ? (fileOf(value) ?? []) : [],
      ),
      words: inputs.flatMap(({ name, value }) =>
        /^(text|prompt|string|value)/.test(name) && typeof value === 'string' && value !== '' ? [value] : [],
      ),
      seed: numberOf(/seed$/) ?? 0,
      batch: takenOfBatch ?? numberOf(/^batch_size$/) ?? 1,
    };
  }
}

interface MadeFrom {
  readonly pictures: readonly Buffer[];
  readonly words: readonly string[];
  readonly seed: number;
  readonly batch: number;
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
