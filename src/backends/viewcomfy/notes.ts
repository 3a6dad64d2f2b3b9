import type { Logger } from '../../log.ts';

/** Tells the log what ViewComfy has learned since this was written: each thing once, and not for ever. */
export interface Notes {
  unknown(kind: 'event' | 'field', name: string): void;
}

/** A service that makes up names must not fill the log. */
const MOST_NOTES = 50;
const LONGEST_NAME = 60;

export function createNotes(log: Pick<Logger, 'warn'>): Notes {
  const noted = new Set<string>();
  return {
    unknown(kind, name) {
      const short = name.slice(0, LONGEST_NAME);
      const note = `${kind} ${short}`;
      if (noted.has(note) || noted.size >= MOST_NOTES) return;
      noted.add(note);
      log.warn({ kind, name: short }, 'ViewComfy sent something unknown, which is ignored');
    },
  };
}
