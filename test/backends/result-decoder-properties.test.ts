import { createParser } from 'eventsource-parser';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { BackendError } from '../../src/errors.ts';
import { createDice, createReader, cut, Outputs, spell, wrap, type Dice, type Form } from './_results.ts';

const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });

/** Base64 in both alphabets, padded and not. */
const base64 = fc.tuple(bytes, fc.constantFrom('plain', 'bare', 'url')).map(([bytes, form]) => {
  const text = Buffer.from(bytes).toString(form === 'url' ? 'base64url' : 'base64');
  return { data: form === 'bare' ? text.replace(/=+$/, '') : text, size: bytes.length };
});

/** What looks like an output and is none, for it is somewhere else. */
const decoy = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constant({ outputs: [{ filename: 'decoy.png', data: 'AAAA', size: 3 }] }),
  fc.constant([[{ data: 'AAAA' }], { outputs: { data: '"' } }, 'data', 'outputs":[{"data":"AAAA']),
);

const output = fc
  .record({ filename: fc.string({ maxLength: 20 }), file: base64, extra: decoy, isSizeKnown: fc.boolean() })
  .map(({ filename, file, extra, isSizeKnown }) => [
    ['filename', filename],
    ['data', file.data],
    ['content_type', 'image/png'],
    ['extra', extra],
    ...(isSizeKnown ? [['size', file.size]] : []),
  ])
  .chain((entries) => fc.shuffledSubarray(entries, { minLength: entries.length }))
  .map((entries) => z.record(z.string(), z.unknown()).parse(Object.fromEntries(entries)));

const result = fc
  .record({
    outputs: fc.oneof(
      { weight: 9, arbitrary: fc.array(output, { maxLength: 4 }) },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    prompt: decoy,
    data: decoy,
    status: fc.string(),
    Outputs: decoy,
  })
  .chain((fields) => fc.shuffledSubarray(Object.entries(fields), { minLength: 5 }))
  .map((entries) => Object.fromEntries(entries));

const form = fc.constantFrom<Form>('stream', 'plain');
const seed = fc.integer();

/** The files of a result that is whole in memory. */
function filesOf(json: unknown): Buffer[] {
  const { data: known } = Outputs.safeParse(json);
  return known?.outputs.map(({ data = '' }) => Buffer.from(data, 'base64')) ?? [];
}

/** Everything else of it. */
function restOf(json: unknown): string {
  return JSON.stringify(json, (key, value: unknown) => (key === 'data' && typeof value === 'string' ? '' : value));
}

test('a result is read as if it had been whole in memory, whatever its spelling and its cuts', async () => {
  const reader = await createReader();
  await fc.assert(
    fc.asyncProperty(result, form, seed, async (value, form, seed) => {
      const dice = createDice(seed);
      const json = spell(value, dice);
      const text = form === 'stream' ? wrap(json, dice) : json;
      const outcome = await reader.read(cut(Buffer.from(text), dice), form);
      const expected: unknown = JSON.parse(json);
      expect(restOf(outcome.json)).toBe(restOf(expected));
      expect(outcome.files).toEqual(filesOf(expected));
    }),
    { numRuns: 1500 },
  );
});

/** Reads as the standards have it, all in memory; nothing where there is nothing to read. */
function readWhole(bytes: Buffer, form: Form): unknown {
  if (form === 'plain') return JSON.parse(new TextDecoder().decode(bytes));
  const results: string[] = [];
  const parser = createParser({
    onEvent({ event, data }) {
      if (event === 'prompt_result') results.push(data);
    },
  });
  // A carriage return before anything but a field stays what it is; here it stands where JSON has no use for it.
  parser.feed(`${new TextDecoder().decode(bytes).replace(/\r(?![\r\n:]|$|data:|event:|id:|retry:)/g, '\x1e')}\n\n`);
  return JSON.parse((results[0] ?? '').replaceAll('\x1e', '\r'));
}

/** Breaks something: mostly one thing, and where it hurts. */
function mutate(bytes: Buffer, dice: Dice): Buffer {
  const at = dice.roll(bytes.length + 1);
  const length = dice.pick([1, 1, 2, 7, 40]);
  const [head, rest] = [bytes.subarray(0, at), bytes.subarray(at)];
  const piece = Buffer.from(
    dice.pick([
      '"',
      '\\',
      '\n',
      '\r',
      '\n\n',
      '=',
      '==',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '\\u',
      '\\/',
      '/',
      'A',
      '\0',
      ' ',
      '\xff',
      'data:',
      '"data":"AAAA",',
      '"outputs":[],',
      '\nevent: other\n',
    ]),
    'latin1',
  );
  switch (dice.roll(6)) {
    case 0:
      return head;
    case 1:
      return Buffer.concat([head, rest.subarray(length)]);
    case 2:
      return Buffer.concat([head, rest.subarray(0, length), rest]);
    case 3:
      return Buffer.concat([head, piece, rest]);
    case 4:
      return Buffer.concat([head, piece, rest.subarray(piece.length)]);
    default:
      return Buffer.concat([head, Buffer.from([dice.roll(256)]), rest.subarray(1)]);
  }
}

test('of 10,000 broken results every one ends in an error that says so, or in what is right', async () => {
  const reader = await createReader();
  const ends = { right: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(result, form, seed, async (value, form, seed) => {
      const dice = createDice(seed);
      const json = spell(value, dice);
      const whole = Buffer.from(form === 'stream' ? wrap(json, dice) : json);
      // Many of each: what takes the time is to make them up.
      for (let variant = 0; variant < 20; variant += 1) {
        const broken = mutate(whole, dice);
        try {
          const outcome = await reader.read(cut(broken, dice), form);
          const expected = readWhole(broken, form);
          expect(restOf(outcome.json)).toBe(restOf(expected));
          expect(outcome.files).toEqual(filesOf(expected));
          ends.right += 1;
        } catch (error) {
          if (!(error instanceof BackendError)) throw error;
          ends.refused += 1;
        }
      }
    }),
    { numRuns: 500 },
  );
  expect(ends.right + ends.refused).toBe(10_000);
  // Neither is rare; if one were, this test would look at nothing.
  expect(Math.min(ends.right, ends.refused)).toBeGreaterThan(1000);
});
