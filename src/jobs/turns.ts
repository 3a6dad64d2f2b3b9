/**
 * Whose turn it is. Turns go round the users: each has one line of their own, and the one who has waited longest since
 * their last turn is next, however many jobs somebody else has put in line.
 */
export interface Turns {
  readonly size: number;
  /**
   * Puts a job at the end of its user's line, and answers the line's place in the round.
   * @param place of the line, where it is known from before: then lines must be given in the order of their places
   */
  add(user: string, job: string, place?: number): number;
  /** Takes a job out of the line; false when it is not in it. */
  remove(job: string): boolean;
  /** The next job whose user may have a turn now; `place` is where the rest of that user's line goes when it is taken. */
  next(mayRun: (user: string) => boolean): { readonly job: string; readonly place: number } | undefined;
  /** Gives a job its turn: it leaves the line, and what else its user has in line goes to the end of the round. */
  take(job: string): void;
  waitingOf(user: string): number;
  /** every job, in the order of turns if everybody may have theirs */
  order(): Iterable<string>;
}

interface Line {
  /** grows along the round */
  place: number;
  readonly jobs: string[];
}

export function createTurns(): Turns {
  /** A Map keeps the order of insertion: the first user is the next one. */
  const lines = new Map<string, Line>();
  const users = new Map<string, string>();
  let lastPlace = 0;

  function leave(job: string): boolean {
    const user = users.get(job);
    const line = user === undefined ? undefined : lines.get(user);
    if (user === undefined || line === undefined) return false;
    line.jobs.splice(line.jobs.indexOf(job), 1);
    users.delete(job);
    if (line.jobs.length === 0) lines.delete(user);
    return true;
  }

  return {
    get size() {
      return users.size;
    },
    add(user, job, place = lastPlace + 1) {
      users.set(job, user);
      const line = lines.get(user);
      if (line) {
        line.jobs.push(job);
        return line.place;
      }
      lines.set(user, { place, jobs: [job] });
      lastPlace = Math.max(lastPlace, place);
      return place;
    },
    remove: leave,
    next(mayRun) {
      for (const [user, line] of lines) {
        const [job] = line.jobs;
        if (job !== undefined && mayRun(user)) return { job, place: lastPlace + 1 };
      }
      return undefined;
    },
    take(job) {
      const user = users.get(job);
      const line = user === undefined ? undefined : lines.get(user);
      if (user === undefined || !line) return;
      leave(job);
      lastPlace += 1;
      line.place = lastPlace;
      if (lines.delete(user)) lines.set(user, line);
    },
    waitingOf(user) {
      return lines.get(user)?.jobs.length ?? 0;
    },
    *order() {
      let round = [...lines.values()];
      for (let turn = 0; round.length > 0; turn += 1) {
        round = round.filter(({ jobs }) => jobs.length > turn);
        for (const { jobs } of round) {
          const job = jobs[turn];
          if (job !== undefined) yield job;
        }
      }
    },
  };
}
