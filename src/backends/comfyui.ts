import type { Clock } from '../clock.ts';
import { BackendError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { addressOf } from './address.ts';
import type { Backend, BackendEvent, ResumeRequest, RunRequest } from './backend.ts';
import { createAsk } from './comfyui/ask.ts';
import { readHandle, type Mode, type Session } from './comfyui/mode.ts';
import { createNative } from './comfyui/native.ts';
import { readOrder } from './comfyui/order.ts';
import { createPool } from './comfyui/pool.ts';
import { createServer, type Server } from './comfyui/server.ts';
import { createV1 } from './comfyui/v1.ts';
import { createCleaner } from './detail.ts';
import { download } from './download.ts';
import { createHttp, type Http } from './http.ts';
import { createPatience, type Patience } from './patience.ts';
import { createResultFiles, type ResultOutput } from './result-files.ts';
import { createSlabs } from './slabs.ts';

export interface ComfyUIOptions {
  /** what people read: `ComfyUI` */
  readonly name?: string;
  /** addresses of one server or of several, which then share the runs: `http://127.0.0.1:8188` */
  readonly urls: readonly string[];
  /** sent with every request and with the socket, for a proxy that wants to know who comes */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * How the server is spoken to.
   * - `native`: ComfyUI's own API, which the hiddenswitch fork has too
   * - `v1`: the REST API of the fork, for its frontend with workers; shows no progress and stops nothing
   */
  readonly api?: 'native' | 'v1';
  /** the server is the fork's frontend with workers behind it: what was sent to it cannot be stopped */
  readonly hasWorkers?: boolean;
  /** how previews are made: `auto`. Servers before December 2025 decide by themselves */
  readonly previews?: 'auto' | 'latent2rgb' | 'taesd' | 'none';
  /** how long nothing may be heard: 10 minutes. While a server answers, it is heard */
  readonly idleTimeoutMs?: number;
  /** how long a run may take in all: 40 minutes */
  readonly totalTimeoutMs?: number;
  /** of all result files of a run together: 128 MiB */
  readonly maxResultBytes?: number;
}

export interface ComfyUIDependencies {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

const MINUTE = 60_000;
const MIB = 1024 * 1024;

/** Runs workflows on ComfyUI servers. */
export function createComfyUI(options: ComfyUIOptions, { clock, log }: ComfyUIDependencies): Backend {
  const {
    urls,
    headers = {},
    api = 'native',
    hasWorkers = false,
    previews = 'auto',
    maxResultBytes = 128 * MIB,
  } = options;
  if (urls.length === 0) throw new Error('ComfyUI needs the address of one server at least');
  const addresses = urls.map((url) => addressOf(url, headers));
  const clean = createCleaner([...Object.values(headers).flatMap(secretsOf), ...addresses.flatMap((a) => a.secrets)]);
  const ask = createAsk({ clock, clean });
  const pool = createPool({ servers: addresses.map(createServer), ask, log });
  const closing = new AbortController();
  const mode: Mode =
    api === 'v1'
      ? createV1({ ask, clean, clock, log })
      : createNative({ previews, cancels: !hasWorkers, ask, clean, clock, log, closing: closing.signal });
  const slabs = createSlabs();
  const waits = new Set<Patience>();

  return {
    name: options.name ?? 'ComfyUI',
    capabilities: mode.capabilities,
    run: (request) => perform(request, (run) => runSomewhere(request, run)),
    resume: (handle, request) => perform(request, (run) => find(handle, run)),
    async close() {
      closing.abort();
      for (const patience of waits) patience.end(new BackendError('the bot is closing', { type: 'cancelled' }));
      await mode.close();
    },
  };

  /** On the least busy server; on another one where that has certainly not begun. */
  async function* runSomewhere(
    request: RunRequest,
    run: Pick<Session, 'http' | 'patience'>,
  ): AsyncGenerator<BackendEvent, ResultOutput[]> {
    const { order, warnings } = readOrder(request);
    for (const warning of warnings) yield { type: 'warning-raised', warning };
    const tried = new Set<Server>();
    for (;;) {
      const { server, leave } = await pool.take(run.patience.signal, tried);
      tried.add(server);
      try {
        return yield* mode.run(order, { ...run, server, taken: leave });
      } catch (error) {
        const isOpen = error instanceof BackendError && error.retryable && !run.patience.signal.aborted;
        if (!isOpen || tried.size === pool.servers.length) throw error;
        log.warn({ error, server: server.id }, 'A ComfyUI server gave a run back: another one is tried');
      } finally {
        leave();
      }
    }
  }

  async function* find(
    handle: string,
    run: Pick<Session, 'http' | 'patience'>,
  ): AsyncGenerator<BackendEvent, ResultOutput[]> {
    const { serverId = '', promptId = '' } = readHandle(handle) ?? {};
    const server = pool.byId(serverId);
    // The headers go there: an old handle must not take them to a server that is not ours any more.
    if (!server) throw new BackendError('the handle of another server', { type: 'unintelligible' });
    return yield* mode.resume(promptId, { ...run, server, taken() {} });
  }

  /** What every way has in common: the wait, its end, and the way of the files to the folder. */
  async function* perform(
    { folder, signal, timeouts = {} }: ResumeRequest,
    begin: (run: Pick<Session, 'http' | 'patience'>) => AsyncGenerator<BackendEvent, ResultOutput[]>,
  ): AsyncGenerator<BackendEvent> {
    if (closing.signal.aborted) throw new BackendError('the bot is closing', { type: 'cancelled', billed: 'no' });
    if (signal.aborted) throw new BackendError('cancelled', { type: 'cancelled', billed: 'no', cause: signal.reason });
    const patience = createPatience({
      clock,
      idleTimeoutMs: timeouts.idleMs ?? options.idleTimeoutMs ?? 10 * MINUTE,
      totalTimeoutMs: timeouts.totalMs ?? options.totalTimeoutMs ?? 40 * MINUTE,
      signal,
    });
    const http = createHttp({ name: 'ComfyUI', clock, patience, clean });
    const files = createResultFiles({
      folder,
      maxBytes: maxResultBytes,
      // Results come as files alone.
      maxSkeletonBytes: 0,
      slabs,
      download: async (address) => downloadFrom(address, http, patience),
      signal: patience.signal,
    });
    waits.add(patience);
    try {
      const placed = await files.place(yield* begin({ http, patience }));
      log.debug({ files: placed.length }, 'ComfyUI gave its result');
      yield* placed;
    } finally {
      patience.end(new BackendError('the run was left', { type: 'cancelled' }));
      waits.delete(patience);
      await files.close();
    }
  }

  function downloadFrom(address: string, http: Http, patience: Patience): AsyncIterable<Buffer> {
    const owner = pool.servers.find((server) => server.owns(new URL(address)));
    const allows = (url: URL) => owner?.owns(url) ?? false;
    return download(address, { http, patience, allows, ...(owner && { headers: owner.headers }) });
  }
}

/** A header whole, and the word behind its scheme alone: `Bearer …`. */
function secretsOf(value: string): string[] {
  return [value, ...value.split(/\s+/).slice(1)];
}
