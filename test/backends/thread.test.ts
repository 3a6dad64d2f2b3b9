import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { createThreadedBackend } from '../../src/backends/thread.ts';
import { systemClock } from '../../src/clock.ts';
import { eventually } from '../eventually.ts';
import { collect, expectFiles, failureOf } from './_run.ts';
import { createBench, output, resultOf, SECRETS, stream, type AnyReply } from './_viewcomfy.ts';

const bench = createBench();
const backends: Backend[] = [];
const logged: string[] = [];
afterEach(async () => {
  for (const backend of backends.splice(0)) await backend.close();
  logged.length = 0;
});

async function connect(...replies: AnyReply[]) {
  const service = await bench.serve(...replies);
  const note = (...parts: unknown[]) => void logged.push(JSON.stringify(parts));
  const backend = await createThreadedBackend(
    { type: 'viewcomfy', mode: 'stream', url: service.url, clientId: SECRETS[0], clientSecret: SECRETS[1] },
    { clock: systemClock, log: { debug: note, warn: note } },
  );
  backends.push(backend);
  return { service, backend };
}

const whole = { body: [stream(['log_message', 'loading'], ['prompt_result', resultOf()])] };
const endless = { body: [stream(['log_message', 'loading'])], end: 'open' } as const;

test('a run in the thread tells the same events, and leaves its files', async () => {
  const { backend } = await connect(whole, whole);
  for (let round = 0; round < 2; round += 1) {
    const events = await collect(backend.run(bench.desk.request));
    expect(events[0]).toEqual({ type: 'log-line', line: 'loading' });
    expect(await expectFiles(bench.desk, events)).toMatchObject([{ name: output().filename }]);
  }
  expect(backend).toMatchObject({ name: 'ViewComfy', capabilities: { progress: true } });
});

test('several runs at once keep their events apart', async () => {
  const bodies = [1, 2, 3].map((count) => ({
    body: [
      stream(['log_message', `run ${count}`], ['prompt_result', resultOf([output({ filename: `${count}.png` })])]),
    ],
  }));
  const { backend } = await connect(...bodies);
  const { request } = bench.desk;
  const runs = await Promise.all(
    bodies.map(async (_, index) => {
      const folder = join(request.folder, `${index}`);
      await mkdir(folder);
      return collect(backend.run({ ...request, folder }));
    }),
  );
  for (const [log, file] of runs) {
    const line = log?.type === 'log-line' ? log.line : '';
    expect(file).toMatchObject({ name: `${line.replace('run ', '')}.png` });
  }
});

test('an error crosses with everything it says', async () => {
  const { backend } = await connect({
    status: 422,
    contentType: 'application/json',
    body: '{"detail":"no such seed"}',
  });
  expect(await failureOf(backend, bench.desk, SECRETS)).toMatchObject({
    name: 'BackendError',
    type: 'invalid',
    billed: 'no',
    retryable: false,
    detail: 'no such seed',
    status: 422,
  });
});

test('what the thread logs is logged', async () => {
  const { backend } = await connect({ body: [stream(['unheard_of', 'x'], ['prompt_result', resultOf()])] });
  await collect(backend.run(bench.desk.request));
  await eventually(() => expect(logged.join()).toContain('unheard_of'));
});

test('a cancelled run ends there too', async () => {
  const { service, backend } = await connect(endless);
  const failed = failureOf(backend, bench.desk, SECRETS);
  await eventually(() => expect(service.seen).toHaveLength(1));
  bench.desk.abort();
  expect(await failed).toMatchObject({ type: 'cancelled', billed: 'maybe' });
  await eventually(() => expect(service.open()).toBe(0));
  expect(await failureOf(backend, bench.desk, SECRETS)).toMatchObject({ type: 'cancelled', billed: 'no' });
  expect(service.seen).toHaveLength(1);
});

test('a run that nobody listens to any more has ended when the loop is left', async () => {
  const { service, backend } = await connect(endless);
  for await (const event of backend.run(bench.desk.request)) {
    expect(event.type).toBe('log-line');
    break;
  }
  expect(await bench.desk.results()).toEqual([]);
  await eventually(() => expect(service.open()).toBe(0));
});

test('closing ends what runs, and lets nothing begin', async () => {
  const { service, backend } = await connect(endless);
  const failed = failureOf(backend, bench.desk, SECRETS);
  await eventually(() => expect(service.seen).toHaveLength(1));
  await backend.close();
  await backend.close();
  expect(await failed).toMatchObject({ type: 'cancelled' });
  expect(await failureOf(backend, bench.desk, SECRETS)).toMatchObject({ type: 'cancelled', billed: 'no' });
});

test('nothing is sent before the handle of a run is kept, and nothing at all when it is not', async () => {
  const marks = Array.from({ length: 3 }, () => ({ status: 200, contentType: 'text/plain' }));
  const refused = { status: 401, contentType: 'text/plain', body: 'bad key' };
  const service = await bench.serve(...marks, refused);
  const keys = { clientId: SECRETS[0], clientSecret: SECRETS[1] };
  const backend = await createThreadedBackend(
    { type: 'viewcomfy', mode: 'poll', url: 'https://x.example', apiUrl: service.url, ...keys },
    { clock: systemClock, log: { debug() {}, warn() {} } },
  );
  backends.push(backend);
  for await (const event of backend.run(bench.desk.request)) {
    expect(event.type).toBe('handle-assigned');
    break;
  }
  const events = backend.run(bench.desk.request)[Symbol.asyncIterator]();
  expect(await events.next()).toMatchObject({ value: { type: 'handle-assigned' } });
  // Time enough for a run that does not wait.
  for (const _ of marks) await fetch(service.url);
  const failed = Promise.resolve(events.next()).catch((error: unknown) => error);
  expect(await failed).toMatchObject({ type: 'refused', status: 401 });
  expect(service.seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET', 'POST']);

  const held = backend.run(bench.desk.request)[Symbol.asyncIterator]();
  await held.next();
  await backend.close();
  await expect(held.next()).rejects.toMatchObject({ type: 'cancelled', billed: 'no' });
  expect(service.seen).toHaveLength(4);
});
