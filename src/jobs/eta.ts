import type { Backend } from '../backends/backend.ts';
import type { Clock } from '../clock.ts';
import { canRun, type Recipe } from '../recipes/recipe.ts';
import type { RunTime, Store } from '../storage/store.ts';
import type { Job } from './job.ts';

/** How long a recipe takes on a backend, from its own measured runs. Times are milliseconds. */
interface UsualTimes {
  /** the median of its runs, without what a cold start took; until there are enough, what its recipe expects */
  readonly runMs: number;
  /** the median of the cold starts there were; undefined where there was none */
  readonly coldMs: number | undefined;
}

/** With fewer runs than these nothing is said of them: two may both have been odd. */
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

/** How long runs take: of several backends each has its own times. */
export interface Times {
  /** On the backend that runs the job, or will unless it is ill; undefined when nobody knows. */
  usualOf(job: Job): UsualTimes | undefined;
  /** When a running job is expected to end; undefined when nobody knows. */
  endOf(job: Job): number | undefined;
  /** Takes the time of a run that has ended well. */
  keep(job: Job, endedAt: number): void;
}

interface TimesDependencies {
  store: Pick<Store, 'runTimes' | 'saveRunTime'>;
  backend: Pick<Backend, 'name' | 'members'>;
  clock: Clock;
}

export function createTimes({ store, backend, clock }: TimesDependencies): Times {
  /** by the recipe's name, and then by the backend's */
  const measured = new Map<string, Map<string, UsualTimes | undefined>>();

  function nameOf({ recipe, backend: told }: Job): string {
    // Several together have a name too, until one of them has taken the run.
    if (told !== undefined && told !== backend.name) return told;
    return backend.members?.find(({ kind }) => kind === undefined || canRun(recipe, kind))?.name ?? backend.name;
  }

  function measuredOf(recipe: string, name: string): UsualTimes | undefined {
    const known = measured.get(recipe) ?? new Map<string, UsualTimes | undefined>();
    measured.set(recipe, known);
    if (!known.has(name)) known.set(name, usualTimes(store.runTimes(recipe, name)));
    return known.get(name);
  }

  function usualOf(job: Job): UsualTimes | undefined {
    return measuredOf(job.recipe.name, nameOf(job)) ?? expectedTimes(job.recipe);
  }

  return {
    usualOf,
    endOf(job) {
      const { startedAt = 0, signAt } = job;
      const times = usualOf(job);
      if (!times) return undefined;
      const now = clock.now();
      // While nothing is heard it may be a cold start, and then the work is still to begin.
      const begunAt =
        signAt ??
        (now - startedAt > WARM_WITHIN_MS && times.coldMs !== undefined ? startedAt + times.coldMs : startedAt);
      return Math.max(now, begunAt + times.runMs);
    },
    keep(job, endedAt) {
      const { recipe, startedAt, signAt } = job;
      if (startedAt === undefined) return;
      const name = nameOf(job);
      store.saveRunTime(recipe.name, name, runTimeOf(startedAt, signAt, endedAt));
      measured.get(recipe.name)?.delete(name);
    },
  };
}

function expectedTimes({ estimate }: Recipe): UsualTimes | undefined {
  return estimate?.seconds === undefined ? undefined : { runMs: estimate.seconds * 1000, coldMs: undefined };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] =
    sorted.length % 2 ? [sorted[middle], sorted[middle]] : [sorted[middle - 1], sorted[middle]];
  return (low + high) / 2;
}
