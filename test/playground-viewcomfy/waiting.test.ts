import { expect, test, vi } from 'vitest';

import { characterParts, CREDENTIALS, readResult, resultOf, run, send, startViewComfy } from './client.ts';

test('runs beyond the deployment wait in line, and one that hangs up there never runs', async () => {
  const viewComfy = await startViewComfy();
  viewComfy.next({ ending: 'silence', afterLines: 1 });
  const first = new AbortController();
  const second = new AbortController();
  const parts = await characterParts();
  const answers = [
    run(viewComfy, parts, { signal: first.signal }).catch(() => 'gone'),
    vi
      .waitUntil(() => viewComfy.runs.length === 1)
      .then(() => run(viewComfy, parts, { signal: second.signal }).catch(() => 'gone')),
    vi.waitUntil(() => viewComfy.runs.length === 2).then(() => run(viewComfy, parts)),
  ];
  await vi.waitUntil(() => viewComfy.runs.length === 3);
  expect(viewComfy.runs.map(({ outcome }) => outcome)).toEqual(['running', 'waiting', 'waiting']);

  second.abort();
  await vi.waitUntil(() => viewComfy.runs[1]?.outcome === 'cancelled');
  first.abort();
  await Promise.all(answers);
  expect(viewComfy.runs.map(({ outcome }) => outcome)).toEqual(['cancelled', 'cancelled', 'succeeded']);
  expect(viewComfy.runs[1]?.startedAt).toBeUndefined();
  expect(viewComfy.mostAtOnce).toBe(1);
});

test('as many run at once as the deployment has room for', async () => {
  const viewComfy = await startViewComfy({ atOnce: 3, runMs: 40 });
  const parts = await characterParts();
  await Promise.all(Array.from({ length: 8 }, () => run(viewComfy, parts)));
  expect(viewComfy.mostAtOnce).toBe(3);
  expect(viewComfy.runs.every(({ outcome }) => outcome === 'succeeded')).toBe(true);
});

test('a client that hangs up in the middle of a stream cancels its run', async () => {
  const viewComfy = await startViewComfy({ runMs: 60_000 });
  const gone = new AbortController();
  await run(viewComfy, await characterParts(), { signal: gone.signal, onData: () => gone.abort() }).catch(() => {});
  await vi.waitUntil(() => viewComfy.runs[0]?.outcome === 'cancelled');
  expect(viewComfy.runs[0]?.endedAt).toBeTypeOf('number');
});

test.each([false, true])(
  'a run with logs=%s that is late is handed over to the address of its result',
  async (logs) => {
    const viewComfy = await startViewComfy({ redirectAfterMs: 20, coldStartMs: 120, path: '/endpoint' });
    const handed = await run(viewComfy, await characterParts({}, { logs }));
    expect(handed.status).toBe(303);
    const location = String(handed.headers['location']);
    expect(location).toMatch(/\/endpoint\?__modal_function_call_id=/);

    expect((await send(location, { headers: {} })).status).toBe(401);
    expect((await send(location.replace(/=.*/, '=unknown'))).status).toBe(404);
    let answer = await send(location);
    let hops = 1;
    while (answer.status === 303) {
      expect(answer.headers['location']).toBe(location);
      answer = await send(location);
      hops += 1;
    }
    expect(hops).toBeGreaterThan(1);
    expect(answer.status).toBe(201);
    const result = logs ? resultOf(answer.body) : readResult(answer.body);
    expect(result.outputs).toHaveLength(15);
    // The address can be loaded again without a second run.
    expect((await send(location)).body).toBe(answer.body);
    expect(viewComfy.runs).toHaveLength(1);
  },
);

test('pings keep a silent stream alive on the clock that was given', async () => {
  const due: (() => void)[] = [];
  const clock = {
    now: () => 0,
    after(ms: number, callback: () => void) {
      if (ms === 15_000) due.push(callback);
      return () => {};
    },
  };
  const viewComfy = await startViewComfy({ clock });
  viewComfy.next({ ending: 'ping-only', afterLines: 2 });
  const gone = new AbortController();
  let seen = '';
  const answer = run(viewComfy, await characterParts(), {
    signal: gone.signal,
    onData(text) {
      seen += text;
    },
  }).catch(() => {});
  await vi.waitUntil(() => due.length === 1);
  due[0]?.();
  await vi.waitUntil(() => seen.includes(': ping - '));
  expect(due).toHaveLength(2);
  gone.abort();
  await answer;
});

test('closing cuts what is under way and leaves nothing behind', async () => {
  const viewComfy = await startViewComfy({ runMs: 60_000 });
  const answers = [characterParts(), characterParts({}, { logs: false })].map(async (parts) =>
    run(viewComfy, await parts).then(
      ({ whole }) => whole,
      () => false,
    ),
  );
  await vi.waitUntil(() => viewComfy.runs.length === 2);
  await viewComfy.close();
  expect(await Promise.all(answers)).toEqual([false, false]);
  expect(viewComfy.runs.map(({ outcome }) => outcome)).toEqual(['cancelled', 'cancelled']);
  await expect(send(viewComfy.url, { headers: CREDENTIALS })).rejects.toThrow('ECONNREFUSED');
});
