import sharp, { type Sharp } from 'sharp';
import { writeWebm } from '../../src/playground/drawing/webm.ts';
import { elementsIn } from '../playground/ebml.ts';
import { box, element, ftyp, mp3Frames, withLongLength } from './_media.ts';
import { comments, ogg } from './_ogg.ts';
import { quarters } from './_samples.ts';

/** Files with a workflow in them, as ComfyUI and the nodes that people add to it write them. */
export interface Noted {
  readonly bytes: Buffer;
  /** All that has to stay the same, as a reader finds it; throws where the file is broken. */
  readonly read: (file: Buffer) => unknown;
}

export const SECRET = 'secret-node';
/** More than one block of writing, and than one page of Ogg. */
const LONG = `{"${SECRET}":"${'x'.repeat(70_000)}","more":"${SECRET}"}`;
/** For what has 64 KiB at most. */
const SHORT = LONG.slice(0, 30_000);

export const NOTED: Readonly<Record<string, () => Noted | Promise<Noted>>> = {
  'an MP4 with keys and values, as SaveVideo writes it': () => mp4(keysAndValues()),
  'an MP4 with tags of iTunes, as VideoHelperSuite writes it': () => mp4(box('udta', tagsOfITunes(), Buffer.alloc(4))),
  'an MP4 with both, in lengths of eight bytes': () =>
    mp4(withLongLength(box('udta', tagsOfITunes())), withLongLength(keysAndValues())),
  'a QuickTime with a handler before any version': () =>
    mp4(box('meta', handler('mdta'), box('ilst', box('data', Buffer.from(LONG))))),
  'an MP4 with notes of a track': () =>
    mp4(box('trak', box('tkhd', Buffer.alloc(84)), box('udta', box('name', Buffer.from(LONG))), tagsOfITunes())),
  'an MP4 with notes beside the film': () => ({ ...mp4(), bytes: Buffer.concat([mp4().bytes, keysAndValues()]) }),
  'a WebM of the local ComfyUI': async () => {
    const frame = await quarters(64, 48).webp().toBuffer();
    return matroska(writeWebm({ width: 64, height: 48, rate: 2, frames: [frame, frame], tags: { PROMPT: LONG } }));
  },
  'a WebM with its tags behind the frames': () => matroska(webm(element('18538067', segment(3), 8))),
  'a WebM with short lengths': () => matroska(webm(element('18538067', segment(3), 4))),
  'a WebM with long lengths': () => matroska(webm(element('18538067', segment(8), 8))),
  'a WebM with a checksum of it all': () =>
    matroska(webm(element('18538067', Buffer.concat([element('bf', Buffer.alloc(4, 9)), segment(5)]), 8))),
  'a WebM that was written as it was made': () => ({
    bytes: webm(Buffer.concat([Buffer.from('1853806701ffffffffffffff', 'hex'), live()])),
    // Every frame, and where it stands.
    read: (file) => {
      const at = file.indexOf('simple block');
      return [file.length, at, file.indexOf('simple block', at + 1)];
    },
  }),
  'a WebP that moves, as SaveAnimatedWEBP writes it': () => webp(tiff(LONG)),
  'a WebP with the beginning that EXIF has in a JPEG': () => webp(Buffer.concat([Buffer.from('Exif\0\0'), tiff(LONG)])),
  'a WebP with XMP': () => picture((image) => image.webp().withXmp(xmp(LONG))),
  'a JPEG': () => picture((image) => image.jpeg(), { exif: SHORT }),
  'a JPEG with XMP': () => picture((image) => image.jpeg().withXmp(xmp(SHORT))),
  'a JPEG with comments': async () => {
    const { bytes, read } = await picture((image) => image.jpeg());
    const comment = Buffer.concat([Buffer.from([0xff, 0xff, 0xfe, 0, 0]), Buffer.from(SHORT)]);
    comment.writeUInt16BE(SHORT.length + 2, 3);
    return { bytes: Buffer.concat([bytes.subarray(0, 2), comment, comment, bytes.subarray(2)]), read };
  },
  'a GIF with comments': async () => {
    const { bytes, read } = await picture((image) => image.gif(), { frames: 3 });
    const comment = Buffer.concat([Buffer.from([0x21, 0xfe]), subBlocks(Buffer.from(LONG))]);
    return { bytes: Buffer.concat([bytes.subarray(0, -1), comment, bytes.subarray(-1)]), read };
  },
  'an SVG, as SaveSVGNode writes it': () => {
    const head = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">\n<metadata>\n    <![CDATA[\n';
    const tail = '\n]]>\n</metadata><rect width="5" height="5" fill="red"/></svg>';
    return { bytes: Buffer.from(`${head}${LONG}<metadata><![CDATA[${tail}`), read: pixels };
  },
  'a FLAC, as SaveAudio writes it': () =>
    flac(Buffer.concat([flacBlock(0, Buffer.alloc(34, 1)), flacBlock(4, comments(LONG)), flacBlock(0x81, ZEROS)])),
  'a FLAC with its comments last': () =>
    flac(Buffer.concat([flacBlock(0, Buffer.alloc(34, 1)), flacBlock(0x84, comments(LONG))])),
  'an MP3, as SaveAudioMP3 writes it': () => mp3(id3(4, 0, LONG)),
  'an MP3 with an extended header and a footer': () => mp3(id3(4, 0x50, LONG)),
  'an MP3 with three tags': () => mp3(Buffer.concat([id3(3, 0, LONG), id3(4, 0x10, LONG), id3(4, 0, LONG)])),
  'a FLAC with a tag of MP3 before it': () => {
    const { bytes, read } = flac(flacBlock(0x84, comments(LONG)));
    const tag = id3(4, 0, LONG);
    return { bytes: Buffer.concat([tag, bytes]), read: (file) => read(file.subarray(tag.length)) };
  },
  'an Opus, as SaveAudioOpus writes it': () => ogg('OpusHead', 'OpusTags', LONG, []),
  'an Ogg of Vorbis': () => ogg('\x01vorbis', '\x03vorbis', LONG, [1]),
};

const ZEROS = Buffer.alloc(300);

function fullBox(type: string, ...content: readonly Buffer[]): Buffer {
  return box(type, Buffer.alloc(4), ...content);
}

function handler(kind: string): Buffer {
  return fullBox('hdlr', Buffer.alloc(4), Buffer.from(kind), Buffer.alloc(13));
}

function keysAndValues(): Buffer {
  const key = box('mdta', Buffer.from('workflow'));
  const value = box('data', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]), Buffer.from(LONG));
  const keys = fullBox('keys', Buffer.from([0, 0, 0, 1]), key);
  return fullBox('meta', handler('mdta'), keys, box('ilst', box('\0\0\0\x01', value)));
}

function tagsOfITunes(): Buffer {
  const value = box('data', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]), Buffer.from(LONG));
  return fullBox('meta', handler('mdir'), box('ilst', box('\xa9cmt', value)));
}

/** Notes, and a `meta` that is none: both before the frames. */
function mp4(...notes: readonly Buffer[]): Noted {
  const media = box('mdia', fullBox('mdhd', Buffer.alloc(20)), handler('vide'));
  const track = box(
    'trak',
    fullBox('tkhd', Buffer.alloc(80)),
    fullBox('meta', handler('pict'), Buffer.alloc(40, 5)),
    media,
  );
  const film = box('moov', fullBox('mvhd', Buffer.alloc(96)), track, ...notes, Buffer.alloc(4));
  const bytes = Buffer.concat([
    ftyp('isom', 'isom', 'mp41').subarray(0, -8),
    film,
    withLongLength(box('mdat', Buffer.alloc(10_000, 7))),
  ]);
  return { bytes, read: (file) => boxesIn(file) };
}

/** All boxes that are no notes and no free space, where they are and what is in them. */
function boxesIn(file: Buffer, at = 0, end = file.length): unknown[] {
  const found: unknown[] = [];
  while (at + 8 <= end) {
    const type = file.toString('latin1', at + 4, at + 8);
    const short = file.readUInt32BE(at);
    const from = at + (short === 1 ? 16 : 8);
    const to = at + (short === 1 ? Number(file.readBigUInt64BE(at + 8)) : short);
    if (to < from || to > end) throw new Error(`a box ${type} at ${at} goes to ${to} of ${end}`);
    if (type === 'moov' || type === 'trak') found.push(type, at, to, boxesIn(file, from, to));
    else if (!/^(?:free|udta)$/.test(type) && !/hdlr.{8}md/s.test(file.toString('latin1', from, from + 28))) {
      found.push(type, at, file.toString('latin1', from, to));
    }
    at = to;
  }
  return found;
}

function webm(segment: Buffer): Buffer {
  return Buffer.concat([element('1a45dfa3', element('4282', Buffer.from('webm'))), segment]);
}

function tags(sizeBytes: number): Buffer {
  const words = Buffer.concat([element('45a3', Buffer.from('PROMPT')), element('4487', Buffer.from(LONG), 8)]);
  return element('1254c367', element('7373', element('67c8', words, 8), 8), sizeBytes);
}

function cluster(): Buffer {
  return element('1f43b675', element('a3', Buffer.from('a simple block of the film')));
}

function segment(sizeBytes: number): Buffer {
  return Buffer.concat([element('ec', ZEROS, 2), cluster(), tags(sizeBytes), cluster()]);
}

/** Clusters without a length: the next element of the segment ends them. */
function live(): Buffer {
  const head = Buffer.from('1f43b675ff', 'hex');
  const frame = element('a3', Buffer.from('a simple block of the film'));
  return Buffer.concat([tags(4), head, element('e7', Buffer.from([0])), frame, head, frame, frame]);
}

function matroska(bytes: Buffer): Noted {
  return {
    bytes,
    read: (file) => {
      const [head, body, ...others] = elementsIn(file);
      const inside = elementsIn(body?.content ?? Buffer.alloc(0), body?.at);
      const isNoted = (id: string) => ['1254c367', 'ec', 'bf'].includes(id);
      const has = (id: string) => inside.some((element) => element.id === id);
      if (has('bf') && !has('1254c367')) throw new Error('a checksum of what is not there any more');
      // Whatever is void has nothing to say; all else is where it was.
      return [head, body?.at, others, inside.filter(({ id }) => !isNoted(id))];
    },
  };
}

function xmp(words: string): string {
  return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description words='${words}'/></rdf:RDF></x:xmpmeta>`;
}

async function picture(
  encode: (image: Sharp) => Sharp,
  { exif, frames = 1 }: { exif?: string; frames?: number } = {},
): Promise<Noted> {
  const strips = await Promise.all(
    Array.from({ length: frames }, (_, index) =>
      quarters(30 + index, 20)
        .png()
        .toBuffer(),
    ),
  );
  const still = frames === 1 ? await quarters(30, 20).png().toBuffer() : strips;
  const image = Array.isArray(still) ? sharp(still, { join: { animated: true } }) : sharp(still);
  const noted = exif === undefined ? image : image.withExif({ IFD0: { Model: `prompt:${exif}`, Orientation: '6' } });
  return { bytes: await encode(noted).toBuffer(), read: pixels };
}

/** That it lies on its side, and what it was made with. */
function tiff(words: string): Buffer {
  const head = Buffer.from('49492a0008000000020010010200000000002600000012010300010000000600000000000000', 'hex');
  head.writeUInt32LE(words.length, 14);
  return Buffer.concat([head, Buffer.from(words)]);
}

async function webp(exif: Buffer): Promise<Noted> {
  const { bytes, read } = await picture((image) => image.webp(), { frames: 3 });
  const chunk = Buffer.concat([Buffer.from('EXIF\0\0\0\0'), exif, Buffer.alloc(exif.length % 2)]);
  chunk.writeUInt32LE(exif.length, 4);
  // One of an odd length is filled up.
  const whole = Buffer.concat([bytes, Buffer.from('some\x03\0\0\0xyz\0'), chunk]);
  whole.writeUInt32LE(whole.length - 8, 4);
  // The header says that the chunk is there.
  whole[20] = (whole[20] ?? 0) | 8;
  return { bytes: whole, read };
}

/** Whatever is not in order is an error. */
async function pixels(file: Buffer): Promise<unknown> {
  const { orientation, pages, format } = await sharp(file).metadata();
  const raw = await sharp(file, { animated: true, failOn: 'warning' }).raw().toBuffer();
  return { orientation, pages, format, raw: raw.toString('latin1') };
}

/** Data of a GIF, in pieces of 255 bytes and an empty one. */
function subBlocks(data: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < data.length; at += 255) {
    const piece = data.subarray(at, at + 255);
    pieces.push(Buffer.from([piece.length]), piece);
  }
  return Buffer.concat([...pieces, Buffer.from([0])]);
}

function flacBlock(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(content.length);
  head[0] = type;
  return Buffer.concat([head, content]);
}

function flac(blocks: Buffer): Noted {
  return {
    bytes: Buffer.concat([Buffer.from('fLaC'), blocks, Buffer.alloc(5000, 3)]),
    read: (file) => {
      const found: unknown[] = [];
      for (let at = 4, isLast = false; !isLast;) {
        const first = file.readUInt8(at);
        isLast = first >= 0x80;
        const end = at + 4 + file.readUIntBE(at + 1, 3);
        if ((first & 0x7f) === 0) found.push(file.toString('latin1', at, end));
        at = end;
        if (isLast) found.push(file.toString('latin1', at));
      }
      return found;
    },
  };
}

function sevenBits(value: number): Buffer {
  return Buffer.from([21, 14, 7, 0].map((shift) => (value >> shift) & 0x7f));
}

function id3(version: number, flags: number, words: string): Buffer {
  const extended = (flags & 0x40) === 0 ? Buffer.alloc(0) : Buffer.from([0, 0, 0, 6, 1, 0]);
  const text = Buffer.from(`\x03workflow\0${words}`);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(text.length);
  const frame = Buffer.concat([
    Buffer.from('TXXX'),
    version === 4 ? sevenBits(text.length) : size,
    Buffer.alloc(2),
    text,
  ]);
  const body = Buffer.concat([extended, frame, Buffer.alloc(100)]);
  const head = Buffer.concat([Buffer.from([version, 0, flags]), sevenBits(body.length)]);
  const footer = (flags & 0x10) === 0 ? [] : [Buffer.from('3DI'), head];
  return Buffer.concat([Buffer.from('ID3'), head, body, ...footer]);
}

function mp3(tag: Buffer): Noted {
  return {
    bytes: Buffer.concat([tag, mp3Frames(20)]),
    read: (file) => {
      const isExtended = (file.readUInt8(5) & 0x40) !== 0;
      if (isExtended && file.readUInt32BE(10) === 0) throw new Error('an extended header of no length');
      const footer = file.toString('latin1', tag.length - 10, tag.length - 7) === '3DI';
      return [file.subarray(0, 5).toString('hex'), file.readUInt32BE(6), footer, file.toString('latin1', tag.length)];
    },
  };
}
