import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { createGate, type Gate } from '../gate.ts';

sharp.concurrency(1);
// Every picture is seen once; a cache of decoded pixels would only hold memory.
sharp.cache(false);

/** of libuv, unless UV_THREADPOOL_SIZE says otherwise */
const POOL_THREADS = 4;

/**
 * sharp works on libuv's pool of four threads, which DNS look-ups and file calls need as well: four encodes in flight
 * hold a look-up back for a second, and a new connection to Discord with it. So no more of them than there are cores,
 * and one thread is always left. The pool belongs to the process, and therefore so does this gate.
 */
export const inTurn: Gate = createGate(Math.min(availableParallelism(), POOL_THREADS - 1));
