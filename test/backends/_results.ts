import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { readEvents } from '../../src/backends/event-stream.ts';
import { createResultFiles, ResultOutput, type ResultFilesOptions } from '../../src/backends/result-files.ts';
import { createSlabs } from '../../src/backends/slabs.ts';
import { BackendError } from '../../src/errors.ts';

export type Form = 'stream' | 'plain';

/** What came of a result: its JSON, and the bytes of its files in the order of its outputs. */
export interface Outcome {
  readonly json: unknown;
  readonly files: readonly Buffer[];
  readonly names: readonly string[];
}

export interface Reader {
  /** Reads a result as the backend does, and throws if anything is left in the folder that was not placed. */
  read(chunks: Iterable<Buffer>, form: Form, limits?: Partial<ResultFilesOptions>): Promise<Outcome>;
}

/** What every result must have; the rest is the backend's to judge. */
export const Outputs = z.object({ outputs: z.array(ResultOutput) });

/** For one test. */
export async function createReader(): Promise<Reader> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-result-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const slabs = createSlabs();
  return { read };

  async function read(chunks: Iterable<Buffer>, form: Form, limits?: Partial<ResultFilesOptions>): Promise<Outcome> {
    const files = createResultFiles({
      folder,
      maxBytes: 100_000_000,
      maxSkeletonBytes: 1_000_000,
      slabs,
      download: () => Promise.reject(new BackendError('no downloads here', { type: 'unintelligible' })),
      signal: new AbortController().signal,
      ...limits,
    });
    const placed: { readonly name: string; readonly path: string }[] = [];
    let json: unknown;
    try {
      json = form === 'plain' ? await files.read(toStream(chunks)) : await readStream();
      const { data } = Outputs.safeParse(json);
      if (data) placed.push(...(await files.place(data.outputs)));
    } finally {
      await files.close();
      const left = (await readdir(folder)).filter((name) => placed.every((file) => file.name !== name));
      if (left.length > 0) await Promise.reject(new Error(`left behind: ${left.join()}`));
    }
    const names = placed.map(({ name }) => name);
    const contents = await Promise.all(placed.map(({ path }) => readFile(path)));
    await Promise.all(placed.map(({ path }) => rm(path)));
    return { json, files: contents, names };

    async function readStream(): Promise<unknown> {
      const large = { name: 'prompt_result', open: files.newDecoder, room: files.room };
      for await (const { body } of readEvents(toStream(chunks), { maxEventBytes: 1_000_000, large })) {
        if (body) return body.end();
      }
      throw new BackendError('the stream ended without a result', { type: 'cut' });
    }
  }
}

async function* toStream(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks;
}

/** Random numbers that only the seed knows. */
export interface Dice {
  /** from 0 to below `sides` */
  roll(sides: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
}

export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  return {
    roll,
    pick: (from) => from[roll(from.length)] ?? from[0],
  };

  // Weyl sequence and a mixing step: https://www.pcg-random.org/ explains why the bare sequence would not do.
  function roll(sides: number): number {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % sides;
  }
}

/** Cuts bytes into chunks: all tiny, all of some size, or one. */
export function* cut(bytes: Buffer, dice: Dice): Generator<Buffer> {
  const longest = dice.pick([1, 3, 9, 60, 1000, bytes.length + 1]);
  for (let at = 0; at < bytes.length;) {
    const next = at + 1 + dice.roll(longest);
    yield bytes.subarray(at, next);
    at = next;
  }
}

/** JSON with everything that its grammar leaves open: white space, and which characters are escaped. */
export function spell(value: unknown, dice: Dice): string {
  const gap = () => (dice.roll(6) > 0 ? '' : dice.pick([' ', '\n', '\t', '\r\n', '  \r']));
  return gap() + spellBare() + gap();

  function spellBare(): string {
    if (typeof value === 'string') return spellString(value, dice);
    if (Array.isArray(value)) return `[${value.map((item) => spell(item, dice)).join(',') || gap()}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const entries = Object.entries(value).map(
      ([key, item]) => `${gap()}${spellString(key, dice)}${gap()}:${spell(item, dice)}`,
    );
    return `{${entries.join(',') || gap()}}`;
  }
}

function spellString(text: string, dice: Dice): string {
  const escapesOneIn = dice.pick([2, 20, 1000]);
  let spelt = '';
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charAt(at);
    const code = text.charCodeAt(at).toString(16).padStart(4, '0');
    if (dice.roll(escapesOneIn) === 0) spelt += `\\u${dice.roll(2) === 0 ? code : code.toUpperCase()}`;
    else if (unit === '/' && dice.roll(2) === 0) spelt += '\\/';
    // A half of a pair alone cannot be sent as it is.
    else spelt += /[\ud800-\udfff]/.test(unit) ? `\\u${code}` : JSON.stringify(unit).slice(1, -1);
  }
  return `"${spelt}"`;
}

/** An event stream around the JSON of a result, with everything that the standard leaves open. */
export function wrap(json: string, dice: Dice): string {
  const end = dice.pick(['\n', '\r\n', '\r']);
  // After a bare CR only a field that is known is one.
  const unknown = end === '\r' ? [] : [`data-x${end}`];
  const isNameFirst = dice.roll(4) > 0;
  const name = `event:${dice.pick(['', ' '])}prompt_result${end}`;
  const lines = json.split(/\r\n|\r|\n/).map((line) => `data:${dice.pick([' ', ''])}${line}${end}`);
  const noise = () =>
    dice.roll(3) > 0 ? '' : dice.pick([`: ping${end}`, `id: 7${end}`, `retry: 10${end}`, ...unknown]);
  const data = lines.map((line) => line + noise()).join('');
  const before = dice.pick(['', '\u{feff}', `: ping${end}${end}`, `event: log_message${end}data: hello${end}${end}`]);
  const after = dice.pick([end, end, '', `${end}data: more${end}${end}`]);
  return `${before}${isNameFirst ? name + noise() + data : data + noise() + name}${after}`;
}
