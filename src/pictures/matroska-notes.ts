import { createStepLimit, NotWhole, type Bytes } from './bytes.ts';
import { vintLength } from './containers.ts';
import type { Notes } from './notes.ts';

/** Ids of https://www.matroska.org/technical/elements.html */
const EBML = 0x1a_45_df_a3;
const SEGMENT = 0x18_53_80_67;
const CLUSTER = 0x1f_43_b6_75;
const TAGS = 0x12_54_c3_67;
const CRC_32 = 0xbf;
const VOID = 0xec;
/** A film that was written as it was made has no lengths of its clusters, and every frame is looked at. */
const MOST_ELEMENTS = 1_000_000;

interface Element {
  readonly id: number;
  /** where its content begins */
  readonly from: number;
  readonly size: number | 'unknown';
}

/**
 * WebM and Matroska: notes are the tags of the segment, before the frames or behind them. They become a `Void`, which is
 * passed over wherever it is (RFC 8794, 11.3.2), of the same length on the whole. A seek head that names the place finds
 * that `Void` there, as after a program that takes tags out of a file.
 */
export async function matroskaNotes(bytes: Bytes): Promise<Notes> {
  const marks: { at: number; bytes: Buffer }[] = [];
  const blanks: { from: number; to: number; by: 0 }[] = [];
  const step = createStepLimit(MOST_ELEMENTS);
  if ((await elementAt(0)).id !== EBML) throw new NotWhole('no EBML header');
  for (let at = 0; at < bytes.size;) {
    const { id, from, size } = await elementAt(at);
    const end = size === 'unknown' ? bytes.size : from + size;
    if (id === SEGMENT) await walk(from, end);
    else if (size === 'unknown') throw new NotWhole('an element without a length');
    at = end;
  }
  return { marks, blanks };

  async function walk(start: number, end: number): Promise<void> {
    for (let at = start; at < end;) {
      const { id, from, size } = await elementAt(at);
      if (size === 'unknown') {
        // What is in such a cluster is walked as if it was behind it: none of it has an id of the segment's elements.
        if (id !== CLUSTER) throw new NotWhole('an element without a length');
        at = from;
        continue;
      }
      const to = from + size;
      if (to > end) throw new NotWhole('an element is longer than what it is in');
      // A checksum of all that is behind it would be wrong.
      if (id === TAGS || (id === CRC_32 && at === start)) erase(at, from, to);
      else if (id === VOID) blanks.push({ from, to, by: 0 });
      at = to;
    }
  }

  function erase(at: number, from: number, to: number): void {
    const head = Buffer.alloc(from - at);
    // The rest of a head that was longer belongs to the content.
    const sizeLength = Math.min(8, head.length - 1);
    const begin = at + 1 + sizeLength;
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(to - begin) | (1n << BigInt(7 * sizeLength)));
    head[0] = VOID;
    length.copy(head, 1, 8 - sizeLength);
    marks.push({ at, bytes: head });
    blanks.push({ from: begin, to, by: 0 });
  }

  async function elementAt(at: number): Promise<Element> {
    step();
    const idLength = vintLength((await bytes.read(at, 1))[0]);
    if (idLength === 0 || idLength > 4) throw new NotWhole('no id of an element');
    const id = (await bytes.read(at, idLength)).readUIntBE(0, idLength);
    const sizeLength = vintLength((await bytes.read(at + idLength, 1))[0]);
    if (sizeLength === 0) throw new NotWhole('no length of an element');
    const written = Buffer.alloc(8);
    (await bytes.read(at + idLength, sizeLength)).copy(written, 8 - sizeLength);
    const mark = 1n << BigInt(7 * sizeLength);
    const size = written.readBigUInt64BE() ^ mark;
    const from = at + idLength + sizeLength;
    // All bits set: RFC 8794, 6.2.
    if (size === mark - 1n) return { id, from, size: 'unknown' };
    if (from + Number(size) > bytes.size) throw new NotWhole('an element is longer than the file');
    return { id, from, size: Number(size) };
  }
}
