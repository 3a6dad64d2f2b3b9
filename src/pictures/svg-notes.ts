import { NotWhole, type Bytes } from './bytes.ts';
import type { Notes } from './notes.ts';

/** ComfyUI's SaveSVGNode writes it as text that is not read as XML. */
const BEGIN = /<metadata>\s*<!\[CDATA\[/g;
const END = ']]>';
/** It is read whole, and no drawing that a browser shows is larger. */
const LARGEST = 32 * 1024 * 1024;

/** SVG: the text of its metadata. */
export async function svgNotes(bytes: Bytes): Promise<Notes> {
  if (bytes.size > LARGEST) throw new NotWhole('too large for a drawing');
  const drawing = (await bytes.read(0, bytes.size)).toString('latin1');
  const blanks: { from: number; to: number; by: 0x20 }[] = [];
  for (const { 0: begin, index } of drawing.matchAll(BEGIN)) {
    const from = index + begin.length;
    // What looks like another beginning inside of one is text.
    if (from < (blanks.at(-1)?.to ?? 0)) continue;
    const to = drawing.indexOf(END, from);
    if (to < 0) throw new NotWhole('metadata without an end');
    blanks.push({ from, to, by: 0x20 });
  }
  return { marks: [], blanks };
}
