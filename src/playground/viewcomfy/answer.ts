import { randomInt } from 'node:crypto';
import type { ServerResponse } from 'node:http';

import type { Clock } from '../../clock.ts';
import type { Behaviour } from './behaviour.ts';
import type { Run } from './run.ts';

export interface AnswerOptions {
  readonly clock: Clock;
  readonly redirectAfterMs: number;
  /** This request is for a run's result address: the run goes on without it. */
  readonly handedOver: boolean;
  /** Lets the run go on without a connection, and returns the address of its result. */
  handOver(): string;
}

/** As many single bytes are written of every chunk; a result of 30 MB in single bytes would take for ever. */
const SINGLE_BYTES = 200;

/** Gives a run's answer to one connection: the head as soon as there is one, then everything as it comes. */
export async function answerRun(run: Run, response: ServerResponse, options: AnswerOptions): Promise<void> {
  let handedOver = options.handedOver;
  const closed = Promise.withResolvers<void>();
  response.once('close', () => {
    closed.resolve();
    if (!response.writableFinished && !handedOver) run.cancel();
  });
  // The client may have gone while its form was checked.
  if (response.destroyed) {
    if (!handedOver) run.cancel();
    return;
  }

  const late = Promise.withResolvers<undefined>();
  const stopWaiting = options.clock.after(options.redirectAfterMs, () => late.resolve(undefined));
  const head = await Promise.race([run.head, late.promise]);
  stopWaiting();
  if (!head) {
    handedOver = true;
    response.writeHead(303, { location: options.handOver() }).end();
    return;
  }

  response.writeHead(head.status, head.headers);
  response.flushHeaders();
  for await (const chunk of run.tape.read()) {
    for (const piece of cut(chunk, run.behaviour.writes ?? 'plain')) {
      if (response.destroyed) return;
      const taken = Promise.withResolvers<void>();
      if (!response.write(piece, () => taken.resolve())) await Promise.race([taken.promise, closed.promise]);
      if (piece.length === 1) await new Promise(setImmediate);
    }
  }
  if (run.tape.ended === 'whole') response.end();
  // What was written before must still arrive, or the cut would come earlier than it should.
  else response.write('', () => response.destroy());
}

function* cut(chunk: string | Buffer, writes: NonNullable<Behaviour['writes']>): Generator<string | Buffer> {
  if (writes === 'plain') {
    yield chunk;
    return;
  }
  const bytes = Buffer.from(chunk);
  let offset = 0;
  while (offset < bytes.length) {
    const length = writes === 'bytes' && offset < SINGLE_BYTES ? 1 : randomInt(1, 20_000);
    yield bytes.subarray(offset, offset + length);
    offset += length;
  }
}
