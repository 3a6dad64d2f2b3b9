/**
 * Letters as strokes on a grid of 4 by 6, y down, baseline at 6. Machines without fonts draw no SVG text at all, and
 * what these letters say has to be on every picture.
 */
const STROKES: Readonly<Record<string, string>> = {
  A: 'M0 6V2L2 0L4 2V6M0 4H4',
  B: 'M0 0V6H3L4 5V4L3 3L4 2V1L3 0ZM0 3H3',
  C: 'M4 1L3 0H1L0 1V5L1 6H3L4 5',
  D: 'M0 0V6H2L4 4V2L2 0Z',
  E: 'M4 0H0V6H4M0 3H3',
  F: 'M4 0H0V6M0 3H3',
  G: 'M4 1L3 0H1L0 1V5L1 6H3L4 5V3H2',
  H: 'M0 0V6M4 0V6M0 3H4',
  I: 'M1 0H3M2 0V6M1 6H3',
  J: 'M4 0V5L3 6H1L0 5',
  K: 'M0 0V6M4 0L0 3L4 6',
  L: 'M0 0V6H4',
  M: 'M0 6V0L2 2L4 0V6',
  N: 'M0 6V0L4 6V0',
  O: 'M1 0H3L4 1V5L3 6H1L0 5V1Z',
  P: 'M0 6V0H3L4 1V2L3 3H0',
  Q: 'M1 0H3L4 1V5L3 6H1L0 5V1ZM2.5 4.5L4 6',
  R: 'M0 6V0H3L4 1V2L3 3H0M2 3L4 6',
  S: 'M4 1L3 0H1L0 1V2L1 3H3L4 4V5L3 6H1L0 5',
  T: 'M0 0H4M2 0V6',
  U: 'M0 0V5L1 6H3L4 5V0',
  V: 'M0 0L2 6L4 0',
  W: 'M0 0L1 6L2 3L3 6L4 0',
  X: 'M0 0L4 6M4 0L0 6',
  Y: 'M0 0L2 3V6M4 0L2 3',
  Z: 'M0 0H4L0 6H4',
  0: 'M1 0H3L4 1V5L3 6H1L0 5V1Z',
  1: 'M1 1L2 0V6M1 6H3',
  2: 'M0 1L1 0H3L4 1V2L0 6H4',
  3: 'M0 0H4L2 2.5H3L4 3.5V5L3 6H1L0 5',
  4: 'M3 6V0L0 4H4',
  5: 'M4 0H0V2.5H3L4 3.5V5L3 6H0',
  6: 'M3 0H2L0 2V5L1 6H3L4 5V4L3 3H0',
  7: 'M0 0H4L1.5 6',
  8: 'M1 0H3L4 1V2L3 3H1L0 4V5L1 6H3L4 5V4L3 3M1 3L0 2V1L1 0',
  9: 'M1 6H2L4 4V1L3 0H1L0 1V2L1 3H4',
  '.': 'M1.8 5.8H2.2',
  ',': 'M2 5.5L1.5 7',
  ':': 'M1.8 1.8H2.2M1.8 5.2H2.2',
  '-': 'M1 3H3',
  "'": 'M2 0V1.5',
  '!': 'M2 0V4M2 5.8V6',
  '?': 'M0 1L1 0H3L4 1V2L2 3.5V4M2 5.8V6',
  '(': 'M3 0L2 1V5L3 6',
  ')': 'M1 0L2 1V5L1 6',
  '/': 'M4 0L0 6',
  '+': 'M2 1.5V4.5M0.5 3H3.5',
  '…': 'M0.3 5.8H0.7M1.8 5.8H2.2M3.3 5.8H3.7',
};

/** From one letter to the next, and from the top of a line to its baseline, in the grid's units. */
const ADVANCE = 5.6;
const HEIGHT = 6;

export const NOTICE = 'Local preview: drawn from your picture, no model was run';
export const SHORT_NOTICE = 'Local preview, no model was run';

/** SVG of one line of text with its upper left corner at `x`, `y`. Characters without strokes become gaps. */
export function textPath(text: string, x: number, y: number, height: number, colour: string): string {
  const scale = height / HEIGHT;
  const letters = text
    .toUpperCase()
    .split('')
    .map((letter, index) => {
      const strokes = Object.hasOwn(STROKES, letter) ? STROKES[letter] : undefined;
      return strokes ? `<path transform="translate(${index * ADVANCE})" d="${strokes}"/>` : '';
    })
    .join('');
  return (
    `<g transform="translate(${x} ${y}) scale(${scale})" fill="none" stroke="${colour}" stroke-width="0.9" ` +
    `stroke-linecap="round" stroke-linejoin="round">${letters}</g>`
  );
}

export function textWidth(text: string, height: number): number {
  return (text.length * ADVANCE - (ADVANCE - 4)) * (height / HEIGHT);
}

/** Only what there are strokes for, on one line; undefined where that leaves no words. */
function legible(words: string): string | undefined {
  const text = words
    .normalize('NFKD')
    .replaceAll(/[^\w .,:'!?()/+-]/gu, '')
    .replaceAll(/[\s_]+/g, ' ')
    .trim();
  return /[a-z0-9]{2}/i.test(text) ? text : undefined;
}

/**
 * A strip along the lower edge that says that no model made the picture, and as much of the words as there is room for.
 * The strip is measured for the picture, so that it can be read at any size.
 */
export function captionSvg(width: number, height: number, words = ''): Buffer {
  const letter = Math.max(5, Math.min(width / 62, Math.max(13, width / 98)));
  const strip = letter * 2.4;
  const top = height - strip + letter * 0.7;
  const margin = letter;
  // A gallery cuts wide pictures to about 4:3; what is written stays in what is left.
  const line = Math.min(width, (height * 4) / 3);
  const left = (width - line) / 2;
  const notice = textWidth(NOTICE, letter) + 2 * margin < line ? NOTICE : SHORT_NOTICE;
  // Where not even the short one fits at a size that can be read, it is made to fit all the same.
  const size = Math.min(letter, (letter * (line - margin)) / textWidth(notice, letter));
  const room = line - textWidth(notice, size) - 4 * margin;
  const shown = shorten(legible(words) ?? '', Math.floor(room / textWidth('MM', size / 1.55)));
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
      `<rect y="${height - strip}" width="${width}" height="${strip}" fill="#0b0d12" fill-opacity="0.72"/>` +
      textPath(notice, left + margin / 2, top, size, '#ffffff') +
      textPath(shown, left + line - margin - textWidth(shown, size), top, size, '#b9c4d6') +
      '</svg>',
  );
}

function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  return length < 6 ? '' : `${text.slice(0, length - 1).trimEnd()}…`;
}
