import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { findRabbitMq, startRabbitMq } from '../../test/rabbitmq.ts';
import type { ClientName, Counts, RoundResult, ServiceTask } from './backends-messages.ts';
import { openPair, type Setting } from './backends-pair.ts';
import { installSdks } from './backends-sdks.ts';
import { benchTroubles, type TroubleLine } from './backends-troubles.ts';

/**
 * What a job costs that takes no time: a thousand jobs over each backend, one after another and eight at once, against
 * stand-ins that answer as soon as they can; beside them the public SDKs for ComfyUI with the same jobs at the same
 * stand-in, and the least that can be done (`bare`). Client and stand-in are processes of their own: time and memory are
 * the client's, requests are counted by the stand-in. A job uploads a picture, asks, waits, and writes the files down.
 *
 * Where a backend can only ask every second or so, its clock is a hundred times as fast, so that it is not its pauses
 * that are measured; its milliseconds say little then, its CPU and requests all.
 *
 * Found with this on two shared and busy cores, Node 24.21.0, eight at once, runs of 25 ms: ours 9.8 ms, 8.4 ms of CPU, 7
 * requests and a socket of its own a job; `bare` 7 requests and 4.8 ms of CPU; stable-canvas 6 (it never asks for the
 * history) and 5.8; saintno 17.6 and 8.4. Of all settings together ours lost none of 4000, of stable-canvas 11 of 3700
 * hung, of saintno 12 of 3384, and 86 failed. Ours spends its CPU on connections: none is kept, so that a prompt that was
 * lost can be told from one that was taken.
 */
export interface BackendsOptions {
  readonly quick: boolean;
  readonly tell: (progress: string) => void;
}

interface Subject {
  readonly client: ClientName;
  readonly service: ServiceTask['service'];
  /** how long a run takes at the stand-in, milliseconds */
  readonly runMs: number;
}

interface BackendLine {
  readonly client: string;
  readonly runMs: number;
  readonly atOnce: number;
  readonly jobs: number;
  /** of each job: the whole time divided by their number */
  readonly ms: number;
  readonly cpuMs: number;
  readonly requests: number | null;
  readonly sockets: number | null;
  readonly connections: number | null;
  readonly files: number;
  readonly peakMb: number;
  readonly hung: number;
  readonly failed: number;
}

export interface BackendsReport {
  readonly lines: readonly BackendLine[];
  /** the others divided by ours, where they did all jobs */
  readonly ratios: readonly Readonly<Record<string, string | number>>[];
  readonly troubles: readonly TroubleLine[];
}

const JOBS_AT_ONCE = 8;
const LIMIT_MS = 5000;
/** A run that is over before its request is answered is what one SDK cannot do: so they are compared with another too. */
const SHORT_RUN_MS = 25;
const OURS: readonly Subject[] = [
  { client: 'viewcomfy-stream', service: 'viewcomfy', runMs: 0 },
  { client: 'viewcomfy-poll', service: 'viewcomfy', runMs: 0 },
  { client: 'comfyui-v1', service: 'fork-with-workers', runMs: 0 },
  { client: 'segmind', service: 'segmind', runMs: 0 },
];

export async function benchBackends({ quick, tell }: BackendsOptions): Promise<BackendsReport> {
  const home = await mkdtemp(join(tmpdir(), 'troupe-backends-'));
  try {
    const background = '#c03060';
    await sharp({ create: { width: 96, height: 64, channels: 3, background } })
      .png()
      .toFile(join(home, 'character.png'));
    const sdks = await installSdks(home, tell);
    const rivals: ClientName[] = sdks === undefined ? ['bare'] : ['bare', 'stable-canvas', 'saintno'];
    const comfyui = [0, SHORT_RUN_MS].flatMap((runMs) =>
      (['comfyui', ...rivals] as const).map((client) => ({ client, service: 'comfyui', runMs }) as const),
    );
    const jobs = quick ? 100 : 1000;
    const lines = await measureAll([...OURS, ...comfyui], { home, sdks, jobs, tell });
    const path = findRabbitMq();
    if (path !== undefined) {
      const broker = await startRabbitMq(path);
      try {
        const amqp = { client: 'amqp', service: 'amqp', runMs: 0 } as const;
        lines.push(...(await measureAll([amqp], { home, sdks, jobs, tell, broker: broker.url })));
      } finally {
        await broker.close();
      }
    }
    const clients = (['comfyui', 'stable-canvas', 'saintno'] as const).filter(
      (client) => client === 'comfyui' || sdks !== undefined,
    );
    const troubles = await benchTroubles(clients, { tell, open: (task) => openPair(task, { home, sdks }) });
    return { lines, ratios: ratiosOf(lines), troubles };
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function measureAll(
  subjects: readonly Subject[],
  { jobs, tell, broker, ...setting }: Setting & { jobs: number; tell: (progress: string) => void; broker?: string },
): Promise<BackendLine[]> {
  const lines: BackendLine[] = [];
  for (const subject of subjects) {
    for (const atOnce of [1, JOBS_AT_ONCE]) {
      tell(`${jobs} jobs, ${atOnce} at once: ${subject.client}, runs of ${subject.runMs} ms`);
      const task = { ...subject, atOnce: JOBS_AT_ONCE, ...(broker !== undefined && { broker }) };
      const pair = await openPair(task, setting);
      try {
        // So that code is compiled and connections are there that stay.
        await pair.perform({ jobs: 40, atOnce, limitMs: 2000 });
        await pair.count();
        const result = await pair.perform({ jobs, atOnce, limitMs: LIMIT_MS });
        lines.push(lineOf(subject, atOnce, result, await pair.count()));
      } finally {
        pair.end();
      }
    }
  }
  return lines;
}

function lineOf({ client, service, runMs }: Subject, atOnce: number, result: RoundResult, counts: Counts): BackendLine {
  const { hung, failed, done } = result;
  const jobs = hung + failed + done;
  // What a broker is asked is not counted here.
  const isHttp = service !== 'amqp';
  const each = (count: number) => round(count / jobs);
  return {
    client,
    runMs,
    atOnce,
    jobs,
    ms: each(result.ms),
    cpuMs: each(result.cpuMs),
    requests: isHttp ? each(counts.requests) : null,
    sockets: isHttp ? each(counts.sockets) : null,
    connections: isHttp ? each(counts.connections) : null,
    files: each(result.files),
    peakMb: round(result.peakMb, 1),
    hung,
    failed,
  };
}

function ratiosOf(lines: readonly BackendLine[]): BackendsReport['ratios'] {
  return lines.flatMap(({ client, runMs, atOnce, hung, failed, ...line }) => {
    const ours = lines.find((one) => one.client === 'comfyui' && one.runMs === runMs && one.atOnce === atOnce);
    if (!['bare', 'stable-canvas', 'saintno'].includes(client) || !ours || hung + failed > 0) return [];
    return {
      'divided by ours': client,
      runMs,
      atOnce,
      ms: round(line.ms / ours.ms),
      cpuMs: round(line.cpuMs / ours.cpuMs),
      requests: round((line.requests ?? NaN) / (ours.requests ?? NaN)),
      peakMb: round(line.peakMb / ours.peakMb),
    };
  });
}

function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
