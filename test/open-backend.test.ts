import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend, RunRequest } from '../src/backends/backend.ts';
import type { BackendSettings } from '../src/config-backends.ts';
import { openBackend } from '../src/open-backend.ts';
import { createLocalComfyUI } from '../src/playground/comfyui/server.ts';
import { createLocalViewComfy } from '../src/playground/viewcomfy/server.ts';
import type { BackendKind } from '../src/recipes/recipe.ts';

const keys = { clientId: 'open', clientSecret: 'only-for-this-test-91b2' };
const flat = { drawing: 'flat', pictureScale: 0.1, runMs: 10 } as const;
const graph = { '9': { class_type: 'SaveImage', inputs: { filename_prefix: 'out', images: ['8', 0] } } };

describe('the backends that are configured', () => {
  const toClose: (() => Promise<void>)[] = [];
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'troupe-open-'));
  });
  afterEach(async () => {
    for (const close of toClose.splice(0).toReversed()) await close();
    await rm(folder, { recursive: true });
  });

  function keep<T extends { close(): Promise<void> }>(server: T): T {
    toClose.push(() => server.close());
    return server;
  }

  async function open(...backends: BackendSettings[]): Promise<Backend> {
    const limits = { runningPerUser: 1, waitingPerUser: 1, runningAtOnce: 1, runMs: 60_000 };
    return keep(await openBackend({ backends, limits, childEnvironment: {} }, pino({ level: 'silent' })));
  }

  /** What is told of a run before its handle, or how it ended. */
  async function firstOf(backend: Backend, kinds: readonly BackendKind[]): Promise<unknown> {
    const request: RunRequest = {
      folder,
      signal: new AbortController().signal,
      parameters: { '9-inputs-filename_prefix': 'out' },
      files: {},
      workflow: graph,
      kinds,
    };
    try {
      for await (const event of backend.run(request)) return event;
      return 'nothing';
    } catch (error) {
      return error;
    }
  }

  it('are asked only for what they can run: one of them', async () => {
    const viewcomfy = keep(await createLocalViewComfy({ ...keys, ...flat, coldStartMs: 0 }));
    const backend = await open({ type: 'viewcomfy', url: viewcomfy.url, ...keys });
    expect(backend.kind).toBe('viewcomfy');
    expect(await firstOf(backend, ['comfyui'])).toMatchObject({ type: 'unsuited', billed: 'no' });
    expect(viewcomfy.runs).toHaveLength(0);
    expect(await firstOf(backend, ['viewcomfy'])).not.toMatchObject({ type: 'unsuited' });
  });

  it('are asked only for what they can run: several', async () => {
    const viewcomfy = keep(await createLocalViewComfy({ ...keys, ...flat, coldStartMs: 0 }));
    const comfyui = keep(await createLocalComfyUI(flat));
    const backend = await open(
      { type: 'viewcomfy', url: viewcomfy.url, ...keys },
      { type: 'comfyui', servers: { urls: [comfyui.url] } },
    );
    expect(await firstOf(backend, ['comfyui'])).toMatchObject({ type: 'backend-chosen', name: 'ComfyUI' });
    expect(await firstOf(backend, ['viewcomfy', 'comfyui'])).toMatchObject({ name: 'ViewComfy' });
    expect(await firstOf(backend, ['segmind'])).toMatchObject({ type: 'unsuited', billed: 'no' });
  });

  it('of the playground run everything', async () => {
    const backend = await open({ type: 'local-viewcomfy', runMs: 10, coldStartMs: 0 });
    expect(backend.kind).toBeUndefined();
    expect(await firstOf(backend, ['segmind'])).not.toMatchObject({ type: 'unsuited' });
  });
});
