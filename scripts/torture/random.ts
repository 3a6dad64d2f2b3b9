/** Chance that can be had again: the same seed gives the same row of numbers (mulberry32). */
export interface Random {
  /** from 0 up to 1 */
  next(): number;
  whole(least: number, most: number): number;
  happens(probability: number): boolean;
  pick<T>(choices: readonly [T, ...T[]]): T;
  /** one of them, as likely as its weight says */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  function whole(least: number, most: number): number {
    return least + Math.floor(next() * (most - least + 1));
  }

  return {
    next,
    whole,
    happens: (probability) => next() < probability,
    pick: (choices) => choices[whole(0, choices.length - 1)] ?? choices[0],
    weighted(weights) {
      let chosen: Extract<keyof typeof weights, string> | undefined;
      let sum = 0;
      for (const name in weights) {
        sum += weights[name];
        if (chosen === undefined || next() < weights[name] / sum) chosen = name;
      }
      if (chosen === undefined) throw new Error('nothing to choose from');
      return chosen;
    },
  };
}
