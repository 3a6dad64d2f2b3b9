import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { removeNotes } from '../../src/pictures/notes.ts';
import { NOTED, SECRET } from './_noted.ts';
import { pngChunk, quarters, withPngChunks } from './_samples.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-notes-'));
  path = join(folder, 'result');
});
afterEach(() => rm(folder, { recursive: true }));

async function freed(bytes: Buffer): Promise<Buffer> {
  await writeFile(path, bytes);
  await removeNotes(path);
  return await readFile(path);
}

/** What is in the file when it is killed before a write, and whether it came to that. */
async function killedBefore(write: number, bytes: Buffer): Promise<{ bytes: Buffer; wasKilled: boolean }> {
  await writeFile(path, bytes);
  let left = write;
  const killed = new Error('killed');
  const wasKilled = await removeNotes(path, async (file, bytes, at) => {
    if (left === 0) throw killed;
    left -= 1;
    await file.write(bytes, 0, bytes.length, at);
  }).then(
    () => false,
    (error: unknown) => {
      if (error !== killed) throw error;
      return true;
    },
  );
  return { bytes: await readFile(path), wasKilled };
}

describe.each(Object.keys(NOTED))('%s', (name) => {
  const noted = async () => {
    const make = NOTED[name];
    if (!make) throw new Error('no such file');
    return await make();
  };

  it('is freed of the workflow, and is the same apart from that', async () => {
    const { bytes, read } = await noted();
    expect(bytes.includes(SECRET)).toBe(true);
    const after = await freed(bytes);
    expect(after.includes(SECRET)).toBe(false);
    expect(after.includes('xxx')).toBe(false);
    expect(after).toHaveLength(bytes.length);
    expect(await read(after)).toEqual(await read(bytes));
  });

  it('is not written again when it is free of it', async () => {
    const { bytes } = await noted();
    const after = await freed(bytes);
    await utimes(path, 1, 1);
    await removeNotes(path);
    expect((await stat(path)).mtimeMs).toBe(1000);
    expect((await readFile(path)).equals(after)).toBe(true);
  });

  it('is whole after every single write, and the rest is done by the next call', async () => {
    const { bytes, read } = await noted();
    const wanted = await freed(bytes);
    const before = await read(bytes);
    let writes = 0;
    for (let wasKilled = true; wasKilled; writes += 1) {
      const half = await killedBefore(writes, bytes);
      ({ wasKilled } = half);
      expect(await read(half.bytes)).toEqual(before);
      await removeNotes(path);
      expect((await readFile(path)).equals(wanted)).toBe(true);
    }
    expect(writes).toBeGreaterThan(1);
  });

  it('that is cut off anywhere is left as it is, or is the beginning of what is free', async () => {
    const { bytes } = await noted();
    const wanted = await freed(bytes);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        const cut = bytes.subarray(0, length);
        const after = await freed(cut);
        expect(after.equals(cut) || after.equals(wanted.subarray(0, length))).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  it('that is broken anywhere is no error, and twice is as good as once', async () => {
    const { bytes } = await noted();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(Math.min(600, bytes.length - 1)), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        async (changes) => {
          const broken = Buffer.from(bytes);
          for (const [at, byte] of changes) broken[at] = byte;
          const once = await freed(broken);
          expect(once).toHaveLength(broken.length);
          expect((await freed(once)).equals(once)).toBe(true);
        },
      ),
      { numRuns: 10 },
    );
  });
});

test('a PNG is freed of it too', async () => {
  const clean = await quarters(30, 20).png().toBuffer();
  const after = await freed(withPngChunks(clean, pngChunk('tEXt', Buffer.from(`prompt\0${SECRET}`))));
  expect(after.equals(clean)).toBe(true);
});

const MAGIC = [
  '\0\0\0\x10ftypisom\0\0\0\0',
  '\0\0\0\x10ftypisom\0\0\0\0\0\0\0\xffmoov',
  '\x1aE\xdf\xa3\x87\x42\x82\x84webm',
  '\x1aE\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff',
  '\xff\xd8\xff',
  'RIFF\x40\0\0\0WEBP',
  'GIF89a\x01\0\x01\0\0\0\0',
  'fLaC',
  'ID3\x04\0\0',
  'OggS\0\x02',
  '<svg><metadata><![CDATA[',
];

test('anything behind the first bytes of any kind is no error, keeps its length, and twice is as good as once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...MAGIC), fc.uint8Array({ maxLength: 300 }), async (magic, rest) => {
      const bytes = Buffer.concat([Buffer.from(magic, 'latin1'), rest]);
      const once = await freed(bytes);
      expect(once).toHaveLength(bytes.length);
      expect((await freed(once)).equals(once)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('a file of another kind, an empty one and one of a few bytes stay as they are', async () => {
  const photo = '\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x24meta\0\0\0\0\0\0\0\x18hdlr\0\0\0\0\0\0\0\0mdta\0\0\0\0';
  for (const words of ['', 'R', 'OggS', 'a text with a workflow', 'PK\x03\x04 workflow', photo]) {
    const bytes = Buffer.from(words, 'latin1');
    expect((await freed(bytes)).equals(bytes)).toBe(true);
  }
});

test('a file that is not there is an error', async () => {
  await expect(removeNotes(path)).rejects.toThrow(/ENOENT/);
});

test('a file that was made to be walked for ever is not', async () => {
  const head = Buffer.from('\0\0\0\x10ftypisom\0\0\0\0', 'latin1');
  const film = Buffer.concat([head, Buffer.from('\0\0\0\x09freex'.repeat(300_000), 'latin1')]);
  expect((await freed(film)).equals(film)).toBe(true);
  const drawing = Buffer.from(`<svg>${'<metadata><![CDATA['.repeat(200_000)}]]></metadata></svg>`);
  expect((await freed(drawing)).toString()).toMatch(/^<svg><metadata><!\[CDATA\[ +\]\]><\/metadata><\/svg>$/);
});
