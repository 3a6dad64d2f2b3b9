import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptJob, moveJob } from '../../src/jobs/job.ts';
import { createRetention, removeStrays, type RetentionLimits } from '../../src/storage/retention.ts';
import { createSpool, type Spool } from '../../src/storage/spool.ts';
import { createStore, type Store } from '../../src/storage/store.ts';
import { eventually } from '../eventually.ts';
import { createManualClock } from '../manual-clock.ts';

const HOUR = 3_600_000;
const recipe = { name: 'echo', description: 'Echo', options: {}, outputs: { main: [] } };

describe('what has ended', () => {
  let folder: string;
  let store: Store;
  let spool: Spool;
  const clock = createManualClock();
  const begun = clock.now();

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-retention-'));
    store = createStore(folder);
    spool = await createSpool(folder);
  });
  afterEach(async () => {
    store.close();
    await rm(folder, { recursive: true });
  });

  async function put(id: string, closedAt: number, told = true): Promise<void> {
    const job = acceptJob({ id, user: 'ana', recipe, answers: {}, note: '' }, closedAt - HOUR);
    store.accept(job, 1);
    await writeFile(join(await spool.folder(id, 'results'), 'a.png'), Buffer.alloc(100));
    store.save({ ...moveJob(job, 'cancelled', closedAt), told });
  }

  function keep(limits: Partial<RetentionLimits>) {
    const log = pino({ level: 'silent' });
    return createRetention({ store, spool, limits: { keepMs: 1000 * HOUR, maxBytes: 1e9, ...limits }, clock, log });
  }

  it('leaves after its time, with its files, and not before its owner was told', async () => {
    await put('old', begun - 25 * HOUR);
    await put('old but untold', begun - 25 * HOUR, false);
    await put('young', begun - 23 * HOUR);
    const retention = keep({ keepMs: 24 * HOUR });
    retention.start();
    await eventually(() => expect(store.get('old')).toBeUndefined());
    expect(await spool.jobs()).toEqual(new Set(['old but untold', 'young']));
    await eventually(() => expect(clock.pending()).toBe(1));
    clock.advance(2 * HOUR);
    await eventually(() => expect(store.get('young')).toBeUndefined());
    await retention.stop();
    expect(clock.pending()).toBe(0);
    expect(store.get('old but untold')).toBeDefined();
  });

  it('leaves when there is too much of it, the oldest first', async () => {
    for (const [index, id] of ['c', 'a', 'b'].entries()) await put(id, begun - (10 - index) * HOUR);
    await put('open', begun - 99 * HOUR, false);
    const retention = keep({ maxBytes: 200 });
    retention.start();
    await eventually(() => expect(store.get('c')).toBeUndefined());
    await retention.stop();
    expect(await spool.jobs()).toEqual(new Set(['a', 'b', 'open']));
  });

  it('is not waited for any longer, of forms that were not sent within a day', async () => {
    for (const [id, hours] of [
      ['old', 25],
      ['young', 23],
    ] as const) {
      store.saveForm(
        { id, user: 'ana', recipe, shownAt: clock.now() - hours * HOUR, given: '', defaults: new Map() },
        10,
      );
    }
    const retention = keep({});
    retention.start();
    await eventually(() => expect(clock.pending()).toBe(1));
    expect(['old', 'young'].filter((id) => store.form(id))).toEqual(['young']);
    await eventually(() => {
      clock.advance(HOUR);
      expect(store.form('young')).toBeUndefined();
    });
    await retention.stop();
  });

  it('leaves also where the database takes nothing, so that there is room for it again', async () => {
    await put('old', begun - 25 * HOUR);
    const full = Object.assign(new Error('database or disk is full'), { errcode: 13 });
    const refuse = () => {
      throw full;
    };
    const retention = createRetention({
      store: { ...store, removeForms: refuse, forget: refuse },
      spool,
      limits: { keepMs: 24 * HOUR, maxBytes: 1e9 },
      clock,
      log: pino({ level: 'silent' }),
    });
    retention.start();
    await eventually(async () => expect(await spool.jobs()).toEqual(new Set()));
    await retention.stop();
  });

  it('loses pictures that no job has', async () => {
    await put('a', begun);
    await writeFile(join(await spool.folder('stray', 'inputs'), 'a.png'), 'a');
    await removeStrays(store, spool);
    expect(await spool.jobs()).toEqual(new Set(['a']));
  });
});
