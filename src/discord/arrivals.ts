import type { Clock } from '../clock.ts';
import { createGate } from '../gate.ts';
import type { Job } from '../jobs/job.ts';
import type { Logger } from '../log.ts';
import { diskFailure } from '../storage/disk.ts';
import type { Store } from '../storage/store.ts';
import { DiscordError } from './discord-error.ts';
import type { OutgoingMessage, Port } from './port.ts';
import { readNote, type ReplyNote } from './reply-note.ts';
import { text } from './text.ts';
import { giveBack } from './words-back.ts';

/**
 * What was answered "thinking" and has no other answer yet: commands that are no jobs yet, and presses. Each is on the
 * disk before Discord hears of it, so that the next process can say that nothing became of it.
 */
export interface Arrivals {
  /**
   * Answers "thinking", and gives the message's id where Discord told it.
   * @throws UserError when the disk does not take it, DiscordError when nobody could be answered
   */
  begin(note: ReplyNote): Promise<string | undefined>;
  /** It is a job now, or has its answer. */
  remove(note: ReplyNote): void;
  /** What a killed process has left; to be asked for before new ones come. @param jobs those it has left: their cards are theirs */
  left(jobs: readonly Job[]): readonly ReplyNote[];
  /**
   * Tells them why nothing was started, and gives back what they typed, for as long as their tokens live; then they are
   * no arrivals any more. Never fails.
   */
  tell(notes: readonly ReplyNote[], sentence: string): Promise<void>;
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
  const pauses = new Set<() => void>();

  function forget(id: string): void {
    try {
      store.removeArrival(id);
    } catch (error) {
      // It is told once more after the next start, unless it is a job by then.
      log.warn({ interaction: id, error }, 'An arrival was not removed');
    }
  }

  /** Ends after the time, or when the bot stops. */
  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(ms, end);
      function end(): void {
        cancel();
        pauses.delete(end);
        resolve();
      }
      pauses.add(end);
    });
  }

  async function tell(notes: readonly ReplyNote[], sentence: string): Promise<void> {
    const inTurn = createGate(AT_ONCE);
    async function tellOne(note: ReplyNote): Promise<void> {
      const { origin, call, typed, visibility, tokenUntil } = note;
      const say = (message: OutgoingMessage) => port.editReply(call, message, 'twice');
      for (let attempt = 0; clock.now() < tokenUntil; attempt += 1) {
        try {
          await giveBack(port, { call, sentence, typed, visibility, say });
          break;
        } catch (error) {
          log.warn({ interaction: origin, error }, 'An arrival could not be told');
          if (!(error instanceof DiscordError) || error.kind !== 'unavailable') break;
        }
        const ms = PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)] ?? 0;
        await pause(ms);
        if (isStopped) return;
      }
      forget(origin);
    }
    await Promise.all(notes.map((note) => inTurn(() => tellOne(note))));
  }

  return {
    async begin(note) {
      try {
        store.saveArrival(note.origin, JSON.stringify(note));
      } catch (error) {
        throw diskFailure(error);
      }
      return await port.defer(note.call, note.visibility).catch((error: unknown) => {
        // It may be there all the same, and would say "thinking" for good.
        const isUnsure = error instanceof DiscordError && error.kind === 'unavailable';
        if (isUnsure) void tell([note], text.notAnswered);
        else forget(note.origin);
        throw error;
      });
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
    tell,
    stop() {
      isStopped = true;
      for (const end of pauses) end();
    },
  };
}
