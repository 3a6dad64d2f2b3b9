import type { Clock } from '../../clock.ts';

// 2015-01-01, the first millisecond of Discord's ids
const EPOCH = 1_420_070_400_000n;

/** Makes ids as Discord does: the time in the upper bits, so that they sort by age and a client can read their age. */
export function createSnowflakes(clock: Clock): () => string {
  let last = 0n;
  return () => {
    const id = (BigInt(clock.now()) - EPOCH) << 22n;
    last = id > last ? id : last + 1n;
    return String(last);
  };
}
