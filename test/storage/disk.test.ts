import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { createStoreQueue } from '../../src/jobs/store-queue.ts';
import { createSpool, type Spool } from '../../src/storage/spool.ts';
import { createStore, type Store } from '../../src/storage/store.ts';
import { eventually } from '../eventually.ts';
import { createManualClock } from '../manual-clock.ts';

/** A disk of its own is a file system in memory, which only Linux's root can make. */
const canMount = tryToMount();
if (!canMount) {
  process.stderr.write('Tests with a full disk are left out: they mount one, which wants root on Linux.\n');
}

const recipe = { name: 'echo', description: 'Echo', options: {}, outputs: { main: [] } };

describe.skipIf(!canMount)('a disk that is full,', () => {
  let folder: string;
  let store: Store;
  let spool: Spool;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-disk-'));
    mount(folder);
    store = createStore(folder);
    // There never is room for a whole result here.
    spool = { ...(await createSpool(folder)), hasRoom: () => true };
  });
  afterEach(async () => {
    store.close();
    execFileSync('umount', [folder]);
    await rm(folder, { recursive: true });
  });

  const ballast = () => join(folder, 'ballast');
  /** Leaves nothing, not even for SQLite's next page. */
  async function fillUp(): Promise<void> {
    const { bavail, bsize } = await statfs(folder);
    await writeFile(ballast(), Buffer.alloc(bavail * bsize));
  }

  function begin(backend: Backend) {
    const clock = createManualClock();
    const limits = { runningPerUser: 1, waitingPerUser: 3, runningAtOnce: 1, runMs: 3_600_000 };
    const queue = createStoreQueue({ backend, store, spool, limits, clock, log: pino({ level: 'silent' }) });
    queue.start();
    async function enter(id: string) {
      const admission = await queue.admit('ana');
      if ('refused' in admission) throw new Error(admission.refused);
      await spool.folder(id, 'inputs');
      return await admission.enter({ id, user: 'ana', recipe, answers: {}, note: 'n'.repeat(20_000) });
    }
    return { clock, queue, enter };
  }

  /** @param afterwards what happens when the result is written and nothing is told of it yet */
  function createHeldBackend(afterwards = async () => {}) {
    const runs: (() => void)[] = [];
    const backend: Backend = {
      name: 'Held',
      capabilities: { progress: false, preview: false, cancel: true, resume: false, handleFirst: false },
      async *run({ folder }) {
        await new Promise<void>((resolve) => void runs.push(resolve));
        const path = join(folder, 'a.png');
        await writeFile(path, 'a picture');
        await afterwards();
        yield { type: 'file-ready', name: 'a.png', mediaType: 'image/png', path, size: 9 };
      },
      close: async () => {},
    };
    return { backend, runs };
  }

  it('takes no result, so that no job is taken', async () => {
    spool = await createSpool(folder);
    const { queue } = begin(createHeldBackend().backend);
    expect(await queue.admit('ana')).toEqual({ refused: 'disk' });
  });

  it('refuses a new job with a sentence, and loses none that was taken', async () => {
    const { backend, runs } = createHeldBackend();
    const { enter, queue } = begin(backend);
    await enter('one');
    await enter('two');
    await eventually(() => expect(runs).toHaveLength(1));
    await fillUp();
    await expect(enter('three')).rejects.toThrow('The disk of the bot is full');
    expect((await queue.unfinishedOf('ana')).map(({ job: { id } }) => id)).toEqual(['one', 'two']);
    store.close();
    await rm(ballast());
    store = createStore(folder);
    expect(store.open().map(({ job: { id, state } }) => [id, state])).toEqual([
      ['one', 'running'],
      ['two', 'waiting'],
    ]);
  });

  it('is waited for when a run has ended, which is then delivered, and the next one begins', async () => {
    const { backend, runs } = createHeldBackend(fillUp);
    const { enter, queue, clock } = begin(backend);
    await enter('one');
    await enter('two');
    await eventually(() => expect(runs).toHaveLength(1));
    const timers = clock.pending();
    runs[0]?.();
    // The result is whole, and the disk does not take the word that it is.
    await eventually(() => expect(clock.pending()).toBe(timers + 1));
    clock.advance(5000);
    // Tried in vain, and to be tried again; the places were told meanwhile.
    await eventually(() => expect(clock.pending()).toBe(timers));
    expect((await queue.get('one'))?.state).toBe('running');
    await rm(ballast());
    clock.advance(5000);
    await eventually(async () => expect((await queue.get('one'))?.state).toBe('delivering'));
    expect(store.get('one')).toMatchObject({ state: 'delivering', files: [{ name: 'a.png' }] });
    await eventually(() => expect(runs).toHaveLength(2));
  });

  it('or may not be written to, is told at the start and in the reply', async () => {
    const { enter } = begin(createHeldBackend().backend);
    await enter('one');
    store.close();
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    await expect(spool.folder('two', 'inputs')).rejects.toThrow('may not write to its disk');
    expect(() => createStore(folder)).toThrow(/cannot be opened for writing/);
    execFileSync('mount', ['-o', 'remount,rw', folder]);
    store = createStore(folder);
    expect(store.get('one')?.state).toBe('running');
  });
});

function mount(folder: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'troupe-test', folder], { stdio: 'ignore' });
}

function tryToMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'troupe-mount-'));
  try {
    mount(folder);
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
