import { describe, expect, it } from 'vitest';
import { createTurns } from '../src/turns.ts';

const anybody = () => true;

function fill(...jobs: [user: string, job: string][]) {
  const turns = createTurns();
  for (const [user, job] of jobs) turns.add(user, job);
  return turns;
}

describe('turns', () => {
  it('go round the users, however many jobs one of them has put in line', () => {
    const turns = fill(['ana', 'a1'], ['ana', 'a2'], ['ana', 'a3'], ['bo', 'b1'], ['cy', 'c1'], ['bo', 'b2']);
    const order = Array.from({ length: 7 }, () => turns.take(anybody));
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', undefined]);
  });

  it('pass over a user who may not run now, who keeps the place at the front', () => {
    const turns = fill(['ana', 'a1'], ['bo', 'b1'], ['bo', 'b2']);
    expect(turns.take((user) => user !== 'ana')).toBe('b1');
    expect(turns.take(anybody)).toBe('a1');
    expect(turns.take(anybody)).toBe('b2');
  });

  it('tell how many jobs come before one, exactly as they are then taken', () => {
    const turns = fill(
      ['ana', 'a1'],
      ['ana', 'a2'],
      ['bo', 'b1'],
      ['ana', 'a3'],
      ['cy', 'c1'],
      ['cy', 'c2'],
      ['bo', 'b2'],
    );
    const told = [...turns.jobs()].map((job) => ({ job, ahead: turns.ahead(job) }));
    const order = Array.from({ length: turns.size }, () => turns.take(anybody));
    for (const { job, ahead } of told) expect({ job, ahead }).toEqual({ job, ahead: order.indexOf(job) });
  });

  it('let a job leave the line, and forget a line that is empty', () => {
    const turns = fill(['ana', 'a1'], ['bo', 'b1'], ['ana', 'a2']);
    expect(turns.remove('b1')).toBe(true);
    expect(turns.remove('b1')).toBe(false);
    expect(turns.ahead('b1')).toBeUndefined();
    expect(turns.waitingOf('bo')).toBe(0);
    expect(turns.ahead('a2')).toBe(1);
    expect(turns.size).toBe(2);
  });
});
