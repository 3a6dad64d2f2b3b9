import type { Clock } from '../../clock.ts';
import { BackendError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Workflow } from '../../recipes/workflow.ts';
import type { BackendEvent } from '../backend.ts';
import type { Patience } from '../patience.ts';
import type { Ask } from './ask.ts';
import type { Hint } from './frames.ts';
import type { Inbox } from './inbox.ts';
import { createProgress } from './progress.ts';
import { endedIn, placeIn, type Ended, type Place } from './records.ts';
import type { Server } from './server.ts';
import type { Socket } from './socket.ts';

export interface FollowOptions {
  readonly promptId: string;
  /** for the names of its nodes */
  readonly workflow: Workflow | undefined;
  readonly server: Server;
  readonly patience: Patience;
  readonly socket: Pick<Socket, 'isOpen' | 'heard'>;
  readonly inbox: Pick<Inbox, 'drain' | 'wait'>;
  readonly ask: Ask;
  readonly clean: (text: string) => string | undefined;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** How often is asked where the socket says nothing, and where it does: then only in case it has missed something. */
const PAUSE_MS = 2000;
const PAUSE_WITH_SOCKET_MS = 10_000;
/** Success is told just before it is written down; the word that it is written may be lost, or never come (the fork). */
const UNWRITTEN_PAUSE_MS = 150;
/** Between two questions about the queue's order, however often it changes. */
const QUEUE_PAUSE_MS = 1000;
const LONGEST_PAUSE_AFTER_FAILURE_MS = 15_000;
/** A run moves from the queue to the history between two questions: once is no proof that it is in neither. */
const ABSENCES = 3;

/**
 * Waits for the end of a run and tells what it hears meanwhile. The history is the truth and the queue the rest of it;
 * the socket only says when to ask.
 * @throws BackendError `unknown` for a run that the server has lost; `retryable` where it had certainly not begun
 */
export async function* follow(options: FollowOptions): AsyncGenerator<BackendEvent, Ended> {
  const { promptId, workflow, server, patience, socket, inbox, ask, clean, clock, log } = options;
  const progress = createProgress(workflow);
  let hasBegun = false;
  let ahead: number | undefined;
  let absences = 0;
  let failures = 0;
  let askedAt = clock.now();
  let dueAt = clock.now() + QUEUE_PAUSE_MS;
  let unwrittenPauseMs = UNWRITTEN_PAUSE_MS;
  /** the run was seen after the connection was lost, so that it may have begun unheard */
  let wasSeenSince = false;

  for (;;) {
    patience.signal.throwIfAborted();
    for (const hint of inbox.drain()) yield* hear(hint);
    if (clock.now() >= dueAt) {
      askedAt = clock.now();
      const ended = yield* askOnce();
      if (ended) return ended;
    }
    await inbox.wait(dueAt - clock.now(), patience.signal);
  }

  function* hear(hint: Hint): Generator<BackendEvent> {
    patience.touch();
    if (hint.type !== 'queue-moved') hasBegun = true;
    if (hint.type === 'ended') soon(hint.isWritten ? 0 : UNWRITTEN_PAUSE_MS);
    else if (!hasBegun) soon(askedAt + QUEUE_PAUSE_MS - clock.now());
    for (const event of progress.take(hint)) {
      if (event.type === 'queue-changed') yield* standAt(event.ahead);
      else yield event;
    }
  }

  function soon(ms: number): void {
    dueAt = Math.min(dueAt, clock.now() + Math.max(0, ms));
    if (ms === UNWRITTEN_PAUSE_MS) unwrittenPauseMs = UNWRITTEN_PAUSE_MS;
  }

  function* standAt(place: number): Generator<BackendEvent> {
    if (place === ahead) return;
    ahead = place;
    yield { type: 'queue-changed', ahead };
  }

  async function* askOnce(): AsyncGenerator<BackendEvent, Ended | undefined> {
    let seen: Ended | Place | undefined;
    try {
      seen = await look();
    } catch (error) {
      patience.signal.throwIfAborted();
      tolerate(error);
      return undefined;
    }
    patience.touch();
    failures = 0;
    if (!seen) return missed();
    if (!('state' in seen)) return seen;
    absences = 0;
    if (socket.heard() !== 'now') wasSeenSince = true;
    if (seen.state === 'running') hasBegun = true;
    yield* standAt(seen.state === 'running' ? 0 : seen.ahead);
    dueAt = clock.now() + pauseMs();
    return undefined;
  }

  async function look(): Promise<Ended | Place | undefined> {
    const question = { server, signal: patience.signal };
    const history = await ask({ ...question, path: `history/${encodeURIComponent(promptId)}` });
    const ended = endedIn(history, promptId, workflow, clean);
    if (ended) return ended;
    // While it is heard that it runs, it is in the queue.
    if (hasBegun && socket.heard() === 'now') return { state: 'running' };
    return placeIn(await ask({ ...question, path: 'queue' }), promptId);
  }

  /** Longer each time after a word that the run has ended, until it is as without one. */
  function pauseMs(): number {
    const usual = socket.isOpen() ? PAUSE_WITH_SOCKET_MS : PAUSE_MS;
    if (unwrittenPauseMs >= PAUSE_MS) return usual;
    unwrittenPauseMs *= 2;
    return hasBegun ? Math.min(usual, unwrittenPauseMs) : usual;
  }

  function missed(): undefined {
    absences += 1;
    dueAt = clock.now() + QUEUE_PAUSE_MS;
    if (absences < ABSENCES) return undefined;
    if (hasNotBegun()) throw givenBack('ComfyUI was restarted before the run had begun');
    const detail = 'the server has lost the run: it was restarted, or somebody took the run out of its queue';
    throw new BackendError('ComfyUI does not know the run', { type: 'unknown', detail });
  }

  /** It would have been heard to begin, up to the moment in which the connection was lost; and then it was gone. */
  function hasNotBegun(): boolean {
    return !hasBegun && !wasSeenSince && socket.heard() === 'lost';
  }

  /** Trouble on the way passes, and the patience of the run ends by itself; a refusal is meant for it. */
  function tolerate(error: unknown): void {
    if (!(error instanceof BackendError)) throw error;
    // Nobody listens there any more: the process is gone, and its queue with it.
    if (hasNotBegun() && codeOf(error) === 'ECONNREFUSED') {
      throw givenBack('ComfyUI ended before the run had begun', error);
    }
    const passes = ['unreachable', 'cut', 'timeout', 'failed', 'unintelligible'].includes(error.type);
    if (!passes && error.status !== 429) throw error;
    failures += 1;
    dueAt = clock.now() + Math.min(QUEUE_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_AFTER_FAILURE_MS);
    log.debug({ error, failures }, 'ComfyUI could not be asked how a run stands');
  }
}

function givenBack(message: string, cause?: unknown): BackendError {
  return new BackendError(message, { type: 'unreachable', retryable: true, billed: 'no', cause });
}

function codeOf({ cause }: BackendError): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}
