import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../src/errors.ts';
import { createSpool } from '../src/spool.ts';

describe('the spool', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'troupe-spool-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('removes what processes that are gone have left, and nothing that is not its own', async () => {
    const gone = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(gone, 'exit');
    const kept = ['holiday', '.hidden', '12-pictures', String(process.ppid)];
    for (const name of [...kept, String(gone.pid), String(process.pid)]) await mkdir(join(directory, name));
    await createSpool(directory);
    await expect(readdir(directory)).resolves.toEqual(kept.toSorted());
  });

  it('gives each job folders of its own, and removes them together', async () => {
    const spool = await createSpool(directory);
    const [one, other] = [spool.newJobId(), spool.newJobId()];
    const path = await spool.folder(one, 'out');
    await writeFile(join(path, 'a.png'), 'a');
    await expect(spool.folder(one, 'out')).resolves.toBe(path);
    const kept = await spool.folder(other, 'in');
    await spool.remove(one);
    await spool.remove('never there');
    await expect(readdir(join(directory, String(process.pid)))).resolves.toEqual([other]);
    expect(kept).toContain(other);
  });

  it('tells the person when the disk does not take a folder', async () => {
    const spool = await createSpool(directory);
    await writeFile(join(directory, String(process.pid)), '');
    await expect(spool.folder('one', 'in')).rejects.toThrow(UserError);
  });
});
