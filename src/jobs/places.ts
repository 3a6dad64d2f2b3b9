import type { Clock } from '../clock.ts';
import { createForecast, type Times } from './eta.ts';
import type { Job } from './job.ts';
import type { JobView } from './queue.ts';
import type { Turns } from './turns.ts';

/** What can be said about jobs that have not ended: their place in line, and when they are expected to begin or to end. */
export interface Places {
  viewOf(job: Job): JobView;
  /** Every job in line, in the order of turns: one pass for all of them. */
  all(): Iterable<JobView>;
}

interface PlacesDependencies {
  turns: Turns;
  times: Times;
  /** how many run at once */
  atOnce: number;
  clock: Clock;
  jobOf: (job: string) => Job | undefined;
  running: () => readonly Job[];
}

export function createPlaces({ turns, times, atOnce, clock, jobOf, running }: PlacesDependencies): Places {
  function* all(): Generator<JobView> {
    const freeAt = running().map((job) => times.endOf(job));
    while (freeAt.length < atOnce) freeAt.push(clock.now());
    const nextTurn = createForecast(freeAt);
    let ahead = 0;
    for (const id of turns.order()) {
      const job = jobOf(id);
      if (!job) continue;
      const usual = times.usualOf(job);
      const startsAt = nextTurn(usual?.runMs);
      yield { job, ahead, ...(startsAt !== undefined && { startsAt }), ...(usual && { usualMs: usual.runMs }) };
      ahead += 1;
    }
  }

  return {
    all,
    viewOf(job) {
      if (job.state === 'running') {
        const endsAt = times.endOf(job);
        const usual = times.usualOf(job);
        const coldMs = job.signAt === undefined ? usual?.coldMs : undefined;
        return {
          job,
          ...(endsAt !== undefined && { endsAt }),
          ...(coldMs !== undefined && { coldMs }),
          ...(usual && { usualMs: usual.runMs }),
        };
      }
      if (job.state === 'waiting') for (const view of all()) if (view.job.id === job.id) return view;
      return { job };
    },
  };
}
