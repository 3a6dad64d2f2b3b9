import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createThreadedBackend } from '../../src/backends/thread.ts';
import { systemClock } from '../../src/clock.ts';
import { createLab, quietLog, type Lab } from './_comfyui.ts';
import { collect, expectFiles } from './_run.ts';

describe('ComfyUI in a thread of its own', () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await createLab();
  });
  afterEach(() => lab.close());

  test('runs, shows and gives what it does without one', async () => {
    const server = await lab.serve({ headers: { 'x-house': 'key-of-the-house' } });
    const backend = await createThreadedBackend(
      { type: 'comfyui', urls: [server.url], headers: { 'x-house': 'key-of-the-house' } },
      { clock: systemClock, log: quietLog },
    );
    expect(backend).toMatchObject({ name: 'ComfyUI', capabilities: { progress: true, preview: true, cancel: true } });
    const events = await collect(backend.run(lab.desk.request));
    const preview = events.find((event) => event.type === 'preview-ready');
    expect(preview?.body.buffer.byteLength).toBe(preview?.body.length);
    const files = await expectFiles(lab.desk, events);
    expect(files.map(({ node }) => node)).toEqual(['11', '12', '13', '14']);
    await backend.close();
  });
});
