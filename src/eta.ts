import type { Clock } from './clock.ts';
import type { Job } from './job.ts';
import type { Recipe } from './recipe.ts';
import type { RunTime, Store } from './store.ts';

/** How long a recipe takes on a backend, from its own measured runs. Times are milliseconds. */
interface UsualTimes {
  /** the median of its runs, without what a cold start took */
  readonly runMs: number;
  /** the median of the cold starts there were; undefined where there was none */
  readonly coldMs: number | undefined;
}

/** With fewer runs than these nothing is said: two may both have been odd. */
const FEWEST = 3;

/** undefined when too few runs were measured */
function usualTimes(times: readonly RunTime[]): UsualTimes | undefined {
  if (times.length < FEWEST) return undefined;
  return {
    runMs: median(times.map(({ runMs }) => runMs)),
    coldMs: times.some(({ coldMs }) => coldMs > 0)
      ? median(times.map(({ coldMs }) => coldMs).filter((ms) => ms > 0))
      : undefined,
  };
}

/** A sign of work that comes later than this was held up by a cold start, and not by the network. */
const WARM_WITHIN_MS = 8000;

/** What a run tells about the next ones. @param signAt when the backend showed the first sign of work; absent where it shows none */
function runTimeOf(startedAt: number, signAt: number | undefined, endedAt: number): RunTime {
  const coldMs = signAt !== undefined && signAt - startedAt > WARM_WITHIN_MS ? signAt - startedAt : 0;
  return { runMs: endedAt - startedAt - coldMs, coldMs };
}

/**
 * When each job's turn comes, were all to take as long as usual. A job of unknown length makes unknown what comes after it.
 * @param freeAt when each place at the backend becomes free; undefined where nobody knows
 */
export function createForecast(freeAt: readonly (number | undefined)[]) {
  const places = freeAt.map((at) => at ?? Infinity);
  /** @returns when the next job begins; undefined when nobody knows */
  return function next(runMs: number | undefined): number | undefined {
    const first = places.indexOf(Math.min(...places));
    const at = places[first];
    if (at === undefined || at === Infinity) return undefined;
    places[first] = runMs === undefined ? Infinity : at + runMs;
    return at;
  };
}

/** The measured times of one backend. */
export interface Times {
  usualOf(recipe: Recipe): UsualTimes | undefined;
  /** When a running job is expected to end; undefined when too few runs were measured. */
  endOf(job: Job): number | undefined;
  /** Takes the time of a run that has ended well. */
  keep(job: Job, endedAt: number): void;
}

export function createTimes({ store, backend, clock }: { store: Store; backend: string; clock: Clock }): Times {
  const usual = new Map<string, UsualTimes | undefined>();

  function usualOf({ name }: Recipe): UsualTimes | undefined {
    if (!usual.has(name)) usual.set(name, usualTimes(store.runTimes(name, backend)));
    return usual.get(name);
  }

  return {
    usualOf,
    endOf({ startedAt = 0, signAt, recipe }) {
      const times = usualOf(recipe);
      if (!times) return undefined;
      const now = clock.now();
      // While nothing is heard it may be a cold start, and then the work is still to begin.
      const begunAt =
        signAt ??
        (now - startedAt > WARM_WITHIN_MS && times.coldMs !== undefined ? startedAt + times.coldMs : startedAt);
      return Math.max(now, begunAt + times.runMs);
    },
    keep({ recipe, startedAt, signAt }, endedAt) {
      if (startedAt === undefined) return;
      store.saveRunTime(recipe.name, backend, runTimeOf(startedAt, signAt, endedAt));
      usual.delete(recipe.name);
    },
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] =
    sorted.length % 2 ? [sorted[middle], sorted[middle]] : [sorted[middle - 1], sorted[middle]];
  return (low + high) / 2;
}
