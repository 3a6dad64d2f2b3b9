import { pino } from 'pino';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { createFailover } from '../../src/backends/failover.ts';
import { createBackend, type BackendConfig } from '../../src/backends/index.ts';
import { systemClock } from '../../src/clock.ts';
import { createLocalComfyUI } from '../../src/playground/comfyui/server.ts';
import { createLocalSegmind } from '../../src/playground/segmind/server.ts';
import { openStage, type Stage } from './stage.ts';

const log = pino({ level: 'silent' });
const flat = { drawing: 'flat', pictureScale: 0.2 } as const;

describe('another backend than ViewComfy', () => {
  let stage: Stage | undefined;
  const toClose: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await stage?.close();
    stage = undefined;
    for (const close of toClose.splice(0)) await close();
  });

  function keep<S extends { close(): Promise<void> }>(server: S): S {
    toClose.push(() => server.close());
    return server;
  }
  function connect(config: BackendConfig): Promise<Backend> {
    return createBackend(config, { clock: systemClock, log });
  }

  it('ComfyUI shows what the picture looks like so far, and then the scenes of the workflow that it was sent', async () => {
    const comfyui = keep(await createLocalComfyUI({ ...flat, runMs: 6000 }));
    stage = await openStage({ backend: await connect({ type: 'comfyui', urls: [comfyui.url] }) });
    const ana = stage.person('ana');
    const { id } = await ana.character('a pilot in a red scarf');
    const running = await ana.withPictures(id, 1);
    expect(running.text).toContain('Running');
    expect(running.pictures[0]).toMatch(/preview-\d+\.jpg/);
    const preview = await fetch(running.pictures[0] ?? '');
    expect((await sharp(Buffer.from(await preview.arrayBuffer())).metadata()).format).toBe('jpeg');
    const done = await ana.waitFor(id, /\d s on ComfyUI/);
    expect(done.pictures.map((address) => /image_\d/.exec(address)?.[0])).toEqual([
      'image_1',
      'image_2',
      'image_3',
      'image_4',
    ]);
    expect(done.buttons.map(({ label }) => label)).toContain('1 other file');
    expect(comfyui.runs).toHaveLength(1);
  });

  it('a preview goes away with the run that failed', async () => {
    const comfyui = keep(await createLocalComfyUI({ ...flat, runMs: 6000 }));
    comfyui.next({ ending: 'error', errorText: 'CUDA out of memory' });
    stage = await openStage({ backend: await connect({ type: 'comfyui', urls: [comfyui.url] }) });
    const ana = stage.person('ana');
    const { id } = await ana.character('a pilot');
    await ana.withPictures(id, 1);
    const failed = await ana.waitFor(id, /out of memory/i);
    expect(failed.pictures).toEqual([]);
    expect(failed.files).toEqual([]);
  });

  it('Segmind says on the card what it cannot do, and that it cannot be stopped', async () => {
    const segmind = keep(await createLocalSegmind({ apiKey: 'key', ...flat, runMs: 1500 }));
    stage = await openStage({ backend: await connect({ type: 'segmind', apiKey: 'key', url: segmind.url }) });
    const ana = stage.person('ana');
    const { id } = await ana.character('a pilot');
    const running = await ana.waitFor(id, /Running/);
    await ana.press(running, /Cancel/);
    await ana.waitFor(id, /Segmind cannot stop a run/);
    const again = await ana.character('a pilot');
    const done = await ana.withPictures(again.id, 1);
    expect(done.text).toMatch(/scene/);
  });

  it('stands in for one that is not there, and the card names it', async () => {
    const comfyui = keep(await createLocalComfyUI({ ...flat, runMs: 100 }));
    const dead = await connect({ type: 'segmind', apiKey: 'key', url: 'http://127.0.0.1:9/' });
    const backend = createFailover([dead, await connect({ type: 'comfyui', urls: [comfyui.url] })], {
      clock: systemClock,
      log,
    });
    stage = await openStage({ backend });
    const ana = stage.person('ana');
    const { id } = await ana.character('a pilot');
    const done = await ana.waitFor(id, /\d s on ComfyUI/);
    expect(done.text).not.toContain('Segmind');
  });
});
