import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from 'rabbitmq-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAmqp, type AmqpOptions } from '../../src/backends/amqp.ts';
import { createConversation } from '../../src/backends/amqp/conversation.ts';
import { createLink } from '../../src/backends/amqp/link.ts';
import type { Backend, BackendEvent } from '../../src/backends/backend.ts';
import { createPatience } from '../../src/backends/patience.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { BackendError } from '../../src/errors.ts';
import { createLocalWorker, type LocalWorkerOptions } from '../../src/playground/comfyui-worker/worker.ts';
import { eventually } from '../eventually.ts';
import { createQuickClock } from '../quick-clock.ts';
import { findRabbitMq, startRabbitMq, type RabbitMq } from '../rabbitmq.ts';
import { createFolders, createWire, WORKFLOW } from './_amqp.ts';
import { startWorkerProcess } from './_amqp-process.ts';
import { collect, createDesk, expectFiles, failureOf, type Desk } from './_run.ts';
import { createService } from './_service.ts';

const path = findRabbitMq();
const log = { debug() {}, warn() {} };
const MIB = 1024 * 1024;
/** What the broker takes as one message. */
const MOST_BYTES = 24 * MIB;

describe.skipIf(path === undefined)('ComfyUI workers behind a real RabbitMQ', () => {
  let broker: RabbitMq;
  let admin: Connection;
  let queue: string;
  let folders: Awaited<ReturnType<typeof createFolders>>;
  let desk: Desk;
  /** what a test has opened, to be closed after it */
  let opened: (() => Promise<unknown>)[];

  beforeAll(async () => {
    broker = await startRabbitMq(path ?? '', [`max_message_size = ${MOST_BYTES}`]);
    admin = new Connection({ url: broker.url, retryLow: 100, retryHigh: 200 });
    admin.on('error', () => {});
  }, 60_000);
  afterAll(async () => {
    await admin.close();
    await broker.close();
  });
  beforeEach(async () => {
    queue = `comfyui-${randomUUID()}`;
    folders = await createFolders();
    desk = await createDesk({ workflow: WORKFLOW });
    opened = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((close) => close()));
    await folders.clear();
    await desk.clear();
  });

  function connect(options: Partial<AmqpOptions> = {}, clock: Clock = systemClock): Backend {
    const backend = createAmqp({ url: broker.url, queue, ...folders, ...options }, { clock, log });
    opened.push(() => backend.close());
    return backend;
  }

  async function startWorker(options: Partial<LocalWorkerOptions> = {}) {
    const worker = await createLocalWorker({ url: broker.url, queue, ...folders, ...options });
    opened.push(() => worker.close());
    return worker;
  }

  async function startProcess(stepMs: number) {
    const { inputDir, outputDir } = folders;
    const worker = await startWorkerProcess({ url: broker.url, queue, stepMs, inputDir, outputDir });
    opened.push(() => worker.kill());
    return worker;
  }

  /** Follows a run; what it tells is there at once. */
  function follow(events: AsyncIterable<BackendEvent>) {
    const told: BackendEvent[] = [];
    const ended = (async () => {
      for await (const event of events) told.push(event);
    })().then(
      () => undefined,
      (error: unknown) => error,
    );
    const handle = () => told.find((event) => event.type === 'handle-assigned')?.handle ?? '';
    const lines = () => told.flatMap((event) => (event.type === 'log-line' ? [event.line] : []));
    const bars = () => told.filter((event) => event.type === 'progress-changed');
    return { told, ended, handle, lines, bars };
  }

  function resume(backend: Backend, handle: string, request = desk.request): AsyncIterable<BackendEvent> {
    if (!backend.resume) throw new Error('it finds no run again');
    return backend.resume(handle, request);
  }

  async function queueExists(name: string): Promise<boolean> {
    return await admin.queueDeclare({ queue: name, passive: true }).then(
      () => true,
      () => false,
    );
  }

  test('a run whose worker is killed is done by the next one, and begins anew', async () => {
    const first = await startProcess(300);
    const backend = connect();
    const run = follow(backend.run(desk.request));
    await eventually(() => expect(run.bars().length).toBeGreaterThan(2));
    await first.kill();
    const second = await startProcess(40);
    expect(await run.ended).toBeUndefined();
    expect((await expectFiles(desk, run.told)).length).toBe(4);
    expect(second.heard).toContain('taken');
    expect(run.lines()).toContain('The worker was lost. Another one begins the run anew.');
    // Up to where the first one got, and from nothing again. How it ends is told by the reply, which may be the first.
    const done = run.bars().map((bar) => bar.done);
    expect(done.lastIndexOf(0)).toBeGreaterThan(1);
    expect(done.at(-1)).toBeGreaterThan(0);
  });

  test('without any worker since the broker began, nothing is sent, and whoever hosts the bot reads why', async () => {
    const error = await failureOf(connect(), desk, [broker.password]);
    expect(error).toMatchObject({ type: 'unreachable', billed: 'no', retryable: true });
    expect(error.detail).toBe(`No ComfyUI worker has come to RabbitMQ yet: start one for the queue "${queue}".`);
    expect(await readdir(folders.inputDir)).toEqual([]);
  });

  test('a run that RabbitMQ gives back because its queue is gone is told as that', async () => {
    const { signal } = new AbortController();
    const patience = createPatience({ clock: systemClock, idleTimeoutMs: 10_000, totalTimeoutMs: 10_000, signal });
    const link = createLink({ url: broker.url, clock: systemClock, log });
    const about = { link, patience, log, queue, id: randomUUID(), waitMs: 10_000 };
    const conversation = createConversation(about);
    await conversation.open(false);
    conversation.publish(WORKFLOW);
    expect(await conversation.next()).toEqual({ type: 'returned' });
    await conversation.end(true);
    patience.end(new BackendError('over', { type: 'cancelled' }));
    await link.close();
  });

  test('what no worker takes in time comes back as a dead letter, and has cost nothing', async () => {
    const worker = await startWorker();
    await worker.beBusy(5000);
    const error = await failureOf(connect({ waitTimeoutMs: 200 }), desk, [broker.password]);
    expect(error).toMatchObject({
      type: 'timeout',
      billed: 'no',
      retryable: true,
      detail: 'No worker took the run in time.',
    });
    expect(worker.runs).toEqual([]);
  });

  test('a run that a worker gives back without an answer has failed, and may have cost something', async () => {
    const worker = await startWorker({ behaviours: [{ ending: 'give-back' }] });
    const error = await failureOf(connect(), desk, [broker.password]);
    expect(error).toMatchObject({ type: 'failed', billed: 'maybe', retryable: false });
    expect(worker.runs.length).toBe(1);
  });

  test("JsonRPC's own errors are failures in the worker's words", async () => {
    await startWorker({ behaviours: [{ ending: 'crash' }] });
    const error = await failureOf(connect(), desk, [broker.password]);
    expect(error).toMatchObject({ type: 'failed', detail: 'the worker crashed' });
  });

  test('a queue without a worker keeps the run, and says so, until one comes', async () => {
    const gone = await createLocalWorker({ url: broker.url, queue, ...folders });
    await gone.close();
    const run = follow(connect().run(desk.request));
    await eventually(() => expect(run.lines()).toEqual(['No worker is there at the moment: the run waits for one.']));
    await startWorker();
    expect(await run.ended).toBeUndefined();
    await expectFiles(desk, run.told);
  });

  test.for([
    ['password', (url: string) => url.replace(':key-of', ':lock-of')],
    ['virtual host', (url: string) => `${url}/elsewhere`],
  ] as const)('a wrong %s is refused at once, in a sentence', async ([, spoil]) => {
    const error = await failureOf(connect({ url: spoil(broker.url) }), desk, [broker.password, 'lock-of-the-house']);
    expect(error).toMatchObject({ type: 'refused', billed: 'no', retryable: false });
    expect(error.detail).toBe('RabbitMQ refuses the user, the password or the virtual host.');
  });

  test('strangers may write what they like into the queues of a run', async () => {
    const worker = await startWorker({ behaviours: [{ stepMs: 60 }] });
    const run = follow(connect().run(desk.request));
    await eventually(() => expect(run.bars().length).toBeGreaterThan(0));
    const id = run.handle();
    const publisher = admin.createPublisher({ confirm: true });
    const progress = `${queue}.${id}.progress`;
    const evil = Buffer.from('cos\nsystem\n(Vtouch owned\ntR.').toString('base64');
    const answerTo = { type: 'call', correlationId: randomUUID(), replyTo: queue };
    await publisher.send({ routingKey: progress, ...answerTo }, { event: evil, data: evil });
    await publisher.send({ routingKey: progress, ...answerTo }, { event: 'x'.repeat(20 * MIB), data: 'x' });
    await publisher.send({ routingKey: progress }, Buffer.alloc(2 * MIB));
    await publisher.send({ routingKey: progress, contentType: 'application/json' }, Buffer.from('{"event": NaN'));
    const reply = { routingKey: `troupe.${id}.reply`, type: 'result' };
    await publisher.send({ ...reply, correlationId: randomUUID() }, { outputs: 'x'.repeat(2 * MIB) });
    await publisher.send(reply, { prompt_id: id, outputs: {}, execution_status: ['error', false, ['not you']] });
    await publisher.close();
    expect(await run.ended).toBeUndefined();
    await expectFiles(desk, run.told);
    // Nothing was written into the workers' queue in our name.
    expect(worker.runs.length).toBe(1);
    // And every message of the worker itself was answered, for it would keep them all in mind.
    await eventually(() => expect(worker.unanswered).toBe(0));
  });

  test('a connection that is only open in appearance is found out, and another one made', async () => {
    const wire = await createWire(broker.port);
    opened.push(() => wire.close());
    const worker = await startWorker({ behaviours: [{ stepMs: 60 }] });
    const url = broker.url.replace(`:${broker.port}`, `:${wire.port}?heartbeat=1`);
    const run = follow(connect({ url }).run(desk.request));
    await eventually(() => expect(run.bars().length).toBeGreaterThan(1));
    wire.freeze();
    expect(await run.ended).toBeUndefined();
    expect(run.lines()).toContain('RabbitMQ is there again.');
    expect((await expectFiles(desk, run.told)).length).toBe(4);
    expect(worker.runs.length).toBe(1);
  });

  test('a run is cancelled at once, also where the broker says nothing any more', async () => {
    const wire = await createWire(broker.port);
    opened.push(() => wire.close());
    await startWorker({ behaviours: [{ stepMs: 60 }] });
    const url = broker.url.replace(`:${broker.port}`, `:${wire.port}`);
    const run = follow(connect({ url }, createQuickClock(60)).run(desk.request));
    await eventually(() => expect(run.bars().length).toBeGreaterThan(1));
    wire.freeze();
    desk.abort();
    expect(await run.ended).toMatchObject({ type: 'cancelled', billed: 'maybe' });
  });

  test('a workflow larger than the broker takes is told as that', async () => {
    await startWorker();
    const parameters = { '594-inputs-string': 'x'.repeat(MOST_BYTES) };
    const error = await failureOf(connect(), desk, [broker.password], { ...desk.request, parameters });
    expect(error).toMatchObject({ type: 'invalid', billed: 'no' });
    expect(error.detail).toContain('larger than');
  });

  test('nothing is sent before the handle was stored', async () => {
    const worker = await startWorker();
    const events = connect().run(desk.request)[Symbol.asyncIterator]();
    expect(await events.next()).toMatchObject({ value: { type: 'handle-assigned' } });
    // Another run, sent later, gets through first: so the one before it is not on its way.
    const other = await createDesk({ workflow: WORKFLOW });
    await collect(connect().run(other.request));
    expect(worker.runs.length).toBe(1);
    await other.clear();
    await events.return?.();
    expect(worker.runs.length).toBe(1);
  });

  test('a reply that comes while the bot is away waits for it', async () => {
    const worker = await startWorker({ behaviours: [{ stepMs: 30 }] });
    const before = connect();
    const run = follow(before.run(desk.request));
    await eventually(() => expect(worker.runs.length).toBe(1));
    await before.close();
    expect(await run.ended).toMatchObject({ type: 'cancelled' });
    await eventually(() => expect(worker.runs[0]?.state).toBe('ended'));
    const found = await collect(resume(connect(), run.handle()));
    expect((await expectFiles(desk, found)).length).toBe(4);
    expect(worker.runs.length).toBe(1);
    // It was given up: nobody finds it again, and nothing of it is left.
    const again = follow(resume(connect(), run.handle()));
    expect(await again.ended).toMatchObject({ type: 'unknown' });
    expect(await queueExists(`troupe.${run.handle()}.reply`)).toBe(false);
    expect(await readdir(join(folders.inputDir, 'troupe'))).toEqual([]);
  });

  test('a handle that is none of ours is not looked for', async () => {
    const run = follow(resume(connect(), '../../etc/passwd'));
    expect(await run.ended).toMatchObject({ type: 'unknown' });
  });

  test('a run is not lost because the broker is not there when the bot comes back', async () => {
    const worker = await startWorker({ behaviours: [{ stepMs: 30 }] });
    const before = connect();
    const run = follow(before.run(desk.request));
    await eventually(() => expect(worker.runs.length).toBe(1));
    await before.close();
    const wire = await createWire(broker.port);
    await wire.close();
    const dead = broker.url.replace(`:${broker.port}`, `:${wire.port}`);
    const impatient = connect({ url: dead, idleTimeoutMs: 20 * 60_000 }, createQuickClock(1000));
    const lost = follow(resume(impatient, run.handle()));
    expect(await lost.ended).toMatchObject({ type: 'timeout', billed: 'maybe', retryable: false });
    expect((await expectFiles(desk, await collect(resume(connect(), run.handle())))).length).toBe(4);
  });

  test('a run that was given up while it waited fails at its worker at once, for its picture is gone', async () => {
    const worker = await startWorker();
    await worker.beBusy(300);
    const run = follow(connect().run(desk.request));
    await eventually(() => expect(run.told.some((event) => event.type === 'queue-changed')).toBe(true));
    desk.abort();
    expect(await run.ended).toMatchObject({ type: 'cancelled' });
    await eventually(() => expect(worker.runs[0]?.state).toBe('ended'));
    expect(await readdir(folders.outputDir)).toEqual([]);
  });

  test('pictures and results go through a ComfyUI where there is no shared folder', async () => {
    // A worker whose folders are not ours, and a frontend that shows them.
    const worker = await startWorker({
      behaviours: [{ files: [{ filename: 'a b.png', subfolder: 'x', type: 'output' }] }],
    });
    const upload = {
      status: 200,
      contentType: 'application/json',
      body: '{"name":"up.png","subfolder":"troupe","type":"temp"}',
    };
    const service = await createService([upload, { status: 200, contentType: 'image/png', body: [desk.sent] }]);
    opened.push(() => service.close());
    const { origin } = new URL(service.url);
    const viewUrl = origin.replace('//', '//somebody:key-of-the-proxy@');
    const backend = createAmqp({ url: broker.url, queue, viewUrl }, { clock: systemClock, log });
    opened.push(() => backend.close());
    const workflow = { ...WORKFLOW, '626': { class_type: 'ETN_LoadImageFromFolder', inputs: { image: '' } } };
    const events = await collect(backend.run({ ...desk.request, workflow }));
    expect((await expectFiles(desk, events)).map(({ name }) => name)).toEqual(['a_b.png']);
    expect(service.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /upload/image',
      'GET /view?filename=a+b.png&subfolder=x&type=output',
    ]);
    const basic = `Basic ${Buffer.from('somebody:key-of-the-proxy').toString('base64')}`;
    expect(service.seen.map(({ headers }) => headers.authorization)).toEqual([basic, basic]);
    expect(worker.runs.length).toBe(1);
  });

  test('without a way to give pictures to the workers, nothing is sent', async () => {
    const worker = await startWorker();
    const backend = createAmqp({ url: broker.url, queue, outputDir: folders.outputDir }, { clock: systemClock, log });
    opened.push(() => backend.close());
    const error = await failureOf(backend, desk, []);
    expect(error).toMatchObject({ type: 'refused', billed: 'no' });
    expect(error.detail).toContain('Pictures cannot be given to the workers');
    expect(worker.runs).toEqual([]);
  });

  // The last one: it takes the broker away from under everything.
  test('a broker that is killed and comes back', { timeout: 60_000 }, async () => {
    const clock = createQuickClock(60);
    const patience = { idleTimeoutMs: 60 * 60_000, totalTimeoutMs: 180 * 60_000 };
    const { promise: isBack, resolve: goOn } = Promise.withResolvers<void>();
    const worker = await startWorker({ beforeReply: () => isBack });
    // One that a worker has in hand, one that waits, and one that waits while its bot is away.
    const hands = [desk, await createDesk({ workflow: WORKFLOW }), await createDesk({ workflow: WORKFLOW })] as const;
    const backend = connect(patience, clock);
    const held = follow(backend.run(hands[0].request));
    await eventually(() => expect(worker.runs.length).toBe(1));
    const waiting = follow(backend.run(hands[1].request));
    const isWaiting = (run: typeof waiting) => run.told.some((event) => event.type === 'queue-changed');
    await eventually(() => expect(isWaiting(waiting)).toBe(true));
    const away = connect(patience, clock);
    const left = follow(away.run(hands[2].request));
    await eventually(() => expect(isWaiting(left)).toBe(true));
    await away.close();

    await broker.kill();
    await broker.start();
    for (const run of [held, waiting]) {
      await eventually(() => expect(run.lines()).toContain('RabbitMQ is there again.'));
    }
    goOn();
    // The worker answers into the queue that was made anew, under its old name.
    expect(await held.ended).toBeUndefined();
    expect((await expectFiles(hands[0], held.told)).length).toBe(4);
    expect(await waiting.ended).toMatchObject({ type: 'cut', billed: 'maybe', retryable: false });
    expect(await waiting.ended).toHaveProperty('detail', expect.stringContaining('RabbitMQ was restarted'));
    const found = follow(resume(connect(patience, clock), left.handle(), hands[2].request));
    expect(await found.ended).toMatchObject({ type: 'unknown', billed: 'maybe' });
    // And nothing was sent again.
    expect(worker.runs.length).toBe(1);
    // Whoever comes next is served.
    const next = await createDesk({ workflow: WORKFLOW });
    await expectFiles(next, await collect(backend.run(next.request)));
    for (const { clear } of [...hands.slice(1), next]) await clear();
  });
});

test.for([
  ['http://127.0.0.1', 'The address of RabbitMQ must be'],
  ['key-of-the-house', 'The address of RabbitMQ must be'],
  ['amqp://user:key-of-the-house%@127.0.0.1', 'The address of RabbitMQ must be'],
  ['amqp://127.0.0.1', 'must be reachable'],
] as const)('options that cannot work are told before anything begins: %s', ([url, words]) => {
  expect(() => createAmqp({ url }, { clock: systemClock, log })).toThrow(words);
  expect(() => createAmqp({ url }, { clock: systemClock, log })).not.toThrow('key-of-the-house');
});
