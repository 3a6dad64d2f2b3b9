import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { createSpool } from '../../src/storage/spool.ts';

describe('the spool', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'troupe-spool-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('gives each job folders of its own, and removes them together', async () => {
    const spool = await createSpool(directory);
    const [one, other] = [spool.newJobId(), spool.newJobId()];
    const path = await spool.folder(one, 'results');
    await writeFile(join(path, 'a.png'), 'a');
    await expect(spool.folder(one, 'results')).resolves.toBe(path);
    await spool.folder(one, 'inputs');
    await spool.folder(other, 'inputs');
    await spool.remove(one);
    await spool.remove('never there');
    expect(await spool.jobs()).toEqual(new Set([other]));
  });

  it('keeps what is there from one process to the next', async () => {
    const spool = await createSpool(directory);
    const path = join(await spool.folder('one', 'results'), 'a.png');
    await writeFile(path, 'a');
    await spool.secure('one', 'results');
    const next = await createSpool(directory);
    expect(await next.jobs()).toEqual(new Set(['one']));
    expect(await readFile(path, 'utf8')).toBe('a');
  });

  it('measures, empties and copies', async () => {
    const spool = await createSpool(directory);
    await writeFile(join(await spool.folder('one', 'inputs'), 'face.png'), 'four');
    await writeFile(join(await spool.folder('one', 'results'), 'a.png'), 'five5');
    expect(await spool.sizeOf('one')).toBe(9);
    expect(await spool.sizeOf('nobody')).toBe(0);
    const copy = await spool.copyInputs('one', 'two');
    await spool.clear('one', 'inputs');
    expect(await readdir(join(directory, 'inputs', 'one'))).toEqual([]);
    expect(await readFile(join(copy, 'face.png'), 'utf8')).toBe('four');
  });

  it('tells the person when the disk does not take a folder', async () => {
    const spool = await createSpool(directory);
    await spool.secure('one', 'inputs');
    await rm(join(directory, 'inputs'), { recursive: true });
    await writeFile(join(directory, 'inputs'), '');
    await expect(spool.folder('one', 'inputs')).rejects.toThrow(UserError);
  });
});
