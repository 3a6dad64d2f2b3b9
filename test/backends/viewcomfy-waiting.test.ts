import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { createManualClock } from '../manual-clock.ts';
import { collect, failureOf } from './_run.ts';
import { createBench, SECRETS, stream } from './_viewcomfy.ts';

const bench = createBench();

describe('waiting', () => {
  test('pings keep a run alive, and the total time still ends it', async () => {
    const clock = createManualClock();
    const service = await bench.serve({ body: stream(['log_message', 'got prompt']), end: 'open' });
    const run = bench
      .connect(service.url, { idleTimeoutMs: 1000, totalTimeoutMs: 10_000 }, clock)
      .run(bench.desk.request);
    const events = run[Symbol.asyncIterator]();
    expect(await events.next()).toMatchObject({ value: { line: 'got prompt' } });
    const failed = Promise.resolve(events.next()).catch((error: unknown) => error);
    clock.advance(999);
    expect(clock.pending()).toBe(2);
    clock.advance(1001);
    expect(await failed).toMatchObject({ type: 'timeout' });
    expect(clock.pending()).toBe(0);
    await eventually(() => expect(service.open()).toBe(0));
  });

  test('a server that takes the connection and nothing else is silence', async () => {
    const clock = createManualClock();
    const deaf = createServer((socket) => socket.on('error', () => {}));
    deaf.listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    const address = deaf.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const connected = once(deaf, 'connection');
    const failed = failureOf(bench.connect(`http://127.0.0.1:${port}/`, {}, clock), bench.desk, SECRETS);
    await connected;
    clock.advance(10 * 60_000);
    expect(await failed).toMatchObject({ type: 'timeout' });
    deaf.close();
  });

  test('something that speaks no HTTP is a cut, and a name that nobody has is unreachable', async () => {
    const rude = createServer((socket) =>
      socket.on('error', () => {}).once('data', () => socket.end('SSH-2.0-OpenSSH\r\n')),
    );
    rude.listen(0, '127.0.0.1');
    await once(rude, 'listening');
    const address = rude.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    expect(await failureOf(bench.connect(`http://127.0.0.1:${port}/`), bench.desk, SECRETS)).toMatchObject({
      type: 'cut',
    });
    expect(await failureOf(bench.connect(`https://127.0.0.1:${port}/`), bench.desk, SECRETS)).toMatchObject({
      type: 'unreachable',
      billed: 'no',
      retryable: true,
    });
    rude.close();
    expect(await failureOf(bench.connect('http://nobody.invalid/'), bench.desk, SECRETS)).toMatchObject({
      type: 'unreachable',
    });
  });

  test('an answer that comes before the form is whole counts', async () => {
    const hasty = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 413 Content Too Large\r\ncontent-length: 4\r\n\r\nhuge'));
    });
    hasty.listen(0, '127.0.0.1');
    await once(hasty, 'listening');
    const address = hasty.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const path = join(bench.desk.request.folder, '..', 'large.png');
    await writeFile(path, Buffer.alloc(20_000_000));
    const files = { '626-inputs-image': { name: 'large.png', mediaType: 'image/png', path, size: 20_000_000 } };
    const error = await failureOf(bench.connect(`http://127.0.0.1:${port}/`), bench.desk, SECRETS, {
      ...bench.desk.request,
      files,
    });
    expect(error).toMatchObject({ type: 'invalid', billed: 'no', detail: 'huge' });
    hasty.close();
  });

  test('a file that cannot be read is our fault, and no failure of the backend', async () => {
    const service = await bench.serve();
    const files = { '626-inputs-image': { name: 'a.png', mediaType: 'image/png', path: '/nowhere/a.png', size: 1 } };
    await expect(collect(bench.connect(service.url).run({ ...bench.desk.request, files }))).rejects.toThrow(/ENOENT/);
    expect(service.seen).toHaveLength(0);
  });
});
