import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BackendEvent } from '../../src/backends/backend.ts';
import type { LocalComfyUI } from '../../src/playground/comfyui/server.ts';
import { eventually } from '../eventually.ts';
import { createLab, resume, WORKFLOW, type Lab } from './_comfyui.ts';
import { collect, expectFiles, failureOf } from './_run.ts';

describe('a run at a ComfyUI server', () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await createLab();
  });
  afterEach(() => lab.close());
  const failed = (run: AsyncIterable<BackendEvent>) => collect(run).catch((error: unknown) => error);
  const isRunning = (server: LocalComfyUI) => eventually(() => expect(server.runs[0]?.outcome).toBe('running'));

  test('that runs long is no run that is lost', async () => {
    const server = await lab.serve({ runMs: 1500 });
    // 90 s on its clock, of which most pass without a word.
    server.next({ steps: 1 });
    const files = await expectFiles(lab.desk, await collect(lab.connect({ urls: [server.url] }).run(lab.desk.request)));
    expect(files).toHaveLength(4);
  });

  test('is lost with a server that starts again, and may have been paid for', async () => {
    const server = await lab.serve({ runMs: 5000 });
    const outcome = failed(lab.connect({ urls: [server.url] }).run(lab.desk.request));
    await isRunning(server);
    await eventually(() => expect(server.requests).toContain('POST /prompt'));
    await server.restart();
    expect(await outcome).toMatchObject({
      type: 'unknown',
      billed: 'maybe',
      retryable: false,
      detail: expect.stringContaining('restarted'),
    });
    expect(server.runs).toHaveLength(1);
  });

  test('that had not begun when the server was started again is given back', async () => {
    const server = await lab.serve({ runMs: 5000 });
    server.addStranger(5000);
    const run = lab.connect({ urls: [server.url] }).run(lab.desk.request);
    const outcome = (async () => {
      for await (const event of run) if (event.type === 'queue-changed') await server.restart();
    })().catch((error: unknown) => error);
    expect(await outcome).toMatchObject({ type: 'unreachable', billed: 'no', retryable: true });
  });

  test('that had not begun when the server ended for good is given back', async () => {
    const server = await lab.serve({ runMs: 5000 });
    server.addStranger(5000);
    const run = lab.connect({ urls: [server.url] }).run(lab.desk.request);
    const outcome = (async () => {
      for await (const event of run) if (event.type === 'queue-changed') await server.close();
    })().catch((error: unknown) => error);
    expect(await outcome).toMatchObject({ type: 'unreachable', billed: 'no', retryable: true });
  });

  test('that somebody takes out of the queue is not given back, because nobody knows', async () => {
    const server = await lab.serve({ runMs: 5000 });
    server.addStranger(5000);
    const run = lab.connect({ urls: [server.url] }).run(lab.desk.request);
    const outcome = (async () => {
      for await (const event of run) {
        if (event.type !== 'queue-changed') continue;
        const body = JSON.stringify({ delete: [server.runs[0]?.id] });
        await fetch(`${server.url}/queue`, { method: 'POST', body });
      }
    })().catch((error: unknown) => error);
    expect(await outcome).toMatchObject({ type: 'unknown', retryable: false });
  });

  test('is found by asking where no socket can be had', async () => {
    const server = await lab.serve();
    const proxy = await createProxy(server, { sockets: 'refused' });
    const events = await collect(lab.connect({ urls: [proxy.url] }).run(lab.desk.request));
    expect(await expectFiles(lab.desk, events)).toHaveLength(4);
    expect(events.filter(({ type }) => type === 'progress-changed')).toEqual([]);
    await proxy.close();
  });

  test('is found by asking where the socket is open and silent', async () => {
    const server = await lab.serve();
    const proxy = await createProxy(server, { sockets: 'silent' });
    const events = await collect(lab.connect({ urls: [proxy.url] }).run(lab.desk.request));
    expect(await expectFiles(lab.desk, events)).toHaveLength(4);
    await proxy.close();
  });

  test('that ends while nobody listens is found when it is asked for', async () => {
    const server = await lab.serve({ runMs: 100 });
    const proxy = await createProxy(server, { sockets: 'cut' });
    const events = await collect(lab.connect({ urls: [proxy.url] }).run(lab.desk.request));
    expect(await expectFiles(lab.desk, events)).toHaveLength(4);
    await proxy.close();
  });

  test('that is found again shows its progress again', async () => {
    const server = await lab.serve({ runMs: 400 });
    const first = lab.connect({ urls: [server.url] });
    const handles: string[] = [];
    const left = (async () => {
      for await (const event of first.run(lab.desk.request)) {
        if (event.type === 'handle-assigned') handles.push(event.handle);
      }
    })().catch((error: unknown) => error);
    await isRunning(server);
    await first.close();
    await left;
    const second = lab.connect({ urls: [server.url] });
    const { workflow: _workflow, ...request } = lab.desk.request;
    const events = await collect(resume(second, handles[0] ?? '', request));
    expect(events[0]).toEqual({ type: 'handle-assigned', handle: handles[0] });
    expect(events.filter(({ type }) => type === 'progress-changed').length).toBeGreaterThan(1);
    expect(events.filter(({ type }) => type === 'preview-ready').length).toBeGreaterThan(0);
    expect(await expectFiles(lab.desk, events)).toHaveLength(4);
  });

  test('that had ended long ago is found again', async () => {
    const server = await lab.serve();
    const backend = lab.connect({ urls: [server.url] });
    const [first] = await collect(backend.run(lab.desk.request));
    await lab.desk.clearResults();
    if (first?.type !== 'handle-assigned') throw new Error('no handle');
    expect(await expectFiles(lab.desk, await collect(resume(backend, first.handle, lab.desk.request)))).toHaveLength(4);
    expect(server.runs).toHaveLength(1);
  });

  test.each(['', 'no handle', 'http://127.0.0.1:1/#5f7cc63a', 'http://other.example/#5f7cc63a'])(
    'is not looked for at a server that is not ours: %s',
    async (handle) => {
      const server = await lab.serve();
      const backend = lab.connect({ urls: [server.url], headers: { 'x-house': 'key-of-the-house' } });
      const outcome = await failed(resume(backend, handle, lab.desk.request));
      expect(outcome).toMatchObject({ type: 'unintelligible' });
      expect(server.requests).toEqual([]);
    },
  );

  test('that the server does not know any more is unknown', async () => {
    const server = await lab.serve();
    const backend = lab.connect({ urls: [server.url] });
    const outcome = await failed(resume(backend, `${server.url}/#5f7cc63a`, lab.desk.request));
    expect(outcome).toMatchObject({ type: 'unknown', billed: 'maybe', retryable: false });
  });

  test('cancelled leaves what others run alone, also on servers that stop whatever runs', async () => {
    const server = await lab.serve({ version: '0.3.50', runMs: 400 });
    const stranger = server.addStranger(400);
    const run = failed(lab.connect({ urls: [server.url] }).run(lab.desk.request));
    await eventually(() => expect(server.runs[0]?.outcome).toBe('waiting'));
    lab.desk.abort();
    expect(await run).toMatchObject({ type: 'cancelled' });
    await eventually(() => expect(server.runs[0]?.outcome).toBe('deleted'));
    expect(server.requests).not.toContain('POST /interrupt');
    await eventually(() => expect(server.outcome(stranger)).toBe('succeeded'));
  });

  test('cancelled while it runs is interrupted on an old server too', async () => {
    const server = await lab.serve({ version: '0.3.50', runMs: 5000 });
    const run = failed(lab.connect({ urls: [server.url] }).run(lab.desk.request));
    await isRunning(server);
    lab.desk.abort();
    expect(await run).toMatchObject({ type: 'cancelled' });
    await eventually(() => expect(server.runs[0]?.outcome).toBe('interrupted'));
  });

  test('cancelled after it has ended stops nothing', async () => {
    const server = await lab.serve();
    const backend = lab.connect({ urls: [server.url] });
    await collect(backend.run(lab.desk.request));
    await backend.close();
    expect(server.requests.filter((request) => request.startsWith('POST'))).toEqual([
      'POST /upload/image',
      'POST /prompt',
    ]);
  });

  test('that takes longer than it may is stopped', async () => {
    const server = await lab.serve({ runMs: 5000 });
    const request = { ...lab.desk.request, timeouts: { totalMs: 20_000 } };
    const error = await failureOf(lab.connect({ urls: [server.url] }), lab.desk, [], request);
    expect(error).toMatchObject({ type: 'timeout', billed: 'maybe' });
    await eventually(() => expect(server.runs[0]?.outcome).toBe('interrupted'));
  });

  test('names its nodes and their steps', async () => {
    const server = await lab.serve();
    const events = await collect(lab.connect({ urls: [server.url] }).run(lab.desk.request));
    const lines = events.flatMap((event) => (event.type === 'log-line' ? [event.line] : []));
    expect(lines).toContain("SamplerCustomAdvanced 'Draw'");
    expect(lines).toContain("LoadImage 'Character'");
    expect(new Set(lines).size).toBe(lines.length);
    const steps = events.filter(({ type }) => type === 'progress-changed');
    expect(steps.at(-1)).toEqual({ type: 'progress-changed', done: 8, total: 8, node: "SamplerCustomAdvanced 'Draw'" });
    expect(steps.length).toBeLessThanOrEqual(9);
  });

  test('of somebody else is never shown', async () => {
    const server = await lab.serve();
    server.next({ foreign: true });
    const events = await collect(lab.connect({ urls: [server.url] }).run(lab.desk.request));
    const totals = events.flatMap((event) => (event.type === 'progress-changed' ? [event.total] : []));
    expect(new Set(totals)).toEqual(new Set([8]));
    // Strangers' pictures come twice as often as ours: none of them may be among these.
    expect(events.filter(({ type }) => type === 'preview-ready').length).toBeLessThanOrEqual(8);
    expect(events.filter(({ type }) => type === 'preview-ready').length).toBeGreaterThan(0);
  });

  test('on a server with workers behind it is followed without the word that it has ended', async () => {
    const server = await lab.serve({ flavour: 'fork-with-workers', atOnce: 2 });
    const backend = lab.connect({ urls: [server.url] });
    // Something is in the history already, which is given for every id that it does not know.
    await collect(
      backend.run({ ...lab.desk.request, workflow: { ...WORKFLOW, '16': { class_type: 'SaveImage', inputs: {} } } }),
    );
    await lab.desk.clearResults();
    const parameters = { '594-inputs-string': 'another' };
    const events = await collect(backend.run({ ...lab.desk.request, parameters }));
    expect(await expectFiles(lab.desk, events)).toHaveLength(4);
    expect(events.filter(({ type }) => type === 'progress-changed').length).toBeGreaterThan(5);
  });
});

interface Proxy {
  readonly url: string;
  close(): Promise<void>;
}

/** Passes requests on, and does with sockets what proxies and bad networks do. */
async function createProxy(
  target: LocalComfyUI,
  { sockets }: { sockets: 'refused' | 'silent' | 'cut' },
): Promise<Proxy> {
  const to = new URL(target.url);
  const open = new Set<{ destroy(): void }>();
  const proxy: Server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await Array.fromAsync(request));
      const { method = 'GET', headers } = request;
      const answer = await fetch(new URL(request.url ?? '/', to), {
        method,
        headers: { 'content-type': headers['content-type'] ?? '' },
        ...(method === 'POST' && { body }),
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(bytes);
    })();
  });
  proxy.on('upgrade', (request, socket, head) => {
    if (sockets === 'refused') return void socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const upstream = connectSocket(Number(to.port), to.hostname, () => {
      const lines = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}`);
      upstream.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      upstream.write(head);
      socket.pipe(upstream);
    });
    let frames = 0;
    upstream.on('data', (chunk: Buffer) => {
      frames += 1;
      // The first is the handshake.
      if (frames === 1 || sockets === 'cut') socket.write(chunk);
      if (sockets === 'cut' && frames > 3) socket.destroy();
    });
    for (const end of [socket, upstream]) {
      open.add(end);
      end.on('error', () => {});
      end.on('close', () => {
        socket.destroy();
        upstream.destroy();
      });
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    async close() {
      for (const end of open) end.destroy();
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
