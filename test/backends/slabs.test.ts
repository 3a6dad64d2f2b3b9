import { expect, test } from 'vitest';
import { createSlabs } from '../../src/backends/slabs.ts';

test('whoever waits for room gets it, also when those before them write nothing more', async () => {
  const slabs = createSlabs();
  const writes = Array.from({ length: 6 }, () => Promise.withResolvers<void>());
  for (const { promise } of writes) slabs.track(promise);
  let awake = 0;
  const waiters = Array.from({ length: 12 }, async () => {
    await slabs.room();
    awake += 1;
  });
  const [first, second, ...others] = writes;
  first?.resolve();
  second?.resolve();
  await expect.poll(() => awake).toBe(1);
  for (const { resolve } of others) resolve();
  await Promise.all(waiters);
  expect(slabs.room()).toBeUndefined();
});
