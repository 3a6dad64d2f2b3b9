/** A stream of numbers in [0, 1) that only depends on its seeds, so that the same request gives the same bytes. */
export interface Random {
  (): number;
  between(from: number, to: number): number;
  whole(from: number, to: number): number;
  pick<T>(list: readonly [T, ...T[]]): T;
}

export function createRandom(...seeds: readonly (string | number)[]): Random {
  let state = hash(seeds.join('\0'));
  // Weyl sequence with a multiplying finisher: small, and good enough to look at.
  function next(): number {
    state = (state + 0x9e3779b9) >>> 0;
    let value = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    value = Math.imul(value ^ (value >>> 15), 0x735a2d97);
    return ((value ^ (value >>> 15)) >>> 0) / 2 ** 32;
  }
  return Object.assign(next, {
    between: (from: number, to: number) => from + next() * (to - from),
    whole: (from: number, to: number) => Math.floor(from + next() * (to - from + 1)),
    pick: <T>(list: readonly [T, ...T[]]): T => list[Math.floor(next() * list.length)] ?? list[0],
  });
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** `count` strings of SVG, joined. */
export function repeat(count: number, draw: (index: number) => string): string {
  return Array.from({ length: Math.max(0, Math.round(count)) }, (_, index) => draw(index)).join('');
}

/** Short numbers: the drawings are long and the parser's time is per character. */
export function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}
