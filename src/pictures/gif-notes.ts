import { createStepLimit, NotWhole, type Bytes } from './bytes.ts';
import type { Notes } from './notes.ts';

/** Blocks of GIF89a (https://www.w3.org/Graphics/GIF/spec-gif89a.txt), with the label of a comment. */
const IMAGE = 0x2c;
const EXTENSION = 0x21;
const TRAILER = 0x3b;
const COMMENT = 0xfe;
/** The data of a frame is in pieces of at most 255 bytes. */
const MOST_PIECES = 2_000_000;

/** GIF: comments. Their text is blanked, and they stay. */
export async function gifNotes(bytes: Bytes): Promise<Notes> {
  const blanks: { from: number; to: number; by: 0x20 }[] = [];
  const step = createStepLimit(MOST_PIECES);
  let at = 13 + tableBytes((await bytes.read(10, 1))[0]);
  for (;;) {
    const [block] = await bytes.read(at, 1);
    switch (block) {
      case IMAGE:
        // A table of colours, and a byte, are before the data.
        at += 10 + tableBytes((await bytes.read(at + 9, 1))[0]) + 1;
        await passPieces(false);
        break;
      case EXTENSION: {
        const [label] = await bytes.read(at + 1, 1);
        at += 2;
        await passPieces(label === COMMENT);
        break;
      }
      case TRAILER:
        return { marks: [], blanks };
      default:
        throw new NotWhole('no block of a GIF');
    }
  }

  async function passPieces(areNotes: boolean): Promise<void> {
    for (;;) {
      step();
      const [length = 0] = await bytes.read(at, 1);
      const from = at + 1;
      at = from + length;
      if (length === 0) return;
      if (at > bytes.size) throw new NotWhole('ends too early');
      if (areNotes) blanks.push({ from, to: at, by: 0x20 });
    }
  }
}

/** Three bytes a colour, of which there are two to the power of the last three bits and one. */
function tableBytes(flags = 0): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}
