import type { Clock } from '../clock.ts';
import { DiscordError, type OutgoingMessage } from './port.ts';

/**
 * Keeps a message up to date without flooding Discord: at most one edit is in flight, the newest state wins, nothing is
 * sent that says the same as before, and the pauses grow with the age of the job.
 */
export interface ProgressEdits {
  /** Something may have changed: sends it, now or as soon as it may. */
  touch(): void;
  /** No edit is begun any more; ends when the one in flight has. */
  stop(): Promise<void>;
}

interface ProgressDependencies {
  /** what the message should say now */
  render: () => OutgoingMessage;
  edit: (message: OutgoingMessage) => Promise<unknown>;
  onError: (error: unknown) => void;
  clock: Clock;
}

/** Observed limits on edits by an interaction's token are about 5 in 5 s; people read no faster than this anyway. */
const PAUSES: readonly { readonly untilAgeMs: number; readonly pauseMs: number }[] = [
  { untilAgeMs: 60_000, pauseMs: 2500 },
  { untilAgeMs: 5 * 60_000, pauseMs: 5000 },
  { untilAgeMs: Infinity, pauseMs: 10_000 },
];

export function createProgressEdits({ render, edit, onError, clock }: ProgressDependencies): ProgressEdits {
  const begun = clock.now();
  let lastSent = '';
  let earliest = begun;
  let inFlight: Promise<void> | undefined;
  let cancelTimer: (() => void) | undefined;
  let stopped = false;

  function touch(): void {
    if (stopped || inFlight || cancelTimer) return;
    const wait = earliest - clock.now();
    if (wait <= 0) return send();
    cancelTimer = clock.after(wait, () => {
      cancelTimer = undefined;
      send();
    });
  }

  function send(): void {
    const message = render();
    const said = JSON.stringify(message);
    if (said === lastSent) return;
    inFlight = edit(message)
      .then(() => {
        lastSent = said;
      })
      .catch((error: unknown) => {
        // What Discord refuses once it refuses again, and refusals count against the bot.
        if (!(error instanceof DiscordError && error.kind === 'unavailable')) stopped = true;
        onError(error);
      })
      .then(() => {
        inFlight = undefined;
        earliest = clock.now() + pauseAt(clock.now() - begun);
        // Whatever changed meanwhile.
        touch();
      });
  }

  return {
    touch,
    async stop() {
      stopped = true;
      cancelTimer?.();
      await inFlight;
    },
  };
}

function pauseAt(ageMs: number): number {
  return PAUSES.find(({ untilAgeMs }) => ageMs < untilAgeMs)?.pauseMs ?? 0;
}
