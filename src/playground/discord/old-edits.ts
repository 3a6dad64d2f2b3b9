import type { Clock } from '../../clock.ts';
import { tooManyOldEdits } from './discord-error.ts';

/** Discord's limit of its own for edits of messages that are more than an hour old. */
export interface OldEdits {
  /** Counts an edit; throws 30046 where there were too many. */
  count(message: { id: string; createdAt: number }): void;
}

const OLD_MS = 60 * 60_000;
// Assumed: Discord keeps the number to itself (issue 4413 of its documentation; people report a few in less than a
// minute). That it answers 429 is seen in the wild; that it says when to try again is what its 429s do elsewhere.
const MOST_EDITS = 3;
const WINDOW_MS = 60_000;

export function createOldEdits({ clock }: { clock: Clock }): OldEdits {
  const windows = new Map<string, { startedAt: number; edits: number }>();

  return {
    count({ id, createdAt }) {
      const now = clock.now();
      if (createdAt + OLD_MS >= now) return;
      for (const [old, { startedAt }] of windows) {
        if (startedAt + WINDOW_MS > now) break;
        windows.delete(old);
      }
      const window = windows.get(id) ?? { startedAt: now, edits: 0 };
      windows.set(id, window);
      if (window.edits >= MOST_EDITS) throw tooManyOldEdits(window.startedAt + WINDOW_MS - now);
      window.edits += 1;
    },
  };
}
