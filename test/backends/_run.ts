import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import sharp from 'sharp';
import { expect } from 'vitest';
import type { Backend, BackendEvent, RunRequest } from '../../src/backends/backend.ts';
import { BackendError } from '../../src/errors.ts';

/** A place for one test's runs: a picture to send and a folder for what comes back. */
export interface Desk {
  readonly request: RunRequest;
  readonly sent: Buffer;
  abort(): void;
  /** what lies in the result folder */
  results(): Promise<string[]>;
  /** for another run of the same test */
  clearResults(): Promise<void>;
  clear(): Promise<void>;
}

/** @param asked what its runs ask for, where that is not what the character workflow of ViewComfy is asked */
export async function createDesk(asked: Partial<RunRequest> = {}): Promise<Desk> {
  const home = await mkdtemp(join(tmpdir(), 'troupe-run-'));
  const folder = join(home, 'out');
  await mkdir(folder);
  const path = join(home, 'character.png');
  const sent = await sharp({ create: { width: 96, height: 64, channels: 3, background: '#c03060' } })
    .png()
    .toBuffer();
  await writeFile(path, sent);
  const controller = new AbortController();
  return {
    sent,
    request: {
      folder,
      signal: controller.signal,
      parameters: {
        '594-inputs-string': 'a woman with grüne eyes 🎭',
        '499-inputs-noise_seed': Number.MAX_SAFE_INTEGER,
      },
      files: { '626-inputs-image': { name: 'character.png', mediaType: 'image/png', path, size: sent.length } },
      ...asked,
    },
    abort: () => controller.abort(),
    results: () => readdir(folder),
    async clearResults() {
      for (const name of await readdir(folder)) await rm(join(folder, name));
    },
    clear: () => rm(home, { recursive: true }),
  };
}

export async function collect(events: AsyncIterable<BackendEvent>): Promise<BackendEvent[]> {
  return await Array.fromAsync(events);
}

type FileReady = Extract<BackendEvent, { type: 'file-ready' }>;

function filesOf(events: readonly BackendEvent[]): FileReady[] {
  return events.filter((event) => event.type === 'file-ready');
}

/** Every reported file is whole, inside the folder, and nothing else is there. */
export async function expectFiles(desk: Desk, events: readonly BackendEvent[]): Promise<FileReady[]> {
  const files = filesOf(events);
  const found = (await desk.results()).map((name) => join(desk.request.folder, name));
  expect(found.sort()).toEqual(files.map(({ path }) => path).sort());
  for (const { path, size } of files) expect((await readFile(path)).length).toBe(size);
  return files;
}

/** How a run fails: as a `BackendError`, with no file left and no secret told, wherever one looks. */
export async function failureOf(
  backend: Backend,
  desk: Desk,
  secrets: readonly string[],
  request: RunRequest = desk.request,
): Promise<BackendError> {
  const error: unknown = await collect(backend.run(request)).catch((reason: unknown) => reason);
  if (!(error instanceof BackendError)) throw new Error(`no BackendError but ${inspect(error)}`);
  const told = `${inspect(error, { depth: 10 })}${JSON.stringify(error)}`;
  for (const secret of secrets) expect(told).not.toContain(secret);
  expect(error.detail ?? '').not.toMatch(/[\r\n]|Traceback|\/root\//);
  expect((error.detail ?? '').length).toBeLessThanOrEqual(300);
  expect(await desk.results()).toEqual([]);
  return error;
}
