import { availableParallelism } from 'node:os';
import sharp from 'sharp';

/*
 * sharp works on libuv's pool of four threads, which DNS look-ups and file calls need as well: four encodes in flight
 * hold a look-up back for a second, and a new connection to Discord with it. So no more of them than there are cores.
 * The pool belongs to the process, and therefore so does this count: the one piece of module state in the house.
 */
sharp.concurrency(1);
// Every picture is seen once; a cache of decoded pixels would only hold memory.
sharp.cache(false);

const MOST_AT_ONCE = availableParallelism();
const waiting: (() => void)[] = [];
let running = 0;

/** Does `work` when one of the places is free, first come first served. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running < MOST_AT_ONCE) running += 1;
  // The place is handed over by the one who leaves, so that nobody slips in between.
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
