import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { createPages, pageLimits } from '../../src/discord/pages.ts';
import { acceptJob } from '../../src/jobs/job.ts';
import { createSpool } from '../../src/storage/spool.ts';

const MIB = 1024 * 1024;
const WORKFLOW = 'the whole workflow';

describe('what is shown of a result', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-pages-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function show(keepWorkflow: boolean): Promise<string> {
    const spool = await createSpool(folder);
    const path = join(await spool.folder('job', 'results'), 'Image_1.png');
    const image = sharp({ create: { width: 8, height: 8, channels: 3, background: '#306090' } });
    await writeFile(
      path,
      await image
        .withExif({ IFD0: { ImageDescription: WORKFLOW } })
        .png()
        .toBuffer(),
    );
    const job = acceptJob({ id: 'job', recipe: character, user: '1', answers: {}, note: '' }, 0);
    const file = { name: 'Image_1.png', mediaType: 'image/png', path, size: 1 };
    const pages = createPages({ spool, keepWorkflow, log: pino({ level: 'silent' }) });
    const { files, hasOriginals } = await pages.page(job, [file], 0, pageLimits(MIB), 1000);
    expect(files.map(({ name }) => name)).toEqual(['image_1.png']);
    expect(hasOriginals).toBe(false);
    return (await readFile(path)).toString('latin1');
  }

  it('has no workflow in it, as that is the work of whoever made it', async () => {
    await expect(show(false)).resolves.not.toContain(WORKFLOW);
  });

  it('keeps it where the operator wants so', async () => {
    await expect(show(true)).resolves.toContain(WORKFLOW);
  });

  it('is written once where several messages want it at the same time, as one may be sending it already', async () => {
    const spool = await createSpool(folder);
    const results = await spool.folder('job', 'results');
    const path = join(results, 'Image_1.png');
    // Not compressed, so that writing it takes a while.
    const image = sharp({ create: { width: 2000, height: 1500, channels: 3, background: '#306090' } });
    const exif = { IFD0: { ImageDescription: WORKFLOW } };
    await writeFile(path, await image.withExif(exif).png({ compressionLevel: 0 }).toBuffer());
    const job = acceptJob({ id: 'job', recipe: character, user: '1', answers: {}, note: '' }, 0);
    const file = { name: 'Image_1.png', mediaType: 'image/png', path, size: 1 };
    const pages = createPages({ spool, keepWorkflow: false, log: pino({ level: 'silent' }) });
    const work = { isOver: false };
    const all = Promise.all(
      Array.from({ length: 5 }, () => pages.page(job, [file], 0, pageLimits(100 * MIB), 1000)),
    ).finally(() => {
      work.isOver = true;
    });
    const seen = new Set<string>();
    while (!work.isOver) for (const name of await readdir(results)) seen.add(name);
    await all;
    expect(seen.size).toBeLessThanOrEqual(2);
    expect((await readFile(path)).includes(WORKFLOW)).toBe(false);
  });

  it('is a whole number of bytes at most, and never more than Discord has refused', () => {
    expect(pageLimits(400_000.4).file).toBe(400_000);
    const limits = [0, 1, 2, 3, 4, 5].map((squeezed) => pageLimits(500 * MIB, squeezed));
    expect(limits.map(({ file }) => Math.round(file / MIB))).toEqual([25, 20, 10, 8, 0, 0]);
    for (const [index, { files, request }] of limits.entries()) {
      expect(files).toBeLessThanOrEqual(limits[index - 1]?.files ?? 10);
      expect(request).toBeLessThanOrEqual(25 * MIB);
    }
  });
});
