import type { Clock } from '../clock.ts';
import type { Gate } from '../gate.ts';
import { DiscordError } from './discord-error.ts';
import type { OutgoingMessage } from './port.ts';

/**
 * Keeps a message up to date without flooding Discord: at most one edit is in flight, the newest state wins, nothing is
 * sent that says the same as before, and the pauses grow with the age of the job and with its place in line.
 */
export interface ProgressEdits {
  /** Something may have changed: sends it, now or as soon as it may. */
  touch(): void;
  /** The message can be reached again, after Discord had refused. */
  reopen(): void;
  /** No edit is begun any more; ends when the one in flight has. */
  stop(): Promise<void>;
}

interface ProgressDependencies {
  /** what the message should say now */
  render: () => OutgoingMessage;
  edit: (message: OutgoingMessage) => Promise<unknown>;
  onError: (error: unknown) => void;
  clock: Clock;
  /** when the job began; now unless given */
  begunAt?: number;
  /** how many jobs have their turn before this one */
  ahead?: () => number | undefined;
  /** lets the first edit begin */
  first?: Gate;
}

/**
 * Observed limits on edits by an interaction's token are about 5 in 5 s; people read no faster than this anyway. Edits of
 * messages that are older than an hour have a limit of their own that nobody is told (30046).
 */
const PAUSES: readonly { readonly untilAgeMs: number; readonly pauseMs: number }[] = [
  { untilAgeMs: 60_000, pauseMs: 2500 },
  { untilAgeMs: 5 * 60_000, pauseMs: 5000 },
  { untilAgeMs: 15 * 60_000, pauseMs: 10_000 },
  { untilAgeMs: 55 * 60_000, pauseMs: 30_000 },
  { untilAgeMs: Infinity, pauseMs: 2 * 60_000 },
];

/** Far down a long line nothing happens soon: with 10 000 waiting, all of them together are some ten edits a second. */
const PAUSE_PER_JOB_AHEAD_MS = 1000;
const LONGEST_PAUSE_MS = 15 * 60_000;

export function createProgressEdits(dependencies: ProgressDependencies): ProgressEdits {
  const { render, edit, onError, clock, begunAt = clock.now(), ahead = () => undefined, first } = dependencies;
  let lastSent = '';
  let refused = '';
  let lastAt: number | undefined;
  let inFlight: Promise<void> | undefined;
  let timer: { readonly at: number; readonly cancel: () => void } | undefined;
  let isClosed = false;
  let hasFailed = false;
  let stopped = false;

  function pauseNow(): number {
    const ageMs = clock.now() - begunAt;
    const pauseMs = PAUSES.find(({ untilAgeMs }) => ageMs < untilAgeMs)?.pauseMs ?? 0;
    if (hasFailed) return pauseMs;
    return Math.max(pauseMs, Math.min((ahead() ?? 0) * PAUSE_PER_JOB_AHEAD_MS, LONGEST_PAUSE_MS));
  }

  function touch(): void {
    if (stopped || isClosed || inFlight) return;
    // Measured anew each time: whose turn has come is not to wait as long as when it was far.
    const at = lastAt === undefined ? clock.now() : lastAt + pauseNow();
    if (timer && timer.at <= at) return;
    timer?.cancel();
    timer = undefined;
    const wait = at - clock.now();
    if (wait <= 0) return begin();
    const cancel = clock.after(wait, () => {
      timer = undefined;
      begin();
    });
    timer = { at, cancel };
  }

  function reopen(): void {
    if (inFlight) return void inFlight.then(reopen);
    isClosed = false;
    lastSent = '';
    lastAt = undefined;
    touch();
  }

  function begin(): void {
    const turn = lastAt === undefined && first ? first : (work: () => Promise<void>) => work();
    let isSent = false;
    async function send(): Promise<void> {
      isSent = await sendIfNew();
    }
    inFlight = turn(send).then(() => {
      inFlight = undefined;
      // Whatever changed meanwhile.
      if (isSent) touch();
    });
  }

  async function sendIfNew(): Promise<boolean> {
    const message = stopped ? undefined : render();
    const said = message && wordsOf(message);
    if (message === undefined || said === undefined || said === lastSent || said === refused) return false;
    try {
      await edit(message);
      lastSent = said;
      hasFailed = false;
    } catch (error) {
      hasFailed = true;
      // What Discord refuses once it refuses again, and refusals count against the bot.
      const kind = error instanceof DiscordError ? error.kind : 'wrong';
      if (kind === 'wrong') refused = said;
      if (kind === 'gone') isClosed = true;
      onError(error);
    }
    lastAt = clock.now();
    return true;
  }

  return {
    touch,
    reopen,
    async stop() {
      stopped = true;
      timer?.cancel();
      await inFlight;
    },
  };
}

/** What tells one state of the message from another: files by their names, as each preview has its own. */
function wordsOf({ components, files }: OutgoingMessage): string {
  return JSON.stringify({ components, files: files?.map(({ name }) => name) });
}
