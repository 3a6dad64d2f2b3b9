import { diskFailure } from '../disk.ts';
import { createGate } from '../gate.ts';
import type { Job } from '../job.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store.ts';
import { notice } from './card.ts';
import type { Port } from './port.ts';
import { readNote, type ReplyNote } from './reply-note.ts';
import { text } from './text.ts';

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
  /** Tells them that nothing was started. */
  tell(notes: readonly ReplyNote[]): Promise<void>;
}

const AT_ONCE = 4;

interface ArrivalsDependencies {
  store: Pick<Store, 'saveArrival' | 'removeArrival' | 'arrivals'>;
  port: Port;
  log: Logger;
}

export function createArrivals({ store, port, log }: ArrivalsDependencies): Arrivals {
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
    async tell(notes) {
      const inTurn = createGate(AT_ONCE);
      async function tellOne({ origin, call }: ReplyNote): Promise<void> {
        await port
          .editReply(call, notice(text.arrivedTooSoon))
          .catch((error: unknown) => log.warn({ interaction: origin, error }, 'An arrival could not be told'));
        forget(origin);
      }
      await Promise.all(notes.map((note) => inTurn(() => tellOne(note))));
    },
  };
}
