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
import { acceptJob, type Job } from '../../src/jobs/job.ts';
import { createSpool } from '../../src/storage/spool.ts';
import { gone, openReply, tooLarge, unavailable } from './_reply.ts';

const MIB = 1024 * 1024;

/** Their bytes, or how many random ones. */
type Files = readonly (readonly [name: string, content: number | string | Buffer])[];

describe('a delivery', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-delivery-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function setUp(files: Files, change: Partial<ReplyNote> = {}, publicUrl?: string, about: Partial<Job> = {}) {
    const spool = await createSpool(folder);
    const results = await spool.folder('job', 'results');
    const stored = [];
    for (const [name, content] of files) {
      const path = join(results, name);
      const bytes = Buffer.from(typeof content === 'number' ? randomBytes(content) : content);
      await writeFile(path, bytes);
      stored.push({ name, mediaType: 'video/mp4', path, size: bytes.length });
    }
    const request = { id: 'job', recipe: character, user: '1', answers: { prompt: 'a pilot' }, note: '' };
    const job: Job = {
      ...acceptJob(request, 0),
      state: 'delivering',
      startedAt: 0,
      endedAt: 2000,
      files: stored,
      ...about,
    };
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
  /** The words of a message, by component. */
  function textsOf(message: OutgoingMessage | undefined): string[] {
    const found = JSON.stringify(message).matchAll(/"content":("(?:[^"\\]|\\.)*")/g);
    return Array.from(found, ([, json = '""']) => String(JSON.parse(json)));
  }
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
    expect(JSON.stringify(first)).toContain('As it is, untouched: 1 file in 3 pieces, 30.0 MiB.');
    expect(buttonsOf(first)).toEqual([`original:job:2:${2 * MIB}`]);
    const second = await delivery.originalsPage(job, 2, 2 * MIB, 10 * MIB);
    expect(second.files?.map(({ name }) => name)).toEqual(['image_1_00001_.mp4.003']);
    expect(buttonsOf(second)).toEqual([]);
  });

  const hiding: Partial<Job> = {
    recipe: { ...character, outputs: { main: ['main'], hidden: ['secret'] } },
  };

  it('never shows, counts or hands out what is hidden', async () => {
    const files: Files = [
      ['main_00001_.mp4', 3 * MIB],
      ['extra_00001_.mp4', 3 * MIB],
      ['secret_00001_.mp4', 3 * MIB],
    ];
    const opened = await setUp(files, { fileLimit: 2 * MIB }, undefined, hiding);
    const { delivery, job } = opened;
    await delivery.deliverResult(job, opened.reply, opened.signal);
    const first = opened.asked[0]?.message;
    expect(JSON.stringify(first)).toContain('1 other file');
    const all = [
      first,
      await delivery.resultPage(job, 0, 2 * MIB, 0),
      await delivery.filesPage(job, 0, 2 * MIB, 0),
      await delivery.originalsPage(job, 0, 2 * MIB, 10 * MIB),
    ];
    expect(all.at(-1)?.files?.map(({ name }) => name)).toEqual(['main_00001_.mp4', 'extra_00001_.mp4']);
    expect(JSON.stringify(all.at(-1))).toContain('As they are, untouched: 2 files, 6.0 MiB in all.');
    const linked = await setUp(files, {}, 'https://pictures.example', hiding);
    all.push(await linked.delivery.originalsPage(linked.job, 0, 2 * MIB, 10 * MIB));
    expect(JSON.stringify(all.at(-1))).toContain('main_00001_.mp4');
    for (const message of all) expect(JSON.stringify(message)).not.toContain('secret');
  });

  it('links to as many originals as a message holds, and says where there are none', async () => {
    const many = Array.from({ length: 60 }, (_, index) => [`Image_${index}_${'x'.repeat(60)}.mp4`, 2] as const);
    const { delivery, job } = await setUp(many, {}, 'https://pictures.example');
    const words = textsOf(await delivery.originalsPage(job, 0, 1, MIB)).join('');
    expect(words.length).toBeLessThan(4000);
    expect(words).toMatch(/Image_0_.*\nand \d+ more$/s);
    expect(textsOf(await delivery.originalsPage(job, 0, MIB, MIB)).join('')).toMatch(/were shown as they are/);
  });

  it('shows a short text in the card itself, and a long one as a file with its beginning', async () => {
    const long = 'word '.repeat(5000);
    const opened = await setUp([
      ['text_1.txt', 'a cat @everyone'],
      ['text_2.txt', long],
      ['table.csv', 'a,b\n1,2\n'],
    ]);
    await opened.delivery.deliverResult(opened.job, opened.reply, opened.signal);
    expect(namesOf(opened)).toEqual([['text_2.txt', 'table.csv']]);
    const texts = textsOf(opened.asked[0]?.message);
    expect(texts).toContain('-# text\\_1\\.txt\n```\na cat @everyone\n```');
    expect(texts.find((text) => text.includes('word word'))).toMatch(/…\n```$/);
    expect(texts).toContain('-# table\\.csv\n```\na,b\n1,2\n```');
  });

  it('calls a lone text nothing, but what its author called it', async () => {
    const lone = await setUp([['text_1.txt', 'a cat']]);
    await lone.delivery.deliverResult(lone.job, lone.reply, lone.signal);
    expect(textsOf(lone.asked[0]?.message)).toContain('```\na cat\n```');
    const called = await setUp([['__My caption__1.txt', 'a cat']]);
    await called.delivery.deliverResult(called.job, called.reply, called.signal);
    expect(textsOf(called.asked[0]?.message)).toContain('-# My caption\n```\na cat\n```');
  });

  it('never has more than 4000 characters and 40 components in a message, nor leaves a text out', async () => {
    const texts = Array.from({ length: 25 }, (_, index): Files[number] => [
      `text_${index}.txt`,
      `text ${index} ${'*'.repeat(960)}`,
    ]);
    const options = Object.fromEntries(
      Array.from({ length: 25 }, (_, index) => [
        `option-${index}-${'x'.repeat(20)}`,
        { kind: 'text' as const, description: 'words', parameters: [] },
      ]),
    );
    const opened = await setUp([...texts, ...many(15)], {}, undefined, {
      recipe: { ...character, name: 'n'.repeat(32), options, outputs: { main: [] } },
      answers: {
        prompt: '*'.repeat(500),
        ...Object.fromEntries(Object.keys(options).map((name) => [name, '_'.repeat(90)])),
      },
      warnings: Array.from({ length: 9 }, () => '#'.repeat(400)),
      backend: 'B'.repeat(60),
    });
    await opened.delivery.deliverResult(opened.job, opened.reply, opened.signal);
    const messages = opened.asked.flatMap(({ message }) => message ?? []);
    expect(messages.length).toBeGreaterThan(5);
    for (const message of messages) {
      expect(textsOf(message).join('').length).toBeLessThanOrEqual(4000);
      expect([...JSON.stringify(message).matchAll(/"type":/g)].length).toBeLessThanOrEqual(40);
    }
    const said = messages.flatMap(textsOf).join('\n');
    for (const [, content] of texts) expect(said).toContain(content);
    expect(namesOf(opened).flat()).toHaveLength(15);
  });

  it('puts into a gallery only what Discord shows, by its bytes', async () => {
    const opened = await setUp([
      ['a.png', Buffer.from('GIF89a\x01\0\x01\0', 'latin1')],
      ['b.png', Buffer.from('8BPS\0\x01', 'latin1')],
      ['c.png', Buffer.from('ID3\x03\0', 'latin1')],
      ['d.png', Buffer.from('PK\x03\x04\0', 'latin1')],
    ]);
    await opened.delivery.deliverResult(opened.job, opened.reply, opened.signal);
    const json = JSON.stringify(opened.asked[0]?.message);
    expect([...json.matchAll(/"media":\{"url":"attachment:\/\/([^"]+)"/g)].map(([, name]) => name)).toEqual(['a.gif']);
    expect([...json.matchAll(/"file":\{"url":"attachment:\/\/([^"]+)"/g)].map(([, name]) => name)).toEqual([
      'b.psd',
      'c.mp3',
      'd.zip',
    ]);
  });

  it('gives a link to the originals where there is a public address', async () => {
    const { delivery, job } = await setUp([['Image_1_00001_.mp4', 3 * MIB]], {}, 'https://pictures.example');
    const message = await delivery.originalsPage(job, 0, 2 * MIB, 10 * MIB);
    expect(message.files).toBeUndefined();
    expect(JSON.stringify(message)).toContain('(https://pictures.example/job/Image_1_00001_.mp4)');
  });
});
