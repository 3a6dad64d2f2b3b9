import { describe, expect, it } from 'vitest';
import { createTurns, type Turns } from '../../src/jobs/turns.ts';

const anybody = () => true;

function fill(...jobs: [user: string, job: string][]) {
  const turns = createTurns();
  for (const [user, job] of jobs) turns.add(user, job);
  return turns;
}

/** Who comes next, taken out of the line. */
function take(turns: Turns, mayRun: (user: string) => boolean = anybody): string | undefined {
  const next = turns.next(mayRun);
  if (next) turns.take(next.job);
  return next?.job;
}

describe('turns', () => {
  it('go round the users, however many jobs one of them has put in line', () => {
    const turns = fill(['ana', 'a1'], ['ana', 'a2'], ['ana', 'a3'], ['bo', 'b1'], ['cy', 'c1'], ['bo', 'b2']);
    const order = Array.from({ length: 7 }, () => take(turns));
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', undefined]);
  });

  it('pass over a user who may not run now, who keeps the place at the front', () => {
    const turns = fill(['ana', 'a1'], ['bo', 'b1'], ['bo', 'b2']);
    expect(take(turns, (user) => user !== 'ana')).toBe('b1');
    expect(take(turns)).toBe('a1');
    expect(take(turns)).toBe('b2');
  });

  it('tell the order exactly as the jobs are then taken', () => {
    const turns = fill(
      ['ana', 'a1'],
      ['ana', 'a2'],
      ['bo', 'b1'],
      ['ana', 'a3'],
      ['cy', 'c1'],
      ['cy', 'c2'],
      ['bo', 'b2'],
    );
    take(turns);
    const told = [...turns.order()];
    expect(told).toEqual(Array.from({ length: turns.size }, () => take(turns)));
  });

  it('are the same again from the places that were kept', () => {
    const turns = createTurns();
    const kept = new Map<string, { user: string; place: number }>();
    for (const [user, job] of [
      ['ana', 'a1'],
      ['bo', 'b1'],
      ['ana', 'a2'],
      ['cy', 'c1'],
      ['bo', 'b2'],
    ] as const) {
      kept.set(job, { user, place: turns.add(user, job) });
    }
    // What the store does: the job leaves, and its user's other jobs go to the new place.
    const next = turns.next(anybody);
    if (next) turns.take(next.job);
    for (const [job, entry] of kept) if (entry.user === 'ana') kept.set(job, { ...entry, place: next?.place ?? 0 });
    kept.delete('a1');
    turns.remove('b1');
    kept.delete('b1');
    const again = createTurns();
    const inOrder = [...kept].toSorted(([, one], [, other]) => one.place - other.place);
    for (const [job, { user, place }] of inOrder) again.add(user, job, place);
    expect([...again.order()]).toEqual([...turns.order()]);
    expect(again.add('di', 'd1')).toBe(turns.add('di', 'd1'));
  });

  it('let a job leave the line, and forget a line that is empty', () => {
    const turns = fill(['ana', 'a1'], ['bo', 'b1'], ['ana', 'a2']);
    expect(turns.remove('b1')).toBe(true);
    expect(turns.remove('b1')).toBe(false);
    expect(turns.waitingOf('bo')).toBe(0);
    expect([...turns.order()]).toEqual(['a1', 'a2']);
    expect(turns.size).toBe(2);
  });
});
