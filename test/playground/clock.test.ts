import { expect, test } from 'vitest';
import { createMovableClock } from '../../src/playground/clock.ts';

test('timers fire in their order and at their own moment when time jumps, those of timers too', () => {
  const clock = createMovableClock();
  const start = clock.now();
  const fired: [string, number][] = [];
  const note = (name: string) => fired.push([name, Math.round((clock.now() - start) / 100)]);
  clock.after(5000, () => note('late'));
  clock.after(1000, () => {
    note('early');
    clock.after(1000, () => note('nested'));
  });
  clock.after(60_000, () => note('never'));
  clock.after(500, () => note('cancelled'))();
  clock.advance(10_000);
  expect(fired).toEqual([
    ['early', 10],
    ['nested', 20],
    ['late', 50],
  ]);
  expect(clock.now() - start).toBeGreaterThanOrEqual(10_000);
});

test('time goes on by itself and never goes back', async () => {
  const clock = createMovableClock();
  const start = clock.now();
  await new Promise<void>((resolve) => {
    // The clock's timers keep no process alive; the test waits with one that does.
    const held = setInterval(() => {}, 1000);
    clock.after(30, () => {
      clearInterval(held);
      resolve();
    });
  });
  expect(clock.now() - start).toBeGreaterThanOrEqual(29);
  expect(() => clock.advance(-1)).toThrow(RangeError);
});
