import { spawn } from 'node:child_process';
import { mkdtemp, open, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptJob, moveJob, type Job } from '../../src/jobs/job.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { StoreError } from '../../src/storage/database.ts';
import { createStore, type Store } from '../../src/storage/store.ts';
import { eventually } from '../eventually.ts';

const recipe = {
  name: 'echo',
  description: 'Echo',
  options: {
    prompt: { kind: 'text', description: 'Words', required: true, parameters: ['1-inputs-text'] },
    pose: {
      kind: 'picture',
      description: 'A pose',
      maxSide: 512,
      parameters: ['2-inputs-image'],
      default: new URL('file:///pose.png'),
    },
  },
  outputs: { main: ['Image'] },
} satisfies Recipe;

let folder: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-store-'));
  store = createStore(folder);
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true });
});

function job(id: string, user = 'ana'): Job {
  const pose = { name: 'pose.png', mediaType: 'image/png', path: join(folder, 'inputs', id, 'pose.png'), size: 3 };
  return acceptJob({ id, user, recipe, answers: { prompt: `“${id}” 🎭`, pose }, note: '{"a":1}' }, 1000);
}

function reopen(): void {
  store.close();
  store = createStore(folder);
}

describe('the store', () => {
  it('gives a job back as it was, with its recipe, after the process has ended', () => {
    const waiting = job('one');
    store.accept(waiting, 7);
    const file = { name: 'a.png', mediaType: 'image/png', path: join(folder, 'results', 'one', 'a.png'), size: 1 };
    const running = { ...moveJob(waiting, 'running', 2000), backend: 'ViewComfy', handle: 'h', signAt: 2100 };
    const made = { ...moveJob(running, 'delivering', 3000), files: [file], warnings: ['no pose'] };
    store.save(running);
    store.save(made);
    reopen();
    expect(store.get('one')).toEqual(made);
    expect(store.open()).toEqual([{ job: made, turn: 7 }]);
    const failure = {
      by: 'backend',
      fault: { type: 'failed', billed: 'maybe', detail: 'out of memory', parameters: ['1-inputs-text'] },
    } as const;
    const failed = moveJob({ ...running, id: 'two' }, 'failed', 4000, failure);
    store.save(failed);
    reopen();
    expect(store.get('two')).toEqual(failed);
  });

  it('is moved with what lies beside it', async () => {
    store.accept(job('one'), 1);
    store.close();
    const elsewhere = `${folder}-moved`;
    await rename(folder, elsewhere);
    folder = elsewhere;
    store = createStore(folder);
    expect(store.get('one')?.answers['pose']).toMatchObject({ path: join(elsewhere, 'inputs', 'one', 'pose.png') });
  });

  it('keeps the order of turns, which only the jobs that wait take part in', () => {
    for (const id of ['a1', 'a2', 'a3']) store.accept(job(id), 1);
    store.accept(job('b1', 'bo'), 2);
    const [a1] = store.open();
    if (!a1) throw new Error('no job');
    store.saveTurn(moveJob(a1.job, 'running', 2000), 3);
    reopen();
    expect(store.open().map(({ job: { id }, turn }) => [id, turn])).toEqual([
      ['a1', 1],
      ['b1', 2],
      ['a2', 3],
      ['a3', 3],
    ]);
  });

  it('marks a job together with the one that takes its place, or neither', () => {
    const old = { ...job('old'), told: true };
    store.accept(old, 1);
    store.accept(job('new'), 2, { ...old, again: 'new' });
    reopen();
    expect(store.get('old')?.again).toBe('new');
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const broken = Object.assign(job('broken'), { warnings: [circle] });
    expect(() => store.accept(job('newer'), 3, broken)).toThrow('circular');
    expect(store.get('newer')).toBeUndefined();
  });

  it('knows the recipe of a job although the one before it, of the same recipe, was not taken', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(() => store.save(Object.assign(job('broken'), { warnings: [circle] }))).toThrow('circular');
    store.accept(job('sound'), 1);
    expect(store.get('sound')?.recipe).toEqual(recipe);
  });

  it('tells what has ended from what is still to be told, and forgets', () => {
    store.accept(job('open'), 1);
    const ended = moveJob(job('ended'), 'cancelled', 5000);
    store.accept(ended, 2);
    store.save({ ...ended, told: true });
    store.saveBytes('ended', 42);
    expect(store.open().map((entry) => entry.job.id)).toEqual(['open']);
    expect(store.ended()).toEqual([{ id: 'ended', closedAt: 5000, bytes: 42 }]);
    expect(store.jobsOf('ana', 5).map(({ id }) => id)).toEqual(['ended', 'open']);
    expect(store.jobsOf('ana', 1).map(({ id }) => id)).toEqual(['ended']);
    store.forget('ended');
    expect(store.get('ended')).toBeUndefined();
    store.forgetAll();
    expect(store.open()).toEqual([]);
  });

  it('keeps the last run times of each recipe on each backend', () => {
    for (let run = 1; run <= 40; run += 1) store.saveRunTime('echo', 'ViewComfy', { runMs: run, coldMs: 0 });
    store.saveRunTime('echo', 'ComfyUI', { runMs: 7.4, coldMs: 3 });
    reopen();
    expect(store.runTimes('echo', 'ViewComfy').map(({ runMs }) => runMs)).toEqual(
      Array.from({ length: 30 }, (_, index) => 40 - index),
    );
    expect(store.runTimes('echo', 'ComfyUI')).toEqual([{ runMs: 7, coldMs: 3 }]);
  });

  it('keeps forms with their recipe and its files, the newest few of a person', async () => {
    const defaults = () =>
      new Map([
        [
          'file:///pose.png',
          { name: 'pose.png', mediaType: 'image/png', path: join(folder, 'defaults', 'p'), size: 3 },
        ],
      ]);
    for (const [index, id] of ['a1', 'b1', 'a2', 'a3'].entries()) {
      const user = id.startsWith('a') ? 'ana' : 'bo';
      store.saveForm({ id, user, recipe, shownAt: 1000 * index, given: `“${id}”`, defaults: defaults() }, 2);
    }
    reopen();
    expect(store.form('a1')).toBeUndefined();
    const form = { id: 'a2', user: 'ana', recipe, shownAt: 2000, given: '“a2”' };
    expect(store.form('a2')).toEqual({ ...form, defaults: defaults() });
    store.close();
    await rename(folder, `${folder}-moved`);
    folder = `${folder}-moved`;
    store = createStore(folder);
    expect(store.form('a2')).toEqual({ ...form, defaults: defaults() });
    store.removeForm('a3');
    store.removeForms(2000);
    expect(['a2', 'a3', 'b1'].filter((id) => store.form(id))).toEqual(['a2']);
    store.forgetAll();
    expect(store.form('a2')).toBeUndefined();
  });

  it('knows which files jobs and forms have', () => {
    const file = { name: 'pose.png', mediaType: 'image/png', path: join(folder, 'defaults', 'abc.png'), size: 3 };
    store.saveForm({ id: 'a', user: 'ana', recipe, shownAt: 1, given: '', defaults: new Map([['x', file]]) }, 2);
    store.accept({ ...job('one'), answers: { pose: { ...file, path: join(folder, 'defaults', 'def.png') } } }, 1);
    expect(['abc.png', 'def.png', 'ghi.png'].map((name) => store.hasFile(name))).toEqual([true, true, false]);
  });

  it('that an older Troupe has left is carried over', () => {
    store.accept(job('old'), 1);
    store.close();
    const db = new DatabaseSync(join(folder, 'troupe.db'));
    db.exec('DROP TABLE forms; PRAGMA user_version = 1');
    db.close();
    store = createStore(folder);
    store.saveForm({ id: 'form', user: 'ana', recipe, shownAt: 1, given: '', defaults: new Map() }, 2);
    expect(store.form('form')).toBeDefined();
    expect(store.get('old')).toBeDefined();
  });

  it('remembers commands that are no jobs yet', () => {
    store.saveArrival('1', 'one');
    store.saveArrival('2', 'two');
    store.removeArrival('1');
    reopen();
    expect(store.arrivals()).toEqual([{ id: '2', note: 'two' }]);
  });
});

describe('a store that cannot be used', () => {
  it('is another process that has it, and is free as soon as that one is killed', async () => {
    store.close();
    const script = `
      import { createStore } from ${JSON.stringify(new URL('../../src/storage/store.ts', import.meta.url).href)};
      createStore(${JSON.stringify(folder)}); console.log('open'); setInterval(() => {}, 1000);`;
    const other = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let said = '';
      other.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await eventually(() => expect(said).toContain('open'));
      expect(() => createStore(folder)).toThrow(/Another Troupe works with .*troupe\.db/);
    } finally {
      other.kill('SIGKILL');
    }
    await eventually(() => {
      store = createStore(folder);
    });
    expect(store.open()).toEqual([]);
  });

  it('is no database', async () => {
    store.close();
    await writeFile(join(folder, 'troupe.db'), 'this is not a database, however long it is looked at'.repeat(100));
    expect(() => createStore(folder)).toThrow(StoreError);
    expect(() => createStore(folder)).toThrow(/is damaged\. Put a backup/);
  });

  it('is damaged in its middle', async () => {
    for (let count = 0; count < 200; count += 1) store.accept(job(`job${count}`), count);
    store.close();
    const path = join(folder, 'troupe.db');
    const { size } = await stat(path);
    const file = await open(path, 'r+');
    for (let at = 4096 * 3; at + 4096 < size; at += 4096) await file.write(Buffer.alloc(1024, 0xa5), 0, 1024, at);
    await file.close();
    expect(() => createStore(folder)).toThrow(/is damaged/);
  });

  it('is cut off', async () => {
    for (let count = 0; count < 50; count += 1) store.accept(job(`job${count}`), count);
    store.close();
    await truncate(join(folder, 'troupe.db'), 4096 * 4 + 17);
    expect(() => createStore(folder)).toThrow(/is damaged/);
  });

  it('was made by a newer Troupe', () => {
    store.close();
    const db = new DatabaseSync(join(folder, 'troupe.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(() => createStore(folder)).toThrow(/made by a newer Troupe/);
  });

  it('lies where no folder is', () => {
    expect(() => createStore(join(folder, 'nowhere'))).toThrow(/cannot be opened for writing/);
  });
});
