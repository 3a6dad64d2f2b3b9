import { open } from 'node:fs/promises';

/** What films and sounds say of their insides. Nothing here trusts a length that the file claims. */

/** The brands of an ISO media file (ISO/IEC 14496-12): its first box, `ftyp`, lists them, the major one first. */
export function brandsOf(head: Buffer): readonly [major: string, ...others: string[]] | undefined {
  if (head.length < 12 || head.toString('latin1', 4, 8) !== 'ftyp') return undefined;
  const [major = '', , ...others] = head.toString('latin1', 8, head.readUInt32BE(0)).match(/[^]{4}/g) ?? [];
  return [major, ...others];
}

/** No film has more of them on the way to its tracks; a file made to be walked for ever may. */
const MOST_BOXES = 2000;

/** What the tracks of an ISO media file are, as far as they can be found: `vide`, `soun`, … */
export async function tracksOf(path: string): Promise<ReadonlySet<string>> {
  const tracks = new Set<string>();
  let left = MOST_BOXES;
  await using file = await open(path);
  await walk(0, (await file.stat()).size);
  return tracks;

  async function walk(start: number, end: number): Promise<void> {
    for (let at = start; at + 8 <= end && left > 0; left -= 1) {
      const { buffer: head } = await file.read(Buffer.alloc(28), 0, 28, at);
      const short = head.readUInt32BE(0);
      const type = head.toString('latin1', 4, 8);
      // 1: the length is behind the name; 0: it is the last one.
      const begin = short === 1 ? 16 : 8;
      const length = short === 1 ? Number(head.readBigUInt64BE(8)) : short || end - at;
      if (length < begin) return;
      if (type === 'hdlr') tracks.add(head.toString('latin1', begin + 8, begin + 12));
      else if (/^(?:moov|trak|mdia)$/.test(type)) await walk(at + begin, Math.min(end, at + length));
      at += length;
    }
  }
}

/** EBML element ids (RFC 8794). */
const EBML = '1a45dfa3';
const DOC_TYPE = '4282';

/** What an EBML file (RFC 8794) says that it is: `webm` or `matroska`, as far as people send it. */
export function docTypeOf(head: Buffer): string | undefined {
  const header = elementAt(head, 0);
  if (header?.id !== EBML) return undefined;
  const end = Math.min(header.end, head.length);
  for (let at = header.start; at < end;) {
    const element = elementAt(head, at);
    if (!element) return undefined;
    // Strings may be filled up with zeros.
    if (element.id === DOC_TYPE) return head.toString('latin1', element.start, element.end).replace(/\0+$/, '');
    at = element.end;
  }
  return undefined;
}

function elementAt(head: Buffer, at: number): { id: string; start: number; end: number } | undefined {
  const idLength = vintLength(head[at]);
  const sizeLength = vintLength(head[at + idLength]);
  const start = at + idLength + sizeLength;
  if (idLength === 0 || sizeLength === 0 || start > head.length) return undefined;
  let size = (head[at + idLength] ?? 0) & (0xff >> sizeLength);
  for (let index = at + idLength + 1; index < start; index += 1) size = size * 256 + (head[index] ?? 0);
  return { id: head.toString('hex', at, at + idLength), start, end: start + size };
}

/** The length of a number of EBML is how many zero bits it begins with, and one. */
export function vintLength(first: number | undefined): number {
  return first === undefined || first === 0 ? 0 : Math.clz32(first) - 23;
}

/**
 * Whether the tracks of a Matroska file that its head tells are sounds alone. A `CodecID` is `A_OPUS`, `V_VP9`, `S_…`:
 * https://www.matroska.org/technical/codec_specs.html
 */
export function hasOnlySounds(head: Buffer): boolean {
  const text = head.toString('latin1');
  return /\x86[\x81-\xff]A_[A-Z]/.test(text) && !/\x86[\x81-\xff]V_[A-Z]/.test(text);
}

/** The streams of an Ogg file begin with a page each, before any of their contents (RFC 3533). */
export function oggStreamOf(head: Buffer): 'video' | 'audio' | undefined {
  const text = head.toString('latin1');
  if (!text.startsWith('OggS')) return undefined;
  if (text.includes('\x80theora')) return 'video';
  const first = text.slice(27 + (head[26] ?? 0));
  // Skeleton goes before the others.
  const streams = ['OpusHead', '\x01vorbis', '\x7fFLAC', 'Speex   '];
  const found = streams.some(
    (magic) => first.startsWith(magic) || (first.startsWith('fishead') && text.includes(magic)),
  );
  return found ? 'audio' : undefined;
}

/** Of MPEG 1, and of 2 and 2.5, layer III, in kbit/s; 0 and 15 stand for none. */
const BITRATES = [
  [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const;
/** In Hz, by the two bits of the version: 2.5, none, 2, 1. */
const SAMPLE_RATES = [[11_025, 12_000, 8000], [], [22_050, 24_000, 16_000], [44_100, 48_000, 32_000]] as const;

/** An MP3 file without a tag. Its mark has eleven bits, so that a second frame has to be where the first one ends. */
export function isMp3(head: Buffer): boolean {
  return areFrames(head, mp3Frame);
}

/** AAC in ADTS frames (ISO/IEC 13818-7). */
export function isAdts(head: Buffer): boolean {
  return areFrames(head, adtsFrame);
}

/** Bytes of a frame that are read. */
const LONGEST_MARK = 6;

interface Frame {
  /** what is the same in each frame of a file */
  readonly stream: string;
  readonly length: number;
}

/** Enough to be no chance. */
const FRAMES = 3;

/** Frames of one stream, one behind the other: two at least, for more of them may be longer than the head. */
function areFrames(head: Buffer, frameAt: (head: Buffer, at: number) => Frame | undefined): boolean {
  let stream: string | undefined;
  let count = 0;
  for (let at = 0; at + LONGEST_MARK <= head.length && count < FRAMES; count += 1) {
    const frame = frameAt(head, at);
    if (!frame || frame.stream !== (stream ?? frame.stream)) return false;
    ({ stream } = frame);
    at += frame.length;
  }
  return count >= 2;
}

function mp3Frame(head: Buffer, at: number): Frame | undefined {
  const bits = head.readUInt32BE(at);
  const version = (bits >>> 19) & 3;
  const layer = (bits >>> 17) & 3;
  if (bits >>> 21 !== 0x7ff || layer !== 1) return undefined;
  const bitrate = BITRATES[version === 3 ? 0 : 1][((bits >>> 12) & 15) - 1];
  const sampleRate = SAMPLE_RATES[version]?.[(bits >>> 10) & 3];
  if (bitrate === undefined || sampleRate === undefined) return undefined;
  const samples = version === 3 ? 1152 : 576;
  const length = Math.floor((samples / 8) * ((bitrate * 1000) / sampleRate)) + ((bits >>> 9) & 1);
  return { stream: `${version} ${sampleRate}`, length };
}

function adtsFrame(head: Buffer, at: number): Frame | undefined {
  const bits = head.readUInt32BE(at);
  const sampleRate = (bits >>> 10) & 15;
  if (bits >>> 20 !== 0xfff || ((bits >>> 17) & 3) !== 0 || sampleRate > 12) return undefined;
  const length = ((bits & 3) << 11) | (head.readUInt16BE(at + 4) >>> 5);
  return length < 7 ? undefined : { stream: String((bits >>> 10) & 0x3ff), length };
}
