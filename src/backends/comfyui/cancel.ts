import type { Clock } from '../../clock.ts';
import { BackendError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { createPatience } from '../patience.ts';
import type { Ask } from './ask.ts';
import { placeIn } from './records.ts';
import type { Server } from './server.ts';

/** Takes runs from their servers that nobody waits for any more, behind the back of whoever wanted them. */
export interface Cancel {
  /** @param isTaken whether the server has certainly got the run; otherwise it may still be on its way */
  stop(server: Server, promptId: string, isTaken: boolean): void;
  /** Resolves when nothing is being stopped any more. */
  close(): Promise<void>;
}

export interface CancelOptions {
  readonly ask: Ask;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
}

/** How long is tried to stop a run; the bot may be about to stop too. */
const WITHIN_MS = 15_000;
const PAUSE_MS = 1000;

export function createCancel({ ask, clock, log }: CancelOptions): Cancel {
  const stopping = new Set<Promise<void>>();
  return {
    stop(server, promptId, isTaken) {
      const stopped = stop(server, promptId, isTaken).catch((error: unknown) =>
        log.warn({ error, handle: promptId }, 'A run could not be stopped at ComfyUI'),
      );
      stopping.add(stopped);
      void stopped.finally(() => stopping.delete(stopped));
    },
    async close() {
      await Promise.all(stopping);
    },
  };

  async function stop(server: Server, promptId: string, isTaken: boolean): Promise<void> {
    const { signal } = new AbortController();
    const patience = createPatience({ clock, idleTimeoutMs: WITHIN_MS, totalTimeoutMs: WITHIN_MS, signal });
    let absences = isTaken ? 1 : 0;
    try {
      for (;;) {
        let trouble: unknown = new BackendError('ComfyUI keeps the run in its queue', { type: 'refused' });
        try {
          if (await tryOnce(server, promptId, patience.signal)) return;
          absences += 1;
          if (absences > 1) return;
        } catch (error) {
          trouble = error;
        }
        await patience.pause(PAUSE_MS).catch(() => Promise.reject(trouble));
      }
    } finally {
      patience.end(new BackendError('the run was stopped', { type: 'cancelled' }));
    }
  }

  /**
   * @returns whether it was stopped while it ran; false when the server does not have it, or not any more
   * @throws when it still waits there
   */
  async function tryOnce(server: Server, promptId: string, signal: AbortSignal): Promise<boolean> {
    const question = { server, signal, withinMs: WITHIN_MS };
    await ask({ ...question, path: 'queue', value: { delete: [promptId] } });
    const place = placeIn(await ask({ ...question, path: 'queue' }), promptId);
    if (place?.state === 'waiting') throw new BackendError('ComfyUI keeps the run in its queue', { type: 'refused' });
    if (!place) return false;
    // Servers before September 2025 stop whatever runs: so it is asked for only while ours does.
    await ask({ ...question, path: 'interrupt', value: { prompt_id: promptId } });
    return true;
  }
}
