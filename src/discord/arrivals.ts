import type { Clock } from '../clock.ts';
import { diskFailure } from '../disk.ts';
import { createGate } from '../gate.ts';
import type { Job } from '../job.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store.ts';
import { DiscordError } from './discord-error.ts';
import type { OutgoingMessage, Port } from './port.ts';
import { readNote, type ReplyNote } from './reply-note.ts';

/**
 * Commands that were answered "thinking" and are no jobs yet. Each is on the disk before Discord hears of it, so that
 * the next process can say that nothing became of it.
 */
export interface Arrivals {
  /** @throws UserError when the disk does not take it */
  add(note: ReplyNote): void;
  /** It is a job now, or its end was told. */
  remove(note: ReplyNote): void;
  /** What a killed process has left; to be asked for before new ones come. @param jobs those it has left: their cards are theirs */
  left(jobs: readonly Job[]): readonly ReplyNote[];
  /** Tells them why nothing was started, for as long as their tokens live; then they are no arrivals any more. Never fails. */
  tell(notes: readonly ReplyNote[], message: OutgoingMessage): Promise<void>;
  /** Tries no more: what was not told is told by the next process. */
  stop(): void;
}

const AT_ONCE = 4;
/** While Discord is away; the last one is repeated. */
const PAUSES_MS = [2000, 5000, 15_000, 60_000];

interface ArrivalsDependencies {
  store: Pick<Store, 'saveArrival' | 'removeArrival' | 'arrivals'>;
  port: Port;
  clock: Clock;
  log: Logger;
}

export function createArrivals({ store, port, clock, log }: ArrivalsDependencies): Arrivals {
  let isStopped = false;

  function forget(id: string): void {
    try {
      store.removeArrival(id);
    } catch (error) {
      // It is told once more after the next start, unless it is a job by then.
      log.warn({ interaction: id, error }, 'An arrival was not removed');
    }
  }

  return {
    add(note) {
      try {
        store.saveArrival(note.origin, JSON.stringify(note));
      } catch (error) {
        throw diskFailure(error);
      }
    },
    remove: ({ origin }) => forget(origin),
    left(jobs) {
      const accepted = new Set(jobs.map(({ note, user }) => readNote(note, user).origin));
      return store.arrivals().flatMap(({ id, note }) => {
        if (!accepted.has(id)) return [{ ...readNote(note, ''), origin: id }];
        forget(id);
        return [];
      });
    },
    async tell(notes, message) {
      const inTurn = createGate(AT_ONCE);
      async function tellOne({ origin, call, tokenUntil }: ReplyNote): Promise<void> {
        for (let attempt = 0; clock.now() < tokenUntil; attempt += 1) {
          try {
            await port.editReply(call, message, 'twice');
            break;
          } catch (error) {
            log.warn({ interaction: origin, error }, 'An arrival could not be told');
            if (!(error instanceof DiscordError) || error.kind !== 'unavailable') break;
          }
          const ms = PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)] ?? 0;
          await new Promise<void>((resolve) => void clock.after(ms, resolve));
          if (isStopped) return;
        }
        forget(origin);
      }
      await Promise.all(notes.map((note) => inTurn(() => tellOne(note))));
    },
    stop() {
      isStopped = true;
    },
  };
}
