import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createPlaces } from '../../src/backends/amqp/places.ts';
import { readOutputs, textOutputs } from '../../src/backends/comfyui/outputs.ts';
import { resultOutputs } from '../../src/backends/comfyui/records.ts';
import { createServer } from '../../src/backends/comfyui/server.ts';
import { createHttp } from '../../src/backends/http.ts';
import { createPatience } from '../../src/backends/patience.ts';
import { createResultFiles, type ResultOutput } from '../../src/backends/result-files.ts';
import { lookedAt } from '../../src/backends/result-names.ts';
import { createSlabs } from '../../src/backends/slabs.ts';
import { systemClock } from '../../src/clock.ts';
import { BackendError } from '../../src/errors.ts';

const textsOf = (text: unknown) => readOutputs({ '9': { text } }).texts.map((given) => given.text);
const server = createServer({ url: new URL('http://127.0.0.1:8188'), headers: {}, secrets: [] });
const image = (filename: string, type = 'output') => ({ filename, subfolder: '', type });

/** Places results as a backend does. */
async function place(outputs: readonly ResultOutput[]) {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-outputs-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const files = createResultFiles({
    folder,
    maxBytes: 10_000_000,
    maxSkeletonBytes: 0,
    slabs: createSlabs(),
    download: () => Promise.reject(new BackendError('no downloads here', { type: 'unintelligible' })),
    signal: new AbortController().signal,
  });
  const placed = await files.place(outputs);
  await files.close();
  return placed;
}

describe('what a node shows as text', () => {
  test('is a result of its own, each of a list', () => {
    expect(textsOf(['a cat', 'a dog'])).toEqual(['a cat', 'a dog']);
    expect(textsOf([['a cat', ['a dog']]])).toEqual(['a cat', 'a dog']);
    expect(textsOf('a cat')).toEqual(['a cat']);
  });

  test('is nothing where it has no words, or is no text', () => {
    expect(textsOf(['', ' \n\t', null, 7, { a: 'b' }])).toEqual([]);
    expect(textsOf(undefined)).toEqual([]);
    expect(readOutputs({ '9': null, '10': {} })).toEqual({ files: [], texts: [] });
  });

  test('is put together again where ComfyUI took it apart', () => {
    expect(textsOf(Array.from('a cat 🐈'))).toEqual(['a cat 🐈']);
    expect(textsOf(['7'])).toEqual(['7']);
  });

  test('is bounded in number and in size, and stays Unicode', () => {
    expect(textsOf(Array.from({ length: 500 }, (_, index) => `line ${index}`))).toHaveLength(20);
    const [long = ''] = textsOf([`a${'🐈'.repeat(1_000_000)}`]);
    expect(long.length).toBe(1_000_000);
    expect(long.isWellFormed()).toBe(true);
  });

  test('comes after what was saved, with the node of each', () => {
    const outputs = { '9': { text: ['words'], images: [image('a.png')] }, '3': { gifs: [image('b.webm')] } };
    const given = readOutputs(outputs);
    expect(resultOutputs(given, server).map(({ name, node }) => [name, node])).toEqual([
      ['b.webm', '3'],
      ['a.png', '9'],
      ['text_9.txt', '9'],
    ]);
  });

  test('alone makes a run a success', () => {
    expect(resultOutputs(readOutputs({ '9': { text: ['words'] } }), server)).toHaveLength(1);
    expect(() => resultOutputs(readOutputs({ '9': { text: [''] } }), server)).toThrow('no files');
  });

  test('becomes a file in the folder of the run like any other', async () => {
    const texts = [
      { text: 'grün 🐈\n`code`', node: '57:3' },
      { text: 'other words', node: '57:3' },
    ];
    const placed = await place(textOutputs(texts));
    expect(placed.map(({ name, mediaType, node }) => [name, mediaType, node])).toEqual([
      ['text_57_3.txt', 'text/plain', '57:3'],
      ['text_57_3-2.txt', 'text/plain', '57:3'],
    ]);
    expect(await readFile(placed[0]?.path ?? '', 'utf8')).toBe(texts[0]?.text);
  });

  test('is a result for workers too, also beside pictures that nobody can fetch', () => {
    const patience = createPatience({
      clock: systemClock,
      idleTimeoutMs: 1000,
      totalTimeoutMs: 1000,
      signal: new AbortController().signal,
    });
    onTestFinished(() => patience.end(new BackendError('over', { type: 'cancelled' })));
    const http = createHttp({ name: 'ComfyUI', clock: systemClock, patience, clean: (text) => text });
    const log = { warn() {} };
    const places = createPlaces({ outputDir: '/nowhere', server: undefined, http, patience, log });
    const shown = { '3': { images: [image('b.png', 'temp')] } };
    const withText = readOutputs({ ...shown, '9': { text: ['words'] } });
    expect(places.outputsOf(withText).map(({ name, node }) => [name, node])).toEqual([['text_9.txt', '9']]);
    expect(() => places.outputsOf(readOutputs(shown))).toThrow(BackendError);
    const viaServer = createPlaces({ outputDir: '/nowhere', server, http, patience, log });
    expect(viaServer.outputsOf(withText).map(({ name }) => name)).toEqual(['b.png', 'text_9.txt']);
    expect(viaServer.outputsOf(withText)[0]?.url).toBe(
      'http://127.0.0.1:8188/view?filename=b.png&subfolder=&type=temp',
    );
  });
});

describe('the type of a result', () => {
  const bytes = (text: string) => Buffer.from(text, 'latin1');

  test('is told by its bytes, whatever was said of it', () => {
    expect(lookedAt(bytes('\x89PNG\r\n\x1a\n'), 'video/mp4')).toBe('image/png');
    expect(lookedAt(bytes('\x1aE\xdf\xa3\x87\x42\x82\x84webm'), 'image/png')).toMatch(/^video\//);
    expect(lookedAt(bytes('only words'), 'image/png')).toBe('text/plain');
  });

  test('is what was said where the bytes do not tell', () => {
    expect(lookedAt(bytes('\0\x01\x02\x03'), 'model/gltf-binary')).toBe('model/gltf-binary');
    expect(lookedAt(bytes('{"a": 1}'), 'application/json')).toBe('application/json');
    expect(lookedAt(bytes('# a title'), 'text/markdown')).toBe('text/markdown');
  });
});
