/** Beginnings of films and sounds, as the programs that people use write them. */

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** The first box of an ISO media file, and of another behind it. */
export function ftyp(major: string, ...compatible: string[]): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(16 + 4 * compatible.length);
  return Buffer.concat([length, latin1(`ftyp${major}\0\0\x02\0${compatible.join('')}\0\0\0\x08free`)]);
}

/** An element of EBML; the length of its size is chosen, as Chromium and ffmpeg choose differently. */
export function element(id: string, content: Buffer, sizeBytes = 1): Buffer {
  const size = Buffer.alloc(sizeBytes);
  size.writeUIntBE(content.length, Math.max(0, sizeBytes - 6), Math.min(6, sizeBytes));
  size[0] = (size[0] ?? 0) | (0x80 >> (sizeBytes - 1));
  return Buffer.concat([Buffer.from(id, 'hex'), size, content]);
}

/** The header of a WebM or Matroska file, its information, and a track for each codec. */
export function matroska(docType: string, codecs: readonly string[], sizeBytes = 1): Buffer {
  const header = Buffer.concat([
    element('4286', Buffer.from([1]), sizeBytes),
    element('4282', latin1(docType), sizeBytes),
    element('4287', Buffer.from([4])),
  ]);
  const tracks = codecs.map((codec) =>
    element('ae', Buffer.concat([element('d7', Buffer.from([1])), element('86', latin1(codec))])),
  );
  const content = [element('ec', Buffer.alloc(200), 2), element('1654ae6b', Buffer.concat(tracks), 4)];
  return Buffer.concat([
    element('1a45dfa3', header, sizeBytes),
    element('18538067', Buffer.concat(content), 8),
    Buffer.alloc(5000),
  ]);
}

/** A page of an Ogg file that begins a stream. */
export function oggPage(content: string): Buffer {
  const header = Buffer.alloc(28);
  header.write('OggS\0\x02', 'latin1');
  header[26] = 1;
  header[27] = content.length;
  return Buffer.concat([header, latin1(content)]);
}

/** Frames of silence at 44.1 kHz and 128 kbit/s, without a tag. */
export function mp3Frames(count: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, index) => {
      const padded = index % 2;
      return Buffer.concat([Buffer.from([0xff, 0xfb, 0x90 | (padded << 1), 0x64]), Buffer.alloc(413 + padded)]);
    }),
  );
}

/** Frames of AAC at 44.1 kHz. */
export function adtsFrames(count: number): Buffer {
  const length = 200;
  const frame = Buffer.alloc(length);
  frame.set([0xff, 0xf1, 0x50, 0x80 | (length >> 11), (length >> 3) & 0xff, ((length & 7) << 5) | 0x1f, 0xfc]);
  return Buffer.concat(Array.from({ length: count }, () => frame));
}

/** The header of a RIFF file. */
export function riff(form: string): Buffer {
  return latin1(`RIFF\x24\x10\0\0${form}fmt \x10\0\0\0\x01\0\x01\0\x44\xac\0\0`);
}

/** A box of an ISO media file. */
export function box(type: string, ...content: readonly Buffer[]): Buffer {
  const whole = Buffer.concat([Buffer.alloc(4), latin1(type), ...content]);
  whole.writeUInt32BE(whole.length);
  return whole;
}

/** Where the tracks are told, one of each kind. */
export function moov(...kinds: readonly string[]): Buffer {
  const tracks = kinds.map((kind) => {
    const handler = box('hdlr', Buffer.alloc(8), latin1(kind), Buffer.alloc(13));
    return box('trak', box('tkhd', Buffer.alloc(84)), box('mdia', box('mdhd', Buffer.alloc(24)), handler));
  });
  return box('moov', box('mvhd', Buffer.alloc(100)), ...tracks);
}

/** The same box with a length of eight bytes. */
export function withLongLength(short: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(short.length + length.length));
  return Buffer.concat([Buffer.from([0, 0, 0, 1]), short.subarray(4, 8), length, short.subarray(8)]);
}

/** The same box, as one that goes to the end of the file. */
export function withoutLength(short: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(4), short.subarray(4)]);
}

/** An MP4 with its tracks at its end, as cameras write it. */
export function mp4Of(...kinds: readonly string[]): Buffer {
  const content = withLongLength(box('mdat', Buffer.alloc(10_000, 7)));
  return Buffer.concat([ftyp('mp42', 'isom', 'mp42').subarray(0, -8), content, moov(...kinds)]);
}

/** An MP4 that is long enough to be told, and of as many bytes as wanted. */
export function mp4(bytes: number): Buffer {
  const head = ftyp('isom', 'isom', 'iso2', 'avc1', 'mp41');
  return Buffer.concat([head, Buffer.alloc(Math.max(0, bytes - head.length), 7)]);
}
