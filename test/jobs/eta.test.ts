import { describe, expect, it } from 'vitest';
import { createForecast, createTimes } from '../../src/jobs/eta.ts';
import { acceptJob, type Job } from '../../src/jobs/job.ts';
import { createPlaces } from '../../src/jobs/places.ts';
import { createTurns } from '../../src/jobs/turns.ts';
import type { BackendKind, Recipe } from '../../src/recipes/recipe.ts';
import type { RunTime } from '../../src/storage/store.ts';
import { createManualClock } from '../manual-clock.ts';

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

const SECOND = 1000;

function createRuns() {
  const kept = new Map<string, RunTime[]>();
  return {
    kept,
    store: {
      runTimes: (recipe: string, backend: string) => kept.get(`${recipe} on ${backend}`) ?? [],
      saveRunTime(recipe: string, backend: string, time: RunTime) {
        kept.set(`${recipe} on ${backend}`, [time, ...this.runTimes(recipe, backend)]);
      },
    },
  };
}

function recipe(seconds?: number, backends?: readonly BackendKind[]): Recipe {
  return {
    name: 'animate',
    description: 'Animate',
    options: {},
    outputs: { main: [] },
    ...(seconds !== undefined && { estimate: { seconds } }),
    ...(backends && { backends }),
  };
}

function jobOf(recipe: Recipe, details: Partial<Job> = {}): Job {
  return { ...acceptJob({ id: 'job', recipe, user: '1', answers: {}, note: '' }, 0), ...details };
}

describe('how long a run takes', () => {
  const one = { name: 'ViewComfy' };
  const members = [
    { name: 'ViewComfy', kind: 'viewcomfy' },
    { name: 'ComfyUI', kind: 'comfyui' },
  ] as const;
  const several = { name: 'ViewComfy or ComfyUI', members };

  it('is what its recipe expects, until enough runs were measured', () => {
    const { store } = createRuns();
    const times = createTimes({ store, backend: one, clock: createManualClock(0) });
    const [told, untold] = [jobOf(recipe(240), { startedAt: 0 }), jobOf(recipe(), { startedAt: 0 })];
    for (let run = 0; run < 3; run += 1) {
      expect([times.usualOf(told)?.runMs, times.endOf(told)]).toEqual([240 * SECOND, 240 * SECOND]);
      expect([times.usualOf(untold), times.endOf(untold)]).toEqual([undefined, undefined]);
      times.keep(told, 30 * SECOND);
    }
    expect([times.usualOf(told)?.runMs, times.endOf(told)]).toEqual([30 * SECOND, 30 * SECOND]);
    expect(times.endOf(untold)).toBe(30 * SECOND);
  });

  it('is kept and read by the backend that runs it', () => {
    const { store, kept } = createRuns();
    const times = createTimes({ store, backend: several, clock: createManualClock(0) });
    const [slow, quick] = ['ViewComfy', 'ComfyUI'].map((backend) => jobOf(recipe(), { startedAt: 0, backend }));
    if (!slow || !quick) throw new Error('no jobs');
    for (let run = 0; run < 3; run += 1) {
      times.keep(slow, 100 * SECOND);
      times.keep(quick, 20 * SECOND);
    }
    expect([...kept.keys()]).toEqual(['animate on ViewComfy', 'animate on ComfyUI']);
    expect([times.endOf(slow), times.endOf(quick)]).toEqual([100 * SECOND, 20 * SECOND]);
  });

  it('is that of the first that can run it, while none of several has taken it', () => {
    const { store } = createRuns();
    const times = createTimes({ store, backend: several, clock: createManualClock(0) });
    for (const [name, seconds] of [
      ['ViewComfy', 100],
      ['ComfyUI', 20],
    ] as const) {
      for (let run = 0; run < 3; run += 1) store.saveRunTime('animate', name, { runMs: seconds * SECOND, coldMs: 0 });
    }
    expect(times.usualOf(jobOf(recipe()))?.runMs).toBe(100 * SECOND);
    expect(times.usualOf(jobOf(recipe(), { startedAt: 0, backend: several.name }))?.runMs).toBe(100 * SECOND);
    expect(times.usualOf(jobOf(recipe(undefined, ['comfyui'])))?.runMs).toBe(20 * SECOND);
    expect(times.usualOf(jobOf(recipe(undefined, ['segmind'])))).toBeUndefined();
  });

  it('is told of a job from the first one on, with when its turn comes and when it ends', () => {
    const clock = createManualClock(0);
    const times = createTimes({ store: createRuns().store, backend: one, clock });
    const turns = createTurns();
    const running = jobOf(recipe(60), { id: 'running', state: 'running', startedAt: 0 });
    const jobs = [jobOf(recipe(60), { id: 'a' }), jobOf(recipe(), { id: 'b' }), jobOf(recipe(60), { id: 'c' })];
    for (const { id } of jobs) turns.add('1', id);
    const places = createPlaces({
      turns,
      times,
      atOnce: 1,
      clock,
      jobOf: (id) => jobs.find((job) => job.id === id),
      running: () => [running],
    });
    expect(places.viewOf(running)).toMatchObject({ endsAt: 60 * SECOND, usualMs: 60 * SECOND });
    const told = [...places.all()].map(({ startsAt, usualMs }) => [startsAt, usualMs]);
    expect(told).toEqual([
      [60 * SECOND, 60 * SECOND],
      [120 * SECOND, undefined],
      [undefined, 60 * SECOND],
    ]);
  });
});
