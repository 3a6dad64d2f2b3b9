import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createParser } from 'eventsource-parser';
import { Agent, request } from 'undici';
import { z } from 'zod';
import type { Backend } from '../../src/backends/backend.ts';
import { createBackend } from '../../src/backends/index.ts';
import { createThreadedBackend } from '../../src/backends/thread.ts';
import { systemClock } from '../../src/clock.ts';
import type { ApproachName } from './messages.ts';

/** Reads one result, and gives how many bytes it got out of it. */
export type Approach = () => Promise<number>;

export async function createApproach(name: ApproachName, url: string): Promise<Approach> {
  if (name === 'memory') return () => readToMemory(url);
  if (name === 'drain') return () => drain(url);
  const config = { type: 'viewcomfy', mode: 'stream', url, clientId: 'id', clientSecret: 'secret' } as const;
  const dependencies = { clock: systemClock, log: { debug() {}, warn() {} } };
  const backend = await (name === 'files' ? createThreadedBackend : createBackend)(config, dependencies);
  return () => readToFiles(backend);
}

/** What the bot does, all of it. */
async function readToFiles(backend: Backend): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'));
  const { signal } = new AbortController();
  let bytes = 0;
  for await (const event of backend.run({ folder, parameters: { '1-inputs-seed': 1 }, files: {}, signal })) {
    if (event.type === 'file-ready') bytes += (await stat(event.path)).size;
  }
  await rm(folder, { recursive: true });
  return bytes;
}

const Result = z.object({ outputs: z.array(z.object({ filename: z.string(), data: z.string() })) });

async function readToMemory(url: string): Promise<number> {
  const body = await post(url);
  const decoder = new TextDecoder();
  let result: unknown;
  const parser = createParser({
    onEvent({ event, data }) {
      if (event === 'prompt_result') result = JSON.parse(data);
    },
  });
  for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }));
  const files = Result.parse(result).outputs.map(({ data }) => Buffer.from(data, 'base64'));
  return files.reduce((sum, { length }) => sum + length, 0);
}

async function drain(url: string): Promise<number> {
  const body = await post(url);
  let bytes = 0;
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  body.on('end', resolve).on('error', reject);
  await promise;
  return bytes;
}

async function post(url: string) {
  const { body } = await request(url, { method: 'POST', body: 'x', dispatcher: new Agent({ pipelining: 0 }) });
  return body;
}
