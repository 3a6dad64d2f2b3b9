import { BLOCK_BYTES, createStepLimit, NotWhole, type Bytes } from './bytes.ts';
import { bareExif } from './exif.ts';
import type { Notes } from './notes.ts';

/** Each frame of an animation is one. */
const MOST_CHUNKS = 200_000;

/**
 * WebP, also one that moves: https://developers.google.com/speed/webp/docs/riff_container. ComfyUI's SaveAnimatedWEBP
 * writes the workflow into `EXIF`. The chunks stay, as the file's header says that they are there.
 */
export async function webpNotes(bytes: Bytes): Promise<Notes> {
  const marks: { at: number; bytes: Buffer }[] = [];
  const blanks: { from: number; to: number; by: 0 | 0x20 }[] = [];
  const step = createStepLimit(MOST_CHUNKS);
  const end = 8 + (await bytes.read(4, 4)).readUInt32LE(0);
  if (end > bytes.size) throw new NotWhole('ends before its chunks');
  for (let at = 12; at + 8 <= end;) {
    step();
    const head = await bytes.read(at, 8);
    const type = head.toString('latin1', 0, 4);
    const from = at + 8;
    const to = from + head.readUInt32LE(4);
    if (to > end) throw new NotWhole('a chunk is longer than the file');
    if (type === 'XMP ') blanks.push({ from, to, by: 0x20 });
    if (type === 'EXIF') {
      const bare = bareExif(await bytes.read(from, Math.min(to - from, BLOCK_BYTES)));
      if (bare) {
        marks.push({ at: from, bytes: bare });
        blanks.push({ from: from + bare.length, to, by: 0 });
      }
    }
    // Of an even length.
    at = to + (to % 2);
  }
  return { marks, blanks };
}
