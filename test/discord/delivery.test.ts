import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { createDelivery } from '../../src/discord/delivery.ts';
import type { OutgoingMessage } from '../../src/discord/port.ts';
import type { Job } from '../../src/job.ts';
import { acceptJob } from '../../src/job.ts';
import { createSpool } from '../../src/spool.ts';

const MIB = 1024 * 1024;

describe('a delivery', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-delivery-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function deliver(files: readonly (readonly [name: string, bytes: number])[], fileLimit: number) {
    const spool = await createSpool(folder);
    const out = await spool.folder('job', 'results');
    const stored = [];
    for (const [index, [name, size]] of files.entries()) {
      const path = join(out, String(index));
      await writeFile(path, randomBytes(size));
      stored.push({ name, mediaType: 'video/mp4', path, size });
    }
    const accepted = acceptJob(
      { id: 'job', recipe: character, user: '1', answers: { prompt: 'a pilot' }, note: '' },
      0,
    );
    const job: Job = { ...accepted, state: 'delivering', startedAt: 0, endedAt: 2000, files: stored };
    const sent: OutgoingMessage[] = [];
    const delivery = createDelivery({ spool, backendName: 'ViewComfy', log: pino({ level: 'silent' }) });
    await delivery.deliverResult(job, {
      fileLimit: () => fileLimit,
      edit: () => Promise.resolve(),
      deliver: (render) => Promise.resolve(void sent.push(render(false))),
      add: (message) => Promise.resolve(void sent.push(message)),
    });
    return sent;
  }

  const namesOf = (sent: readonly OutgoingMessage[]) => sent.map(({ files = [] }) => files.map(({ name }) => name));

  it('splits what one request of 25 MiB cannot hold, in order', async () => {
    const sent = await deliver(
      [1, 2, 3, 4].map((scene) => [`Image_${scene}_00001_.mp4`, 9 * MIB] as const),
      20 * MIB,
    );
    expect(namesOf(sent).map((names) => names.length)).toEqual([2, 2]);
    expect(
      namesOf(sent)
        .flat()
        .map((name) => name.slice(0, 7)),
    ).toEqual(['image_1', 'image_2', 'image_3', 'image_4']);
  });

  it('puts no more than ten files into one message', async () => {
    const sent = await deliver(
      Array.from({ length: 23 }, (_, index) => [`other_${index}.mp4`, 10] as const),
      20 * MIB,
    );
    expect(namesOf(sent).map((names) => names.length)).toEqual([10, 10, 3]);
  });

  it('says which file is too large to be shown, and delivers the others', async () => {
    const [message] = await deliver(
      [
        ['Image_1_00001_.mp4', 3 * MIB],
        ['Image_2_00001_.mp4', 10],
      ],
      2 * MIB,
    );
    expect(namesOf(message ? [message] : [])[0]).toHaveLength(1);
    expect(JSON.stringify(message)).toMatch(/Image.*1.*has 3\.0 MiB and is too large/);
  });

  it('gives files of the same name different ones, so that each is shown', async () => {
    const sent = await deliver(
      [
        ['Image_1_a.mp4', 10],
        ['Image_1_A.mp4', 10],
      ],
      2 * MIB,
    );
    expect(new Set(namesOf(sent).flat()).size).toBe(2);
  });
});
