/** How many of something each user has. */
export interface Tally {
  of(user: string): number;
  add(user: string, change: 1 | -1): void;
}

/** Users who have none are not remembered. */
export function createTally(): Tally {
  const counts = new Map<string, number>();
  return {
    of: (user) => counts.get(user) ?? 0,
    add(user, change) {
      const count = (counts.get(user) ?? 0) + change;
      if (count === 0) counts.delete(user);
      else counts.set(user, count);
    },
  };
}
