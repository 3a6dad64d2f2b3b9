import type { Job } from './job.ts';
import type { Admission, Refusal } from './queue.ts';
import { createTally } from './tally.ts';

/** Places held by users whose answers are being checked: they count as the jobs that they may become. */
export interface Admissions {
  /** @param jobs how many the user has that wait or run */
  admit(user: string, jobs: number): Admission | Refusal;
}

/** @param most places and jobs of one user @param enter puts a job in line */
export function createAdmissions(
  most: number,
  enter: (...job: Parameters<Admission['enter']>) => Promise<Job>,
): Admissions {
  const held = createTally();
  return {
    admit(user, jobs) {
      if (held.of(user) + jobs >= most) return { refused: 'full', checking: held.of(user) };
      held.add(user, 1);
      let isOpen = true;
      function leave(): void {
        if (!isOpen) return;
        isOpen = false;
        held.add(user, -1);
      }
      return {
        leave,
        async enter(...job) {
          try {
            return await enter(...job);
          } finally {
            leave();
          }
        },
      };
    },
  };
}
