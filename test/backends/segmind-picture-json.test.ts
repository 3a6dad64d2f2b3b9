import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPictureJson } from '../../src/backends/segmind/picture-json.ts';
import type { SlabFile } from '../../src/backends/slab-file.ts';
import { SLICE_BYTES } from '../../src/backends/slabs.ts';
import { BackendError } from '../../src/errors.ts';

/** A file in memory. */
function createFile(): SlabFile & { bytes(): Buffer } {
  const parts: Buffer[] = [];
  const room = Buffer.alloc(SLICE_BYTES);
  const bytes = () => Buffer.concat(parts);
  return {
    room: () => room,
    advance: (length) => void parts.push(Buffer.from(room.subarray(0, length))),
    finish: async () => bytes().length,
    abandon: async () => {},
    bytes,
  };
}

/** Reads a text in pieces of these lengths, over and over. */
function read(text: string, lengths: readonly number[]) {
  const files: ReturnType<typeof createFile>[] = [];
  const json = createPictureJson(() => {
    const file = createFile();
    files.push(file);
    return file;
  });
  const bytes = Buffer.from(text);
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const end = at + (lengths[index % lengths.length] ?? 1);
    json.write(bytes.subarray(at, end));
    at = end;
  }
  const rest = json.end();
  return { rest, pictures: files.map((file) => file.bytes().toString('base64')) };
}

const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 });
const pictures = fc.array(fc.uint8Array({ minLength: 1, maxLength: 100 }), { minLength: 1, maxLength: 3 });
const head = fc.constantFrom('', 'data:image/png;base64,', 'data:;base64,', `data:image/x;${'a=b;'.repeat(40)}base64,`);
/** What may stand beside the pictures, and is not to be taken for one. */
const others = fc.dictionary(
  fc.string().filter((key) => key !== 'image' && key !== 'images'),
  fc.jsonValue(),
);

test('an answer is read however it is cut, whatever stands beside its pictures', () => {
  fc.assert(
    fc.property(pictures, head, others, fc.boolean(), lengths, (pictures, head, others, first, lengths) => {
      const base64 = pictures.map((bytes) => Buffer.from(bytes).toString('base64'));
      const images = base64.map((text) => head + text);
      const answer = first ? { images, ...others } : { ...others, images };
      const expected = { ...answer, images: images.map(() => '') };
      const found = read(JSON.stringify(answer), lengths);
      expect(found.pictures).toEqual(base64);
      expect(found.rest).toEqual(JSON.parse(JSON.stringify(expected)));
      const [one = ''] = base64;
      for (const text of [
        JSON.stringify(head + one),
        ` \n${head}${one}\n `,
        JSON.stringify({ ...others, image: head + one }),
      ]) {
        expect(read(text, lengths).pictures).toEqual([one]);
      }
    }),
  );
});

test('base64 with a gap is none, wherever the gap is cut', () => {
  for (const length of [1, 4, 5, 9]) expect(() => read('aGVs aGVs', [length])).toThrow(BackendError);
});

test('whatever is no answer ends in an error or in no picture, and in nothing else', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), lengths, (text, lengths) => {
      const error = errorOf(() => read(text, lengths));
      expect(error === undefined || error instanceof BackendError).toBe(true);
    }),
  );
});

function errorOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}
