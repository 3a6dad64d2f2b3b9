import { describe, expect, it } from 'vitest';
import { createForecast } from '../src/eta.ts';

describe('the forecast', () => {
  it('gives each job the place that is free first', () => {
    const next = createForecast([100, 40]);
    expect([next(50), next(10), next(10), next(5)]).toEqual([40, 90, 100, 100]);
  });

  it('knows nothing of what comes after a job of unknown length, unless another place is known', () => {
    const next = createForecast([100, undefined]);
    expect([next(10), next(undefined), next(10)]).toEqual([100, 110, undefined]);
  });
});
