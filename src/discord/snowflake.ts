/** Discord's ids, which say when they were made: milliseconds since 2015 in the bits above 22 (reference.mdx, Snowflakes). */
const EPOCH = 1_420_070_400_000n;
const SHIFT = 22n;

/** When the id was made, milliseconds since the epoch. */
export function madeAt(id: string): number {
  return Number((BigInt(id) >> SHIFT) + EPOCH);
}

/** The least id of a moment: what was made since then has a greater one. */
export function snowflakeOf(ms: number): string {
  return String((BigInt(Math.floor(ms)) - EPOCH) << SHIFT);
}
