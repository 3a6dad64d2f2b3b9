import type { Clock } from '../../clock.ts';
import { BackendError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Workflow } from '../../recipes/workflow.ts';
import type { BackendEvent } from '../backend.ts';
import type { Given } from '../comfyui/outputs.ts';
import type { Patience } from '../patience.ts';
import type { Conversation } from './conversation.ts';
import type { Link } from './link.ts';
import { createProgressReader } from './progress.ts';
import { readReply } from './reply.ts';
import { rest } from './rest.ts';

export interface FollowOptions {
  readonly id: string;
  readonly queue: string;
  readonly conversation: Conversation;
  readonly link: Link;
  readonly patience: Patience;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  readonly clean: (text: string) => string | undefined;
  /** for the names of its nodes; not known any more when a run is found again */
  readonly workflow?: Workflow;
  /** how many runs waited before it was sent; undefined for one that was sent long ago */
  readonly waiting?: number;
}

/** How often the queue is looked at: RabbitMQ tells nobody how long it is. */
const LOOK_MS = 5000;
/** How long a run may be silent that the broker has forgotten: a worker that has it sends progress all the time. */
const FORGOTTEN_MS = 2 * 60_000;
/** So that a channel which is closed again and again does not keep anybody busy. */
const RECONNECT_PAUSE_MS = 300;

/**
 * Goes on until the run that was sent has ended: what a worker tells, how the queue stands, and what becomes of the
 * connection. It never sends anything again.
 * @throws BackendError `billed` only where a worker may have begun
 */
export async function* follow(options: FollowOptions): AsyncGenerator<BackendEvent, Given> {
  const { id, queue, conversation, link, patience, clock, log, clean, workflow } = options;
  const progress = createProgressReader({ id, workflow, clock, log });
  let isTaken = options.waiting === undefined;
  /** after an interruption, what a worker told may have been missed */
  let isInterrupted = options.waiting === undefined;
  let ahead = options.waiting ?? Infinity;
  let told: number | undefined;
  let isAlone = false;
  let stopLooking = clock.after(isTaken ? 0 : LOOK_MS, () => conversation.tell({ type: 'look' }));
  let stopForgetting = () => {};

  try {
    for (;;) {
      const heard = await conversation.next();
      switch (heard.type) {
        case 'reply':
          return readReply(heard, { id, begun: mayHaveBegun(), failed: progress.failed, workflow, clean });
        case 'progress': {
          const events = await progress.read(heard.body);
          heard.done();
          if (events.length > 0) stopForgetting();
          patience.touch();
          yield* events;
          break;
        }
        case 'taken':
          isTaken = true;
          yield* look();
          break;
        case 'look':
          yield* look();
          break;
        case 'lost':
          yield* reconnect();
          break;
        case 'forgotten':
          throw new BackendError('the broker was restarted', {
            type: 'cut',
            detail: 'RabbitMQ was restarted and has forgotten the run. Whether a worker finished it is not known.',
          });
        case 'returned':
          throw noWorkers(queue);
        case 'rejected':
          throw heard.tooLarge ? tooLarge() : rejected();
        case 'dead':
          throw dead(heard.expired, mayHaveBegun());
      }
    }
  } finally {
    stopLooking();
    stopForgetting();
  }

  function mayHaveBegun(): boolean {
    return progress.begun > 0 || isInterrupted;
  }

  async function* look(): AsyncGenerator<BackendEvent> {
    stopLooking();
    const state = await link.inspect(queue).catch(() => undefined);
    patience.signal.throwIfAborted();
    stopLooking = clock.after(LOOK_MS, () => conversation.tell({ type: 'look' }));
    if (!state) return;
    if (isAlone !== (state.consumers === 0)) {
      isAlone = !isAlone;
      if (isAlone) yield { type: 'log-line', line: 'No worker is there at the moment: the run waits for one.' };
    }
    if (progress.begun > 0 || state.ready === 0) return;
    // It waits, on purpose. One or more of the waiting ones are ours or came after it: there are no more before it than
    // before. A worker takes one run at a time, and none is idle while one waits.
    patience.touch();
    ahead = Math.min(ahead, state.ready - 1);
    const runs = ahead + state.consumers;
    if (runs === told || runs === 0) return;
    told = runs;
    yield { type: 'queue-changed', ahead: runs };
  }

  async function* reconnect(): AsyncGenerator<BackendEvent> {
    isInterrupted = true;
    yield { type: 'log-line', line: 'The connection to RabbitMQ was lost: connecting again.' };
    const isKnown = await reopen();
    yield { type: 'log-line', line: 'RabbitMQ is there again.' };
    if (isKnown && isTaken) return;
    // Another broker than before: what waited is gone. A worker that had begun goes on, and may find our new queues,
    // which have the old names. Or the run was cut off while it was sent, and perhaps never came through.
    stopForgetting();
    stopForgetting = clock.after(FORGOTTEN_MS, () => conversation.tell({ type: 'forgotten' }));
  }

  /** Gives whether the broker still knows the run's queue; a new one is made otherwise. */
  async function reopen(): Promise<boolean> {
    for (;;) {
      await rest(clock, RECONNECT_PAUSE_MS, patience.signal);
      try {
        if (await conversation.open(true)) return true;
        await conversation.open(false);
        return false;
      } catch (error) {
        patience.signal.throwIfAborted();
        if (!(error instanceof BackendError)) throw error;
        // Lost again at once: a broker that is starting lets people in before it is ready.
        if (error.type === 'unreachable') continue;
        throw afterSending(error);
      }
    }
  }
}

/** It was sent, so it may cost something, whatever is said to those who come later. */
export function afterSending(error: unknown): unknown {
  if (!(error instanceof BackendError) || error.billed === 'maybe') return error;
  const { detail, message } = error;
  return new BackendError(message, { type: 'cut', cause: error, ...(detail !== undefined && { detail }) });
}

/** No worker has ever come, so there is nowhere to send to. */
export function noWorkers(queue: string): BackendError {
  return new BackendError('no worker has ever come', {
    type: 'unreachable',
    billed: 'no',
    retryable: true,
    detail: `No ComfyUI worker has come to RabbitMQ yet: start one for the queue "${queue}".`,
  });
}

function rejected(): BackendError {
  return new BackendError('RabbitMQ rejects the run', {
    type: 'refused',
    billed: 'no',
    retryable: true,
    detail: 'RabbitMQ takes no more runs at the moment.',
  });
}

function tooLarge(): BackendError {
  return new BackendError('the workflow is larger than RabbitMQ takes', {
    type: 'invalid',
    billed: 'no',
    detail: 'The workflow is larger than a message to RabbitMQ may be.',
  });
}

function dead(isExpired: boolean, mayHaveBegun: boolean): BackendError {
  const about = mayHaveBegun ? ({ billed: 'maybe' } as const) : ({ billed: 'no', retryable: true } as const);
  if (isExpired) {
    const detail = mayHaveBegun
      ? 'The worker was lost, and no other one took the run in time.'
      : 'No worker took the run in time.';
    return new BackendError('no worker took the run in time', { ...about, type: 'timeout', detail });
  }
  // JsonRPC does so with what it cannot answer.
  const detail = 'The worker gave the run back without an answer.';
  return new BackendError('the run was given back', { type: 'failed', detail });
}
