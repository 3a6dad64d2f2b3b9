import { createStepLimit, NotWhole, type Bytes } from './bytes.ts';
import type { Notes } from './notes.ts';

const MOST_BLOCKS = 10_000;
/** Blocks of RFC 9639, section 8. */
const PADDING = 1;
const VORBIS_COMMENT = 4;
const LAST = 0x80;

/** FLAC: the block of comments becomes one of padding. A file need not have any. */
export async function flacNotes(bytes: Bytes, start = 0): Promise<Notes> {
  const marks: { at: number; bytes: Buffer }[] = [];
  const blanks: { from: number; to: number; by: 0 }[] = [];
  const step = createStepLimit(MOST_BLOCKS);
  for (let at = start + 4, isLast = false; !isLast;) {
    step();
    const head = await bytes.read(at, 4);
    const kind = head.readUInt8(0) & ~LAST;
    isLast = head.readUInt8(0) >= LAST;
    const from = at + 4;
    const to = from + head.readUIntBE(1, 3);
    if (to > bytes.size) throw new NotWhole('a block is longer than the file');
    if (kind === VORBIS_COMMENT) marks.push({ at, bytes: Buffer.from([PADDING | (isLast ? LAST : 0)]) });
    if (kind === VORBIS_COMMENT || kind === PADDING) blanks.push({ from, to, by: 0 });
    at = to;
  }
  return { marks, blanks };
}

const HEAD_BYTES = 10;
/** Of the flags of ID3v2.4 (https://id3.org/id3v2.4.0-structure, 3.1): that there are ten more bytes behind the tag. */
const HAS_FOOTER = 0x10;

/**
 * MP3: the frames of the tags before the sound become padding, which is zeros from where it begins to the end of the tag;
 * so with the first frame's head all of them are gone for a reader.
 */
export async function mp3Notes(bytes: Bytes): Promise<Notes> {
  const marks: { at: number; bytes: Buffer }[] = [];
  const blanks: { from: number; to: number; by: 0 }[] = [];
  const step = createStepLimit(MOST_BLOCKS);
  let at = 0;
  while (at + HEAD_BYTES <= bytes.size) {
    step();
    const head = Buffer.from(await bytes.read(at, HEAD_BYTES));
    if (head.toString('latin1', 0, 3) !== 'ID3') break;
    const size = head.subarray(6);
    if (size.some((byte) => byte > 0x7f)) throw new NotWhole('no length of a tag');
    const from = at + HEAD_BYTES;
    const to = from + size.reduce((sum, byte) => sum * 128 + byte, 0);
    const flags = head.readUInt8(5) & HAS_FOOTER;
    const next = to + (flags === 0 ? 0 : HEAD_BYTES);
    if (next > bytes.size) throw new NotWhole('a tag is longer than the file');
    // The other flags speak of what is not there any more.
    head.writeUInt8(flags, 5);
    const frame = Buffer.alloc(Math.min(HEAD_BYTES, to - from));
    marks.push({ at, bytes: Buffer.concat([head, frame]) });
    blanks.push({ from, to, by: 0 });
    at = next;
  }
  // Some programs put such a tag before what is not MP3.
  if (at + 4 > bytes.size || (await bytes.read(at, 4)).toString('latin1') !== 'fLaC') return { marks, blanks };
  const flac = await flacNotes(bytes, at);
  return { marks: [...marks, ...flac.marks], blanks: [...blanks, ...flac.blanks] };
}
