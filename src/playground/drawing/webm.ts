/**
 * Writes a WebM whose frames are all whole pictures: the one chunk of a lossy WebP file without transparency is a key
 * frame of VP8. Fields and their order: https://www.matroska.org/technical/elements.html
 */
export interface Film {
  readonly width: number;
  readonly height: number;
  /** frames a second */
  readonly rate: number;
  /** lossy WebP files of that size, in the order in which they are shown */
  readonly frames: readonly Buffer[];
  /** words about it, by their names */
  readonly tags?: Readonly<Record<string, string>>;
}

/** A block has its time, in milliseconds after its cluster's, in 16 bits with a sign. */
const CLUSTER_MS = 5000;

export function writeWebm(film: Film): Buffer {
  const head = Buffer.concat([infoOf(film), trackOf(film), ...tagsOf(film)]);
  const { clusters, cues } = framesOf(film, head.length);
  return Buffer.concat([
    element(0x1a_45_df_a3, [
      uint(0x42_86, 1),
      uint(0x42_f7, 1),
      uint(0x42_f2, 4),
      uint(0x42_f3, 8),
      text(0x42_82, 'webm'),
      uint(0x42_87, 2),
      uint(0x42_85, 2),
    ]),
    element(0x18_53_80_67, [head, ...clusters, cues]),
  ]);
}

function timeOf(frame: number, { rate }: Film): number {
  return Math.round((frame * 1000) / rate);
}

function infoOf(film: Film): Buffer {
  return element(0x15_49_a9_66, [
    // Times are in milliseconds.
    uint(0x2a_d7_b1, 1_000_000),
    float(0x44_89, timeOf(film.frames.length, film)),
    text(0x4d_80, 'Troupe playground'),
    text(0x57_41, 'Troupe playground'),
  ]);
}

function trackOf({ width, height, rate }: Film): Buffer {
  const track = element(0xae, [
    uint(0xd7, 1),
    uint(0x73_c5, 1),
    // A picture, with no frames that are left out.
    uint(0x83, 1),
    uint(0x9c, 0),
    text(0x86, 'V_VP8'),
    uint(0x23_e3_83, Math.round(1e9 / rate)),
    element(0xe0, [uint(0xb0, width), uint(0xba, height)]),
  ]);
  return element(0x16_54_ae_6b, [track]);
}

function tagsOf({ tags = {} }: Film): Buffer[] {
  const words = Object.entries(tags).map(([name, said]) =>
    element(0x67_c8, [text(0x45_a3, name), text(0x44_87, said)]),
  );
  // Without a target they are about the whole film.
  return words.length > 0 ? [element(0x12_54_c3_67, [element(0x73_73, [element(0x63_c0, []), ...words])])] : [];
}

/** The frames, some seconds of them in each cluster, and where each cluster begins. @param at where the first one does */
function framesOf(film: Film, at: number): { readonly clusters: readonly Buffer[]; readonly cues: Buffer } {
  const { frames } = film;
  const clusters: Buffer[] = [];
  const cues: Buffer[] = [];
  for (let first = 0, offset = at; first < frames.length;) {
    const start = timeOf(first, film);
    const blocks: Buffer[] = [];
    let next = first;
    while (next < frames.length && timeOf(next, film) - start < CLUSTER_MS) {
      blocks.push(block(timeOf(next, film) - start, keyFrameOf(frames[next])));
      next += 1;
    }
    const cluster = element(0x1f_43_b6_75, [uint(0xe7, start), ...blocks]);
    const place = element(0xb7, [uint(0xf7, 1), uint(0xf1, offset)]);
    cues.push(element(0xbb, [uint(0xb3, start), place]));
    clusters.push(cluster);
    offset += cluster.length;
    first = next;
  }
  return { clusters, cues: element(0x1c_53_bb_6b, cues) };
}

/**
 * What is in the file's `VP8 ` chunk.
 * @throws Error for a WebP that is lossless, moves or is clear in places: those are made otherwise
 */
function keyFrameOf(webp: Buffer | undefined): Buffer {
  if (webp?.toString('latin1', 0, 4) !== 'RIFF' || webp.toString('latin1', 8, 16) !== 'WEBPVP8 ') {
    throw new Error('A frame is no lossy WebP file without transparency');
  }
  return webp.subarray(20, 20 + webp.readUInt32LE(16));
}

function block(ms: number, frame: Buffer): Buffer {
  // Track 1, the time, and the mark of a key frame.
  const head = Buffer.from([0x81, 0, 0, 0x80]);
  head.writeInt16BE(ms, 1);
  return element(0xa3, [head, frame]);
}

/** An element's id has its own length in its first bits, as it is written here; its size is given eight bytes. */
function element(id: number, content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(body.length) | (1n << 56n));
  return Buffer.concat([bytesOf(id), size, body]);
}

function uint(id: number, value: number): Buffer {
  return element(id, [bytesOf(value)]);
}

function float(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return element(id, [bytes]);
}

function text(id: number, value: string): Buffer {
  return element(id, [Buffer.from(value, 'utf8')]);
}

/** Big-endian, no longer than it has to be. */
function bytesOf(value: number): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
}
