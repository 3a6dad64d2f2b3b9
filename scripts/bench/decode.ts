import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from './child.ts';
import {
  Addresses,
  APPROACHES,
  Done,
  type Load,
  Measurement,
  MB,
  Pings,
  Ready,
  type ApproachName,
  type Task,
} from './messages.ts';

/**
 * From the socket to files: results of 1 to 150 MB of base64, by four approaches.
 * - `files`: the backend as the bot has it, in its thread: request, decoding, files under their names
 * - `files-unthreaded`: the same on the main thread
 * - `memory`: undici, eventsource-parser, `JSON.parse`, and the bytes in memory
 * - `drain`: undici alone, reading and discarding: what there is to lose
 *
 * Every measurement has a fresh process, the server another one; the approaches take turns, so that what else the machine
 * does meets all of them. Megabytes are 10^6 bytes, rates are of base64, memory is the highest resident size above that
 * at the start, the stall is the longest time in which the main thread did nothing else.
 *
 * Found with this on two shared cores, Node 24.21.0, undici 6.29.1, medians of five. 150 MB, over plain and TLS, 16 and
 * 64 KB chunks: 0.63 to 0.68 of the rate of `drain`, 11 to 16 MB, stalls of 5 to 7 ms; `memory` 0.24 to 0.33, 652 to
 * 675 MB, 290 to 338 ms. The thread is for company: with 24 results of 50 MB at 10 MB/s each beside a heap of 200 MB, p99
 * of a ping is 3.3 ms in the thread and 81 ms without it (CPU 2.5 s and 8.4 s), 7.3 s for `memory`; as fast as can be, 9.4
 * and 46 ms, 7.4 s. What it costs is up to some milliseconds for a result of 1 MB (17 and 11 ms).
 */
export interface DecodeOptions {
  readonly quick: boolean;
  readonly tell: (progress: string) => void;
}

interface Setting {
  readonly mb: number;
  readonly chunk: number;
  readonly tls: boolean;
}

interface Line extends Setting {
  readonly approach: ApproachName;
  /** how many measurements the medians are of */
  readonly n: number;
  readonly ms: number;
  readonly mbPerSecond: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly stallMs: number;
  readonly worstStallMs: number;
}

interface CrowdLine extends Pick<Line, 'approach' | 'n' | 'ms' | 'cpuMs' | 'peakMb' | 'stallMs'> {
  readonly jobs: number;
  readonly mb: number;
  readonly heapMb: number;
  /** of each, `null` for as fast as can be */
  readonly mbPerSecondEach: number | null;
  readonly pingP50Ms: number;
  readonly pingP99Ms: number;
  readonly pingMaxMs: number;
}

export interface DecodeReport {
  readonly lines: readonly Line[];
  readonly crowd: readonly CrowdLine[];
  /** `files` as a share of the other two, by setting */
  readonly ratios: Readonly<
    Record<string, { readonly rateToDrain: number; readonly rateToMemory: number; readonly peakToMemory: number }>
  >;
}

const KB = 1024;
const CROWD = { jobs: 24, mb: 50, heapMb: 200, chunk: 16 * KB } as const;

export async function benchDecode({ quick, tell }: DecodeOptions): Promise<DecodeReport> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'));
  const server = startChild('server.ts');
  try {
    const { plain, tls, cert } = await server.hear(Addresses);
    const certFile = join(folder, 'cert.pem');
    await writeFile(certFile, cert);
    const env = { NODE_EXTRA_CA_CERTS: certFile };
    const lines = await benchSettings();
    return { lines, crowd: await benchCrowd(), ratios: ratiosOf(lines) };

    async function benchSettings(): Promise<Line[]> {
      const settings = settingsOf(quick);
      const rounds = quick ? 3 : 5;
      const found = new Map<string, Measurement[]>();
      for (let round = 1; round <= rounds; round += 1) {
        for (const setting of settings) {
          tell(`round ${round} of ${rounds}: ${nameOf(setting)}`);
          for (const approach of APPROACHES) {
            const task = { approach, url: setting.tls ? tls : plain, jobs: 1, heapMb: 0 };
            const { measurement } = await measure(task, setting);
            const key = `${approach} ${nameOf(setting)}`;
            found.set(key, [...(found.get(key) ?? []), checked(measurement, setting.mb)]);
          }
        }
      }
      return settings.flatMap((setting) =>
        APPROACHES.map((approach) => lineOf(approach, setting, found.get(`${approach} ${nameOf(setting)}`) ?? [])),
      );
    }

    async function benchCrowd(): Promise<CrowdLine[]> {
      const lines: CrowdLine[] = [];
      for (const rate of [10, null]) {
        for (const approach of ['files', 'files-unthreaded', 'memory'] as const) {
          // Of the other one nobody needs the third digit, and it takes its time.
          const rounds = approach === 'memory' ? 1 : quick ? 3 : 5;
          tell(`${CROWD.jobs} at once, ${approach}, ${rate ?? 'any number of'} MB/s each`);
          const { mb, chunk, jobs, heapMb } = CROWD;
          const load = { mb, chunk, ...(rate !== null && { mbPerSecond: rate }) };
          const found: { measurement: Measurement; pings: Pings }[] = [];
          for (let round = 0; round < rounds; round += 1) {
            found.push(await measure({ approach, url: plain, jobs, heapMb }, load));
          }
          const of = (pick: (one: (typeof found)[number]) => number) => round(median(found.map(pick)));
          lines.push({
            approach,
            jobs,
            mb,
            heapMb,
            mbPerSecondEach: rate,
            n: rounds,
            ms: of(({ measurement }) => measurement.ms),
            cpuMs: of(({ measurement }) => measurement.cpuMs),
            peakMb: of(({ measurement }) => measurement.peakMb),
            stallMs: of(({ measurement }) => measurement.stallMs),
            pingP50Ms: of(({ pings }) => pings.p50),
            pingP99Ms: of(({ pings }) => pings.p99),
            pingMaxMs: of(({ pings }) => pings.max),
          });
        }
      }
      return lines;
    }

    /** One measurement in a process of its own; another one asks it for a word all the while, if it has company. */
    async function measure(task: Task, load: Load): Promise<{ measurement: Measurement; pings: Pings }> {
      await setLoad({ mb: 1, chunk: load.chunk });
      const child = startChild('measure.ts', env);
      const pinger = task.jobs > 1 ? startChild('pinger.ts') : undefined;
      try {
        child.send(task);
        const { port } = await child.hear(Ready);
        await setLoad(load);
        pinger?.send(port);
        child.send('go');
        const measurement = await child.hear(Measurement);
        pinger?.send('stop');
        const pings = (await pinger?.hear(Pings)) ?? { count: 0, p50: 0, p99: 0, max: 0 };
        return { measurement, pings };
      } finally {
        pinger?.end();
        child.end();
      }
    }

    async function setLoad({ mb, chunk, mbPerSecond }: Load): Promise<void> {
      server.send({ mb, chunk, mbPerSecond });
      await server.hear(Done);
    }
  } finally {
    server.end();
    await rm(folder, { recursive: true });
  }
}

function settingsOf(quick: boolean): Setting[] {
  if (quick) return [64 * KB, 16 * KB].map((chunk) => ({ mb: 150, chunk, tls: chunk === 16 * KB }));
  return [1, 10, 50, 150].flatMap((mb) =>
    [16 * KB, 64 * KB].flatMap((chunk) => [false, true].map((tls) => ({ mb, chunk, tls }))),
  );
}

function lineOf(approach: ApproachName, setting: Setting, found: readonly Measurement[]): Line {
  const ms = median(found.map(({ ms }) => ms));
  return {
    approach,
    ...setting,
    n: found.length,
    ms: round(ms),
    mbPerSecond: round((setting.mb / ms) * 1000),
    cpuMs: round(median(found.map(({ cpuMs }) => cpuMs))),
    peakMb: round(median(found.map(({ peakMb }) => peakMb))),
    stallMs: round(median(found.map(({ stallMs }) => stallMs))),
    worstStallMs: round(Math.max(...found.map(({ stallMs }) => stallMs))),
  };
}

/** An approach that loses bytes would be quick. */
function checked(measurement: Measurement, mb: number): Measurement {
  if (measurement.bytes < mb * 0.74 * MB) throw new Error(`only ${measurement.bytes} bytes of ${mb} MB came out`);
  return measurement;
}

function ratiosOf(lines: readonly Line[]): DecodeReport['ratios'] {
  const of = (approach: ApproachName, name: string) =>
    lines.find((line) => line.approach === approach && nameOf(line) === name) ?? { mbPerSecond: NaN, peakMb: NaN };
  const names = [...new Set(lines.map(nameOf))];
  return Object.fromEntries(
    names.map((name) => {
      const [files, memory, drain] = [of('files', name), of('memory', name), of('drain', name)];
      return [
        name,
        {
          rateToDrain: round(files.mbPerSecond / drain.mbPerSecond, 2),
          rateToMemory: round(files.mbPerSecond / memory.mbPerSecond, 2),
          peakToMemory: round(files.peakMb / memory.peakMb, 3),
        },
      ];
    }),
  );
}

function nameOf({ mb, chunk, tls }: Setting): string {
  return `${mb} MB, ${chunk / KB} KB chunks, ${tls ? 'TLS' : 'plain'}`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
