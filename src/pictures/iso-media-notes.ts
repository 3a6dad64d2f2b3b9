import { createStepLimit, NotWhole, type Bytes } from './bytes.ts';
import type { Notes } from './notes.ts';

/** A film in pieces has two boxes for each of them. */
const MOST_BOXES = 200_000;
/** The boxes on the way to notes, by the one they are in. */
const INSIDE: ReadonlyMap<string, string> = new Map([
  ['moov', ''],
  ['trak', 'moov'],
]);
/** Handlers of notes: the keys and values of QuickTime, and the tags of iTunes. A `meta` of others can be a picture. */
const TEXT_HANDLERS = new Set(['mdta', 'mdir']);
const FREE = Buffer.from('free', 'latin1');

/**
 * MP4, QuickTime and their like (ISO/IEC 14496-12): notes are in `udta` and `meta`, of the film and of each track. A box
 * becomes `free` by its name alone, and stays as long as it is, so that no offset to the frames changes. ComfyUI's
 * SaveVideo writes `moov/meta`, other nodes `moov/udta/meta`.
 */
export async function isoMediaNotes(bytes: Bytes): Promise<Notes> {
  const marks: { at: number; bytes: Buffer }[] = [];
  const blanks: { from: number; to: number; by: 0 }[] = [];
  const step = createStepLimit(MOST_BOXES);
  await walk('', 0, bytes.size);
  return { marks, blanks };

  async function walk(parent: string, start: number, end: number): Promise<void> {
    // Fewer bytes than a box has are the zeros that may end a list.
    for (let at = start; at + 8 <= end;) {
      step();
      const { type, from, to } = await boxAt(at, end);
      if (INSIDE.get(type) === parent) {
        await walk(type, from, to);
      } else if ((parent !== '' && type === 'udta') || (type === 'meta' && (await isText(from, to)))) {
        marks.push({ at: at + 4, bytes: FREE });
        blanks.push({ from, to, by: 0 });
      } else if (type === 'free' || type === 'skip') {
        blanks.push({ from, to, by: 0 });
      }
      at = to;
    }
  }

  async function boxAt(at: number, end: number): Promise<{ type: string; from: number; to: number }> {
    const head = await bytes.read(at, 8);
    const type = head.toString('latin1', 4);
    const short = head.readUInt32BE(0);
    // 1: the length is behind the name; 0: it is the last one.
    const from = at + (short === 1 ? 16 : 8);
    const length = short === 1 ? Number((await bytes.read(at + 8, 8)).readBigUInt64BE(0)) : short || end - at;
    const to = at + length;
    if (to < from || to > end) throw new NotWhole('a box is longer than what it is in');
    return { type, from, to };
  }

  /** Its first box is its handler; before it stand a version and flags, but not in QuickTime. */
  async function isText(from: number, to: number): Promise<boolean> {
    const head = await bytes.read(from, Math.min(32, to - from));
    return [0, 4].some(
      (at) =>
        head.toString('latin1', at + 4, at + 8) === 'hdlr' &&
        TEXT_HANDLERS.has(head.toString('latin1', at + 16, at + 20)),
    );
  }
}
