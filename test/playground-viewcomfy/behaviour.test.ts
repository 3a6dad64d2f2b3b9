import { describe, expect, test, vi } from 'vitest';

import type { Behaviour } from '../../src/playground/viewcomfy/behaviour.ts';
import { characterParts, readEvents, readResult, resultOf, run, send, startViewComfy } from './client.ts';

async function runWith(behaviour: Behaviour, logs = true) {
  const viewComfy = await startViewComfy();
  viewComfy.next(behaviour);
  const answer = await run(viewComfy, await characterParts({}, { logs }));
  const record = viewComfy.runs[0];
  if (record) await vi.waitUntil(() => record.endedAt !== undefined);
  return { viewComfy, answer, events: readEvents(answer.body), outcome: record?.outcome };
}

describe('a run can be made to end otherwise', () => {
  test('with an error event, and with a 500 where there is no stream', async () => {
    const stream = await runWith({ ending: 'error', afterLines: 2, errorText: 'first\nsecond' });
    expect(stream.events.map(({ event }) => event)).toEqual(['log_message', 'log_message', 'error']);
    expect(stream.events.at(-1)?.data).toEqual(['first', 'second']);
    expect(stream).toMatchObject({ answer: { whole: true }, outcome: 'failed' });

    const plain = await runWith({ ending: 'error' }, false);
    expect(plain.answer).toMatchObject({ status: 500, body: 'Internal Server Error', whole: true });
  });

  test('cut after some lines', async () => {
    const { answer, events, outcome } = await runWith({ ending: 'cut', afterLines: 3 });
    expect(events).toHaveLength(3);
    expect(answer.whole).toBe(false);
    expect(outcome).toBe('failed');
  });

  test.each([true, false])('cut in the middle of the result, with logs=%s', async (logs) => {
    const { answer, outcome } = await runWith({ ending: 'cut-in-result' }, logs);
    expect(answer.body).toContain('"data":"iVBOR');
    expect(answer.body.endsWith('\r\n')).toBe(false);
    expect(answer.whole).toBe(false);
    expect(outcome).toBe('failed');
  });

  test('without a result', async () => {
    const { answer, events } = await runWith({ ending: 'no-result' });
    expect(answer.whole).toBe(true);
    expect(events.some(({ event }) => event === 'prompt_result')).toBe(false);
  });

  test.each<[NonNullable<Behaviour['refusal']>]>([
    [{ status: 404, body: 'modal-http: app not found', mediaType: 'text/plain' }],
    [{ status: 429, body: '{"detail":"Too many"}', headers: { 'retry-after': '7' } }],
    [{ status: 500 }],
    [{ status: 502, body: '<html>Bad gateway</html>', mediaType: 'text/html' }],
    [{ status: 200, body: '<!doctype html><title>Log in</title>', mediaType: 'text/html' }],
  ])('before it runs: %o', async (refusal) => {
    const { answer, viewComfy } = await runWith({ refusal });
    expect(answer).toMatchObject({ status: refusal.status, body: refusal.body ?? '', headers: refusal.headers ?? {} });
    expect(viewComfy.runs).toEqual([]);
    // Only the next one was to fail.
    expect((await run(viewComfy, await characterParts())).status).toBe(201);
  });
});

describe('a result can be made to look otherwise', () => {
  test('with status error, or with no outputs', async () => {
    const failed = await runWith({ result: 'error' });
    expect(resultOf(failed.answer.body)).toMatchObject({ status: 'error', completed: true });
    expect(failed.outcome).toBe('failed');
    const empty = readResult((await runWith({ result: 'no-outputs' }, false)).answer.body);
    expect(empty.status).toBe('success');
    expect(empty.outputs).toBeUndefined();
  });

  test('with ten files, sent twice, among events and fields nobody has heard of', async () => {
    const { events } = await runWith({ outputCount: 10, duplicateResult: true, extras: true });
    expect(events.map(({ event }) => event)).toContain('queue_position');
    const results = events.filter(({ event }) => event === 'prompt_result').map(({ data }) => data.join(''));
    expect(results).toHaveLength(2);
    expect(results[0]).toBe(results[1]);
    expect(results[0]).toContain('unheard_of');
    expect(readResult(results[0] ?? '').outputs).toHaveLength(10);
  });

  test('with addresses that need no credentials instead of bytes', async () => {
    const { answer } = await runWith({ outputs: 'filepath' });
    const outputs = resultOf(answer.body).outputs ?? [];
    expect(outputs).toHaveLength(15);
    for (const { filepath = '', data, size } of outputs) {
      expect(data).toBeUndefined();
      const file = await fetch(filepath);
      expect(file.headers.get('content-type')).toBe('image/png');
      expect(await file.bytes()).toHaveLength(size);
    }
    expect((await send(`${outputs[0]?.filepath}x`)).status).toBe(404);
  });

  test.each(['\n', '\r'] as const)('with line ends %j', async (lineEnd) => {
    const { answer } = await runWith({ lineEnd });
    expect(answer.body.includes(lineEnd === '\n' ? '\r\n' : '\n')).toBe(false);
    const blocks = answer.body.split(lineEnd + lineEnd).filter(Boolean);
    expect(blocks.at(-1)).toMatch(/^event: prompt_result[\r\n]data: \{.*\}$/);
  });

  test.each([
    ['bytes', 200],
    ['random', 2],
  ] as const)('written in pieces (%s) and still the same', async (writes, least) => {
    const viewComfy = await startViewComfy();
    const plain = resultOf((await run(viewComfy, await characterParts())).body);
    viewComfy.next({ writes });
    let pieces = 0;
    const answer = await run(viewComfy, await characterParts(), {
      onData() {
        pieces += 1;
      },
    });
    expect(resultOf(answer.body).outputs?.map(({ data }) => data)).toEqual(plain.outputs?.map(({ data }) => data));
    expect(pieces).toBeGreaterThan(least);
  });
});
