import { NotWhole, type Bytes } from './bytes.ts';
import { bareExif } from './exif.ts';
import type { Notes } from './notes.ts';

/** Markers of ITU-T T.81, table B.1. */
const START_OF_SCAN = 0xda;
const APP1 = 0xe1;
const COMMENT = 0xfe;
/** More than this before the first pixel is no picture that anybody made. */
const LONGEST_HEAD = 64 * 1024 * 1024;
const EXIF = 'Exif\0\0';
/** XMP, and what of it did not fit in one segment: each begins with an address and a zero. */
const XMP = /^http:\/\/ns\.adobe\.com\/(?:xap\/1\.0|xmp\/extension)\/\0/;

/** JPEG: the segments before the pixels. They stay, and say nothing. */
export async function jpegNotes(bytes: Bytes): Promise<Notes> {
  const marks: { at: number; bytes: Buffer }[] = [];
  const blanks: { from: number; to: number; by: 0 | 0x20 }[] = [];
  for (let at = 2; at < LONGEST_HEAD;) {
    const [sign, marker = 0] = await bytes.read(at, 2);
    if (sign !== 0xff) throw new NotWhole('no marker');
    if (marker === 0xff) {
      // Any number of these may fill the space before a marker.
      at += 1;
      continue;
    }
    if (marker === START_OF_SCAN) return { marks, blanks };
    // Those without a length are never before the pixels.
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd9)) throw new NotWhole('a marker where none can be');
    const length = (await bytes.read(at + 2, 2)).readUInt16BE(0);
    if (length < 2) throw new NotWhole('a segment shorter than its length');
    const from = at + 4;
    const to = at + 2 + length;
    const content = await bytes.read(from, to - from);
    if (marker === COMMENT) blanks.push({ from, to, by: 0x20 });
    if (marker === APP1) {
      const xmp = XMP.exec(content.toString('latin1', 0, 64))?.[0];
      const bare = content.toString('latin1', 0, EXIF.length) === EXIF ? bareExif(content) : undefined;
      if (xmp !== undefined) blanks.push({ from: from + xmp.length, to, by: 0x20 });
      if (bare) {
        marks.push({ at: from, bytes: bare });
        blanks.push({ from: from + bare.length, to, by: 0 });
      }
    }
    at = to;
  }
  throw new NotWhole('no pixels');
}
