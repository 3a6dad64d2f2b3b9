import { createStepLimit, NotWhole, type Bytes } from './bytes.ts';
import type { Notes } from './notes.ts';

/** Comments of 60 MiB, which are in memory. */
const MOST_PAGES = 1000;
const HEAD_BYTES = 27;
const CHECKSUM_AT = 22;

interface Codec {
  /** how the first packet of a stream begins */
  readonly first: string;
  /** how the second one does, which has the comments */
  readonly comments: string;
  /** what stands behind them */
  readonly end: readonly number[];
}

/** RFC 7845, 5.2; Vorbis I, 5.2.1, where a bit ends the packet; Theora, 6.3. */
const CODECS: readonly Codec[] = [
  { first: 'OpusHead', comments: 'OpusTags', end: [] },
  { first: '\x01vorbis', comments: '\x03vorbis', end: [1] },
  { first: '\x80theora', comments: '\x81theora', end: [] },
];

interface Page {
  readonly at: number;
  readonly bytes: Buffer;
  readonly stream: number;
  readonly begins: boolean;
  /** where the first packet in it ends; `undefined` where it goes on in the next page */
  readonly packetEnd: number | undefined;
  /** where its content begins */
  readonly content: number;
}

/**
 * Ogg (RFC 3533): the comments are the second packet of a stream. It keeps its length: it says that there are none, and
 * is filled up with zeros. A page has a checksum, so that it is written as a whole, the first one before the others:
 * with that one the rest is padding. Only a page of which half is written is broken, until the next call.
 */
export async function oggNotes(bytes: Bytes): Promise<Notes> {
  const marks: { at: number; bytes: Buffer }[] = [];
  const step = createStepLimit(MOST_PAGES);
  /** streams of which the second packet is not over, with what has been seen of it */
  const open = new Map<number, { codec: Codec; pages: { page: Page; from: number; to: number }[] }>();
  for (let at = 0; at < bytes.size;) {
    step();
    const page = await pageAt(at);
    at += page.bytes.length;
    if (page.begins) {
      const first = page.bytes.toString('latin1', page.content, page.content + 8);
      const codec = CODECS.find((codec) => first.startsWith(codec.first));
      // It has a page of its own.
      if (codec && page.packetEnd !== page.bytes.length) throw new NotWhole('a first page with more in it');
      if (codec) open.set(page.stream, { codec, pages: [] });
      continue;
    }
    const stream = open.get(page.stream);
    // All streams begin before anything else.
    if (!stream && open.size === 0) break;
    if (!stream) continue;
    stream.pages.push({ page, from: page.content, to: page.packetEnd ?? page.bytes.length });
    if (page.packetEnd === undefined) continue;
    marks.push(...withoutComments(stream.codec, stream.pages));
    open.delete(page.stream);
  }
  return { marks, blanks: [] };

  async function pageAt(at: number): Promise<Page> {
    const head = await bytes.read(at, HEAD_BYTES);
    if (head.toString('latin1', 0, 5) !== 'OggS\0') throw new NotWhole('no page');
    const flags = head.readUInt8(5);
    const stream = head.readUInt32LE(14);
    const segments = head.readUInt8(26);
    const content = HEAD_BYTES + segments;
    const lengths = Buffer.from(await bytes.read(at + HEAD_BYTES, segments));
    const length = lengths.reduce((sum, each) => sum + each, content);
    // A segment that is not full ends a packet.
    const last = lengths.findIndex((each) => each < 255);
    const packetEnd = last < 0 ? undefined : lengths.subarray(0, last + 1).reduce((sum, each) => sum + each, content);
    const whole = Buffer.from(await bytes.read(at, length));
    return { at, bytes: whole, stream, begins: (flags & 2) !== 0, packetEnd, content };
  }
}

function withoutComments(
  { comments, end }: Codec,
  pages: readonly { page: Page; from: number; to: number }[],
): { at: number; bytes: Buffer }[] {
  const packet = Buffer.concat(pages.map(({ page, from, to }) => page.bytes.subarray(from, to)));
  const begin = comments.length;
  if (packet.toString('latin1', 0, begin) !== comments) throw new NotWhole('no comments');
  // The program that wrote it, and then how many comments there are.
  const countAt = begin + 4 + (packet.length < begin + 4 ? 0 : packet.readUInt32LE(begin));
  if (countAt + 4 + end.length > packet.length) throw new NotWhole('comments longer than their packet');
  packet.fill(0, countAt);
  packet.set(end, countAt + 4);
  let done = 0;
  return pages.map(({ page, from, to }) => {
    const bytes = Buffer.from(page.bytes);
    packet.copy(bytes, from, done, done + to - from);
    done += to - from;
    bytes.writeUInt32LE(0, CHECKSUM_AT);
    bytes.writeUInt32LE(checksum(bytes), CHECKSUM_AT);
    return { at: page.at, bytes };
  });
}

/** The CRC of RFC 3533, section 6: the polynomial of zip's, but with its bits the other way round. */
function checksum(page: Buffer): number {
  let sum = 0;
  for (const byte of page) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum << 1) ^ (sum < 0 ? 0x04_c1_1d_b7 : 0);
  }
  return sum >>> 0;
}
