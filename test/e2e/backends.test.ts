import { pino } from 'pino';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import character from '../../commands/character.ts';
import type { Backend } from '../../src/backends/backend.ts';
import { createFailover } from '../../src/backends/failover.ts';
import { createBackend, type BackendConfig } from '../../src/backends/index.ts';
import { systemClock } from '../../src/clock.ts';
import { createLocalComfyUI } from '../../src/playground/comfyui/server.ts';
import { createLocalSegmind } from '../../src/playground/segmind/server.ts';
import { createLocalViewComfy } from '../../src/playground/viewcomfy/server.ts';
import type { Recipe } from '../../src/recipes/recipe.ts';
import { PORTRAIT } from './portraits.ts';
import { openStage, type Stage } from './stage.ts';

const log = pino({ level: 'silent' });
const keys = { clientId: 'stage', clientSecret: 'only-for-the-stage-71bd02' };
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

  it('takes only the recipes that it can run, whichever is asked first', async () => {
    const comfyui = keep(await createLocalComfyUI({ ...flat, runMs: 100 }));
    const viewcomfy = keep(await createLocalViewComfy({ ...keys, ...flat, runMs: 100, coldStartMs: 0 }));
    const backend = createFailover(
      [
        { ...(await connect({ type: 'viewcomfy', url: viewcomfy.url, ...keys })), kind: 'viewcomfy' },
        { ...(await connect({ type: 'comfyui', urls: [comfyui.url] })), kind: 'comfyui' },
      ],
      { clock: systemClock, log },
    );
    const recipes: Recipe[] = [
      character,
      { ...character, name: 'portrait', backends: ['comfyui'] },
      { ...character, name: 'earlier', backends: ['segmind'] },
    ];
    stage = await openStage({ backend, recipes });
    const ana = stage.person('ana');
    const options = { prompt: 'a pilot', character: await PORTRAIT };
    const portrait = await ana.answer(await ana.call('portrait', options));
    await ana.waitFor(portrait.id, /\d s on ComfyUI/);
    expect([viewcomfy.runs.length, comfyui.runs.length]).toEqual([0, 1]);
    const both = await ana.character('a pilot');
    await ana.waitFor(both.id, /\d s on ViewComfy/);
    expect([viewcomfy.runs.length, comfyui.runs.length]).toEqual([1, 1]);
    const earlier = await ana.answer(await ana.call('earlier', options));
    const failed = await ana.waitFor(earlier.id, /nothing now that can run this command/);
    expect(failed.text).not.toContain('said');
    expect(failed.text).not.toContain('paid for');
    expect([viewcomfy.runs.length, comfyui.runs.length]).toEqual([1, 1]);
  });
});

describe('what a run takes and costs', () => {
  it('is told from the first job on as its recipe has it, and the time as it was measured after a few', async () => {
    const recipe: Recipe = { ...character, estimate: { seconds: 240, cost: '2 credits' } };
    const stage = await openStage({ recipes: [recipe], viewcomfy: { drawing: 'flat', runMs: 50 } });
    try {
      const ana = stage.person('ana');
      // Long enough to be seen while it runs.
      stage.viewcomfy.next({ runMs: 3000 });
      const first = await ana.character('a pilot');
      const running = await ana.waitFor(first.id, /Running/);
      expect(running.text).toContain('A run: usually about 4 min · 2 credits');
      expect(running.text).toContain('done about <t:');
      await ana.waitFor(first.id, /\d s on ViewComfy · 2 credits/);
      for (let run = 0; run < 2; run += 1) {
        const { id } = await ana.character('a pilot');
        await ana.waitFor(id, /\d s on ViewComfy/);
      }
      stage.viewcomfy.next({ runMs: 3000 });
      const last = await ana.character('a pilot');
      expect((await ana.waitFor(last.id, /Running/)).text).toContain('A run: usually about 5 s · 2 credits');
    } finally {
      await stage.close();
    }
  });
});
