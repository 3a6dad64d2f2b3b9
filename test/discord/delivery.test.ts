import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import { createDelivery } from '../../src/discord/delivery.ts';
import { createPages } from '../../src/discord/pages.ts';
import type { OutgoingMessage } from '../../src/discord/port.ts';
import type { ReplyNote } from '../../src/discord/reply-note.ts';
import { acceptJob, type Job } from '../../src/job.ts';
import { createSpool } from '../../src/spool.ts';
import { gone, openReply, tooLarge, unavailable } from './_reply.ts';

const MIB = 1024 * 1024;

type Files = readonly (readonly [name: string, bytes: number])[];

describe('a delivery', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-delivery-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function setUp(files: Files, change: Partial<ReplyNote> = {}, publicUrl?: string) {
    const spool = await createSpool(folder);
    const results = await spool.folder('job', 'results');
    const stored = [];
    for (const [name, size] of files) {
      const path = join(results, name);
      await writeFile(path, randomBytes(size));
      stored.push({ name, mediaType: 'video/mp4', path, size });
    }
    const request = { id: 'job', recipe: character, user: '1', answers: { prompt: 'a pilot' }, note: '' };
    const job: Job = { ...acceptJob(request, 0), state: 'delivering', startedAt: 0, endedAt: 2000, files: stored };
    const log = pino({ level: 'silent' });
    const pages = createPages({ spool, keepWorkflow: false, log });
    const open = openReply({ fileLimit: 20 * MIB, ...change });
    return { ...open, job, delivery: createDelivery({ pages, backendName: 'ViewComfy', publicUrl, log }) };
  }

  type Opened = Awaited<ReturnType<typeof setUp>>;

  /** The names of the files of every message that went out, in order. */
  function sent({ asked }: Opened) {
    return asked.flatMap(({ route, message }) =>
      message ? [{ route, names: (message.files ?? []).map(({ name }) => name) }] : [],
    );
  }
  const namesOf = (opened: Opened) => sent(opened).map(({ names }) => names);
  const buttonsOf = (message: OutgoingMessage | undefined) =>
    [...JSON.stringify(message).matchAll(/"custom_id":"([^"]+)"/g)].map(([, id]) => id);
  const many = (count: number): Files => Array.from({ length: count }, (_, index) => [`other_${index}.mp4`, 10]);

  it('splits what one request of 25 MiB cannot hold, in order', async () => {
    const opened = await setUp([1, 2, 3, 4].map((scene) => [`Image_${scene}_00001_.mp4`, 9 * MIB] as const));
    await opened.delivery.deliverResult(opened.job, opened.reply, opened.signal);
    expect(sent(opened).map(({ route, names }) => [route, names.map((name) => name.slice(0, 7))])).toEqual([
      ['editReply', ['image_1', 'image_2']],
      ['sendMessage', ['image_3', 'image_4']],
    ]);
  });

  it('puts no more than ten files into one message, and each of them into one only', async () => {
    const opened = await setUp(many(23));
    await opened.delivery.deliverResult(opened.job, opened.reply, opened.signal);
    expect(namesOf(opened).map((names) => names.length)).toEqual([10, 10, 3]);
    expect(new Set(namesOf(opened).flat()).size).toBe(23);
  });

  it('goes on after what has arrived, also in the next process', async () => {
    const opened = await setUp(many(23));
    opened.refusals.sendMessage = unavailable();
    await expect(opened.delivery.deliverResult(opened.job, opened.reply, opened.signal)).rejects.toThrow('no answer');
    delete opened.refusals.sendMessage;
    await opened.delivery.deliverResult(opened.job, opened.again(), opened.signal);
    // The second was tried twice, with one nonce.
    expect(sent(opened).map(({ route, names }) => [route, names.length])).toEqual([
      ['editReply', 10],
      ['sendMessage', 10],
      ['sendMessage', 10],
      ['sendMessage', 3],
    ]);
    const nonces = opened.asked.flatMap(({ nonce }) => nonce ?? []);
    expect(new Set(nonces).size).toBe(2);
  });

  it('puts the rest behind a button where the bot may only answer', async () => {
    const opened = await setUp(many(23), { botIsMember: false });
    await opened.delivery.deliverResult(opened.job, opened.reply, opened.signal);
    expect(sent(opened)).toHaveLength(1);
    expect(buttonsOf(opened.asked[0]?.message)).toContain('next:job:10');
    const page = await opened.delivery.resultPage(opened.job, 10, 20 * MIB, 0);
    expect(page.files).toHaveLength(10);
    expect(buttonsOf(page)).toEqual(['next:job:20']);
    expect(buttonsOf(await opened.delivery.resultPage(opened.job, 20, 20 * MIB, 0))).toEqual([]);
  });

  it('puts the rest behind a button where the channel turns out to be closed', async () => {
    const opened = await setUp(many(12));
    opened.refusals.sendMessage = gone(50_013);
    await opened.delivery.deliverResult(opened.job, opened.reply, opened.signal);
    expect(sent(opened).map(({ route }) => route)).toEqual(['editReply', 'sendMessage', 'editReply']);
    expect(buttonsOf(opened.asked.at(-1)?.message)).toContain('next:job:10');
  });

  it('tries with less where Discord finds it too much, and at last with names alone', async () => {
    const opened = await setUp([
      ['Image_1_00001_.mp4', 9 * MIB],
      ['Image_2_00001_.mp4', 7 * MIB],
    ]);
    opened.refusals.editReply = tooLarge();
    opened.refusals.editMessage = tooLarge();
    await opened.delivery.deliverResult(opened.job, opened.reply, opened.signal).catch(() => undefined);
    expect(namesOf(opened).map((names) => names.length)).toEqual([2, 2, 1, 1, 0]);
    const last = JSON.stringify(opened.asked.at(-1)?.message);
    expect(last).toMatch(/Image.*1.*has 9\.0 MiB and is too large/);
    expect(last).toContain('/jobs');
    expect(buttonsOf(opened.asked.at(-1)?.message)).toContain('original:job');
    expect(opened.kept.note?.squeezed).toBe(4);
  });

  it('says which file is too large to be shown, and delivers the others', async () => {
    const opened = await setUp(
      [
        ['Image_1_00001_.mp4', 3 * MIB],
        ['Image_2_00001_.mp4', 10],
      ],
      { fileLimit: 2 * MIB },
    );
    await opened.delivery.deliverResult(opened.job, opened.reply, opened.signal);
    const [message] = opened.asked.map((asked) => asked.message);
    expect(message?.files).toHaveLength(1);
    expect(JSON.stringify(message)).toMatch(/Image.*1.*has 3\.0 MiB and is too large/);
    expect(buttonsOf(message)).toContain(`original:job:0:${2 * MIB}`);
  });

  it('gives files of the same name different ones, so that each is shown', async () => {
    const opened = await setUp([
      ['Image_1_a.mp4', 10],
      ['Image_1_A.mp4', 10],
    ]);
    await opened.delivery.deliverResult(opened.job, opened.reply, opened.signal);
    expect(new Set(namesOf(opened).flat()).size).toBe(2);
  });

  it('gives originals that are too large in pieces that can be joined, a message at a time', async () => {
    const { delivery, job } = await setUp([
      ['Image_1_00001_.mp4', 30 * MIB],
      ['Image_2_00001_.mp4', 1 * MIB],
    ]);
    const first = await delivery.originalsPage(job, 0, 2 * MIB, 10 * MIB);
    expect(first.files?.map(({ name }) => name)).toEqual(['image_1_00001_.mp4.001', 'image_1_00001_.mp4.002']);
    expect(JSON.stringify(first)).toContain('7-Zip');
    expect(buttonsOf(first)).toEqual([`original:job:2:${2 * MIB}`]);
    const second = await delivery.originalsPage(job, 2, 2 * MIB, 10 * MIB);
    expect(second.files?.map(({ name }) => name)).toEqual(['image_1_00001_.mp4.003']);
    expect(buttonsOf(second)).toEqual([]);
  });

  it('gives a link to the originals where there is a public address', async () => {
    const { delivery, job } = await setUp([['Image_1_00001_.mp4', 3 * MIB]], {}, 'https://pictures.example');
    const message = await delivery.originalsPage(job, 0, 2 * MIB, 10 * MIB);
    expect(message.files).toBeUndefined();
    expect(JSON.stringify(message)).toContain('(https://pictures.example/job/Image_1_00001_.mp4)');
  });
});
