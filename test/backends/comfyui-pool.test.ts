import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { createLab, resume, type Lab } from './_comfyui.ts';
import { collect, createDesk, expectFiles, failureOf } from './_run.ts';

/** Times faster: a server that is asked how it does on a busy machine has half a second and more. */
const UNHURRIED = 8;

describe('several ComfyUI servers', () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await createLab();
  });
  afterEach(() => lab.close());

  test('share the runs: the least busy one takes the next', async () => {
    const [busy, free] = [await lab.serve(), await lab.serve()];
    busy.addStranger(300);
    busy.addStranger(300);
    free.addStranger(300);
    const backend = lab.connect({ urls: [busy.url, free.url] });
    const [handle] = await collect(backend.run(lab.desk.request));
    expect([busy.runs.length, free.runs.length]).toEqual([0, 1]);
    expect(handle).toMatchObject({ handle: `${free.url}/#${free.runs[0]?.id}` });
  });

  test('that are free take one run each of those that come at once', async () => {
    const servers = [await lab.serve(), await lab.serve(), await lab.serve()];
    const backend = lab.connect({ urls: servers.map(({ url }) => url) });
    const desks = await Promise.all(servers.map(() => createDesk({ workflow: lab.desk.request.workflow ?? {} })));
    await Promise.all(desks.map(({ request }) => collect(backend.run(request))));
    expect(servers.map(({ runs }) => runs.length)).toEqual([1, 1, 1]);
    for (const desk of desks) await desk.clear();
  });

  test('do without one that is not there, or is something else', async () => {
    const [dead, wrong, alive] = [
      await lab.serve(),
      await lab.serve({ headers: { 'x-other': 'key' } }),
      await lab.serve(),
    ];
    await dead.close();
    alive.addStranger(100);
    const backend = lab.connect({ urls: [dead.url, wrong.url, alive.url] });
    const files = await expectFiles(lab.desk, await collect(backend.run(lab.desk.request)));
    expect(files).toHaveLength(4);
    expect(alive.runs).toHaveLength(1);
  });

  test('none of which is there were not asked for anything', async () => {
    const [one, two] = [await lab.serve(), await lab.serve()];
    await one.close();
    await two.close();
    const error = await failureOf(lab.connect({ urls: [one.url, two.url] }), lab.desk, []);
    expect(error).toMatchObject({ type: 'unreachable', billed: 'no', retryable: true });
  });

  test('hand a run on that one of them refuses for now', async () => {
    const [first, second] = [await lab.serve(), await lab.serve()];
    first.next({ refusal: { status: 503, headers: { 'retry-after': '900' } } });
    const backend = lab.connect({ urls: [first.url, second.url] });
    const events = await collect(backend.run(lab.desk.request));
    expect(await expectFiles(lab.desk, events)).toHaveLength(4);
    expect([first.runs.length, second.runs.length]).toEqual([0, 1]);
    const handles = events.flatMap((event) => (event.type === 'handle-assigned' ? [event.handle] : []));
    expect(handles.at(-1)).toContain(second.url);
  });

  test('hand a run on whose server ends before it had begun', async () => {
    const [first, second] = [await lab.serve({ runMs: 5000 }), await lab.serve()];
    first.addStranger(5000);
    second.addStranger(100);
    second.addStranger(100);
    const backend = lab.connect({ urls: [first.url, second.url] }, UNHURRIED);
    const events = [];
    for await (const event of backend.run(lab.desk.request)) {
      events.push(event);
      if (event.type === 'queue-changed' && event.ahead === 1 && first.outcome(first.runs[0]?.id ?? '') === 'waiting') {
        await first.close();
      }
    }
    expect(await expectFiles(lab.desk, events)).toHaveLength(4);
    expect(second.runs).toHaveLength(1);
  });

  test('never run twice what one of them may have begun', async () => {
    const [first, second] = [await lab.serve({ runMs: 5000 }), await lab.serve()];
    second.addStranger(50);
    const backend = lab.connect({ urls: [first.url, second.url], idleTimeoutMs: 20_000 });
    const failed = failureOf(backend, lab.desk, []);
    await eventually(() => expect(first.runs[0]?.outcome).toBe('running'));
    await first.close();
    expect(await failed).toMatchObject({ type: 'timeout', billed: 'maybe', retryable: false });
    expect(second.runs).toHaveLength(0);
  });

  test('do not try elsewhere what is invalid', async () => {
    const [first, second] = [await lab.serve(), await lab.serve()];
    const body = JSON.stringify({
      error: { type: 'prompt_no_outputs', message: 'Prompt has no outputs' },
      node_errors: {},
    });
    for (const server of [first, second]) server.next({ refusal: { status: 400, body } });
    const error = await failureOf(lab.connect({ urls: [first.url, second.url] }), lab.desk, []);
    expect(error).toMatchObject({ type: 'invalid', billed: 'no' });
    expect(
      [first, second].flatMap(({ requests }) => requests.filter((request) => request === 'POST /prompt')),
    ).toHaveLength(1);
  });

  test('find a run again at the one that has it', async () => {
    const [one, two] = [await lab.serve({ runMs: 400 }), await lab.serve({ runMs: 400 })];
    one.addStranger(50);
    const urls = [one.url, two.url];
    const first = lab.connect({ urls });
    let handle = '';
    const left = (async () => {
      for await (const event of first.run(lab.desk.request)) {
        if (event.type === 'handle-assigned') handle = event.handle;
      }
    })().catch((error: unknown) => error);
    await eventually(() => expect(two.runs[0]?.outcome).toBe('running'));
    await first.close();
    await left;
    const second = lab.connect({ urls: urls.toReversed() });
    const files = await expectFiles(lab.desk, await collect(resume(second, handle, lab.desk.request)));
    expect(files).toHaveLength(4);
    expect([one.runs.length, two.runs.length]).toEqual([0, 1]);
  });
});
