import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createParser } from 'eventsource-parser';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { createBackend } from '../../src/backends/index.ts';
import { systemClock } from '../../src/clock.ts';
import type { ApproachName } from './messages.ts';

/** Reads one result from an address, and gives how many bytes of files it got out of it. */
export type Approach = (url: string) => Promise<number>;

export function createApproach(name: ApproachName): Approach {
  if (name === 'files') return readToFiles;
  return name === 'memory' ? readToMemory : drain;
}

/** What the bot does, all of it. */
async function readToFiles(url: string): Promise<number> {
  const log = { debug() {}, warn() {} };
  const backend = createBackend(
    { type: 'viewcomfy', url, clientId: 'id', clientSecret: 'secret', mode: 'stream' },
    { clock: systemClock, log },
  );
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'));
  try {
    let bytes = 0;
    const run = backend.run({
      folder,
      parameters: { '1-inputs-seed': 1 },
      files: {},
      signal: new AbortController().signal,
    });
    for await (const event of run) if (event.type === 'file-ready') bytes += (await stat(event.path)).size;
    return bytes;
  } finally {
    await backend.close();
    await rm(folder, { recursive: true });
  }
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
