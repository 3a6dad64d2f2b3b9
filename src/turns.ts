/**
 * Whose turn it is. Turns go round the users: each has one line of their own, and the one who has waited longest since
 * their last turn is next, however many jobs somebody else has put in line.
 */
export interface Turns {
  readonly size: number;
  /** Puts a job at the end of its user's line. */
  add(user: string, job: string): void;
  /** Takes a job out of the line; false when it is not in it. */
  remove(job: string): boolean;
  /** Takes the next job whose user may have a turn now. */
  take(mayRun: (user: string) => boolean): string | undefined;
  /** How many jobs come before this one if everybody may have their turns; undefined when it is not in line. */
  ahead(job: string): number | undefined;
  waitingOf(user: string): number;
  jobs(): Iterable<string>;
}

export function createTurns(): Turns {
  /** A Map keeps the order of insertion: the first user is the next one. */
  const lines = new Map<string, string[]>();
  const users = new Map<string, string>();

  function leave(job: string): boolean {
    const user = users.get(job);
    const line = user === undefined ? undefined : lines.get(user);
    if (user === undefined || line === undefined) return false;
    line.splice(line.indexOf(job), 1);
    users.delete(job);
    if (line.length === 0) lines.delete(user);
    return true;
  }

  return {
    get size() {
      return users.size;
    },
    add(user, job) {
      const line = lines.get(user);
      if (line) line.push(job);
      else lines.set(user, [job]);
      users.set(job, user);
    },
    remove: leave,
    take(mayRun) {
      for (const [user, line] of lines) {
        const job = line[0];
        if (job === undefined || !mayRun(user)) continue;
        leave(job);
        if (lines.delete(user)) lines.set(user, line);
        return job;
      }
      return undefined;
    },
    ahead(job) {
      const owner = users.get(job);
      if (owner === undefined) return undefined;
      const rounds = lines.get(owner)?.indexOf(job) ?? 0;
      let ahead = 0;
      let passedOwner = false;
      for (const [user, line] of lines) {
        if (user === owner) {
          passedOwner = true;
          ahead += rounds;
        } else ahead += Math.min(line.length, passedOwner ? rounds : rounds + 1);
      }
      return ahead;
    },
    waitingOf(user) {
      return lines.get(user)?.length ?? 0;
    },
    jobs() {
      return users.keys();
    },
  };
}
