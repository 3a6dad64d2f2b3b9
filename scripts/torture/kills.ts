import { setTimeout as pause } from 'node:timers/promises';
import type { Life } from './processes.ts';
import type { Random } from './random.ts';

/** What happens and is a good moment to die. */
type Occasion =
  | 'command'
  | 'modal'
  | 'submit'
  | 'accepted'
  | 'running'
  | 'over'
  | 'delivering'
  | 'pictures'
  | 'done'
  | 'ended';

export interface Occasions {
  happened(occasion: Occasion): void;
  /** the next time that it happens */
  next(occasion: Occasion): Promise<void>;
}

export function createOccasions(): Occasions {
  const waiting = new Map<Occasion, PromiseWithResolvers<void>>();
  return {
    happened(occasion) {
      waiting.get(occasion)?.resolve();
      waiting.delete(occasion);
    },
    next(occasion) {
      const wait = waiting.get(occasion) ?? Promise.withResolvers<void>();
      waiting.set(occasion, wait);
      return wait.promise;
    },
  };
}

/** How often a kill is of this kind, and how long after the occasion it comes at most, milliseconds. */
const OCCASION_KILLS = {
  command: { weight: 12, withinMs: 500 },
  // Discord has it, and what it needs must be on the disk: the bot is hit before it knows.
  modal: { weight: 12, withinMs: 0 },
  submit: { weight: 12, withinMs: 200 },
  accepted: { weight: 7, withinMs: 40 },
  running: { weight: 9, withinMs: 80 },
  over: { weight: 13, withinMs: 200 },
  delivering: { weight: 12, withinMs: 200 },
  // Discord has taken them and the bot may not know it yet.
  pictures: { weight: 10, withinMs: 3 },
  done: { weight: 4, withinMs: 8 },
  ended: { weight: 4, withinMs: 20 },
} satisfies Record<Occasion, { weight: number; withinMs: number }>;

const WEIGHTS: Record<Occasion | 'any time' | 'start' | 'overlap', number> = {
  'any time': 14,
  start: 7,
  overlap: 4,
  command: OCCASION_KILLS.command.weight,
  modal: OCCASION_KILLS.modal.weight,
  submit: OCCASION_KILLS.submit.weight,
  accepted: OCCASION_KILLS.accepted.weight,
  running: OCCASION_KILLS.running.weight,
  over: OCCASION_KILLS.over.weight,
  delivering: OCCASION_KILLS.delivering.weight,
  pictures: OCCASION_KILLS.pictures.weight,
  done: OCCASION_KILLS.done.weight,
  ended: OCCASION_KILLS.ended.weight,
};

const START_MS = 30_000;
/** A run that the backend never heard of is given up by a bot that has lived for a minute. */
const REST_MS = 65_000;
const OCCASION_MS = 4000;
/** Less than a start waits for the database of a process that is about to end. */
const OVERLAP_MS = 2500;

interface Torture {
  readonly kills: number;
  /** from one kill to the next one, where the bot starts that fast */
  readonly everyMs: number;
  readonly start: () => Life;
  readonly random: Random;
  readonly occasions: Occasions;
  readonly signal: AbortSignal;
  /** Whether nothing goes on any more because of all the kills. */
  readonly needsRest: () => boolean;
  readonly tell: (done: number, kind: string) => void;
}

/** Kills the bot so many times and starts it again each time at once. @returns the life that is left */
export async function killOften({
  kills,
  everyMs,
  start,
  random,
  occasions,
  signal,
  needsRest,
  tell,
}: Torture): Promise<Life> {
  let life = start();
  const begunAt = Date.now();
  for (let done = 1; done <= kills; done += 1) {
    signal.throwIfAborted();
    if (needsRest()) await pause(REST_MS, undefined, { signal });
    const kind = random.weighted(WEIGHTS);
    if (kind === 'start') {
      await pause(random.whole(20, 1500));
    } else {
      await Promise.race([life.ready, life.ended, pause(START_MS)]);
      await pause(Math.max(0, begunAt + (done - 1) * everyMs - Date.now()), undefined, { signal });
    }
    if (kind === 'any time') await pause(random.whole(0, 2500));
    else if (kind !== 'start' && kind !== 'overlap') {
      await Promise.race([occasions.next(kind), life.ended, pause(OCCASION_MS)]);
      const { withinMs } = OCCASION_KILLS[kind];
      if (withinMs > 0) await pause(random.whole(0, withinMs));
    }
    if (kind === 'overlap') life = await overlap(life);
    else {
      life.kill();
      life = start();
    }
    tell(done, kind);
  }
  return life;

  /** A second one is started while the first one still lives; either of them is killed. */
  async function overlap(first: Life): Promise<Life> {
    const second = start();
    await pause(random.whole(0, OVERLAP_MS));
    const secondDies = random.happens(0.3);
    (secondDies ? second : first).kill();
    const left = secondDies ? first : second;
    return left.isOver() ? start() : left;
  }
}
