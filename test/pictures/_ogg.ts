import type { Noted } from './_noted.ts';

const NOTHING = Buffer.alloc(0);

/** As Vorbis has them: who wrote it, how many there are, and each with its length. */
export function comments(words: string): Buffer {
  const strings = ['Lavf62', `prompt=${words}`, `workflow=${words}`].map((each) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(Buffer.byteLength(each));
    return Buffer.concat([length, Buffer.from(each)]);
  });
  const [vendor = NOTHING, ...others] = strings;
  return Buffer.concat([vendor, Buffer.from([2, 0, 0, 0]), ...others]);
}

/** A page for each piece of at most 255 segments. */
function oggPages(stream: number, packet: Buffer, flags: number, behind = Buffer.alloc(0)): Buffer {
  const lengths = [...Array<number>(Math.floor(packet.length / 255)).fill(255), packet.length % 255];
  const pages: Buffer[] = [];
  for (let done = 0, from = 0; done < lengths.length; done += 250) {
    const own = lengths.slice(done, done + 250);
    const to = from + own.reduce((sum, each) => sum + each, 0);
    const isLast = done + 250 >= lengths.length;
    const more = isLast && behind.length > 0;
    const head = Buffer.alloc(27);
    head.write('OggS\0', 'latin1');
    head[5] = done === 0 ? flags : 1;
    head.writeUInt32LE(stream, 14);
    head[26] = own.length + (more ? 1 : 0);
    const table = Buffer.from(more ? [...own, behind.length] : own);
    const page = Buffer.concat([head, table, packet.subarray(from, to), ...(more ? [behind] : [])]);
    page.writeUInt32LE(oggChecksum(page), 22);
    pages.push(page);
    from = to;
  }
  return Buffer.concat(pages);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let sum = index << 24;
  for (let bit = 0; bit < 8; bit += 1) sum = (sum << 1) ^ (sum & 0x80_00_00_00 ? 0x04_c1_1d_b7 : 0);
  return sum;
});

function oggChecksum(page: Buffer): number {
  return page.reduce((sum, byte) => ((sum << 8) ^ (CRC_TABLE[(sum >>> 24) ^ byte] ?? 0)) >>> 0, 0);
}

/** A sound with comments, in a stream whose first two packets begin like that. @param end what is behind the comments */
export function ogg(first: string, second: string, words: string, end: readonly number[]): Noted {
  const packet = Buffer.concat([Buffer.from(second, 'latin1'), comments(words), Buffer.from(end)]);
  const bytes = Buffer.concat([
    oggPages(7, Buffer.from(`${first}12345678901`, 'latin1'), 2),
    oggPages(7, packet, 0, Buffer.from('a third packet')),
    oggPages(7, Buffer.alloc(3000, 5), 0),
  ]);
  return { bytes, read: (file) => readOgg(file, second, end) };
}

/** Where the pages are, all but the comments, and who wrote those; throws for a wrong checksum. */
function readOgg(file: Buffer, second: string, end: readonly number[]): unknown {
  const found: unknown[] = [];
  const packets: Buffer[] = [Buffer.alloc(0)];
  for (let at = 0; at < file.length;) {
    const segments = file.readUInt8(at + 26);
    const lengths = file.subarray(at + 27, at + 27 + segments);
    const to = lengths.reduce((sum, each) => sum + each, at + 27 + segments);
    const page = Buffer.from(file.subarray(at, to));
    page.writeUInt32LE(0, 22);
    if (oggChecksum(page) !== file.readUInt32LE(at + 22)) throw new Error(`a wrong checksum at ${at}`);
    found.push(page.toString('latin1', 0, 27 + segments));
    let from = at + 27 + segments;
    for (const length of lengths) {
      packets.push(Buffer.concat([packets.pop() ?? NOTHING, file.subarray(from, from + length)]));
      from += length;
      if (length < 255) packets.push(Buffer.alloc(0));
    }
    at = to;
  }
  const [head, words = NOTHING, ...others] = packets;
  const count = words.readUInt32LE(second.length + 4 + 6);
  if (words.toString('latin1', 0, second.length) !== second || (count !== 2 && count !== 0)) {
    throw new Error('no comments');
  }
  if (count === 0 && end.some((byte, index) => words[second.length + 14 + index] !== byte)) throw new Error('no end');
  return [found, head, words.toString('latin1', 0, second.length + 10), others];
}
