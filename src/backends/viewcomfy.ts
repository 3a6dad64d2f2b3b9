import type { Clock } from '../clock.ts';
import { BackendError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { addressOf } from './address.ts';
import type { Backend, BackendEvent, ResumeRequest } from './backend.ts';
import { createCleaner } from './detail.ts';
import { download } from './download.ts';
import { createHttp } from './http.ts';
import { forDeployed } from './parameters.ts';
import { createPatience, type Patience } from './patience.ts';
import { createResultFiles } from './result-files.ts';
import { createResultHosts } from './result-hosts.ts';
import { createSlabs } from './slabs.ts';
import { createDeployment } from './viewcomfy/deployment.ts';
import type { Session } from './viewcomfy/mode.ts';
import { createNotes } from './viewcomfy/notes.ts';
import { createPoll } from './viewcomfy/poll.ts';
import { outputsOf, type Result } from './viewcomfy/result.ts';

export interface ViewComfyOptions {
  /** what people read: `ViewComfy`, unless it is a stand-in */
  readonly name?: string;
  /** the deployment's endpoint as the dashboard shows it; nothing is added to it */
  readonly url: string;
  /** ViewComfy's own API, for runs that are asked for there: `https://api.viewcomfy.com/api/workflow/infer` */
  readonly apiUrl?: string;
  /**
   * How ViewComfy is spoken to.
   * - `stream`: the deployment answers with its log and then the result. The only way that shows progress.
   * - `plain`: the deployment answers with the result alone, at an address of its own once the run takes long.
   * - `poll`: ViewComfy's API takes the run for the deployment and is asked how it stands. The only way in which a run
   *   can be stopped, and is found again whenever the bot stops.
   *
   * Without a mode the addresses decide. With `apiUrl` it is `poll`: whoever names the API wants it, it is what
   * ViewComfy documents today, and it asks nothing of the connection but short questions. With the deployment's address
   * alone it is `stream`: it needs no second address, works with every deployment since the first, and people who wait
   * for minutes see the run go on. `plain` is never chosen unasked: it is for what stands between and breaks streams.
   */
  readonly mode?: 'stream' | 'plain' | 'poll';
  readonly clientId: string;
  readonly clientSecret: string;
  /** how long nothing may be heard: 10 minutes, because a cold start is silent for some of them */
  readonly idleTimeoutMs?: number;
  /** how long a run may take in all: 40 minutes, as ViewComfy's own clients have it */
  readonly totalTimeoutMs?: number;
  /** of all result files of a run together: 128 MiB, eight times what the character workflow gives */
  readonly maxResultBytes?: number;
  /**
   * hosts that result files may be fetched from, besides those of `url` and `apiUrl`; `*.` in front means all below.
   * ViewComfy's own and the storage it uses: `*.viewcomfy.com`, `*.amazonaws.com`
   */
  readonly resultHosts?: readonly string[];
}

export interface ViewComfyDependencies {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

const API_URL = 'https://api.viewcomfy.com/api/workflow/infer';
const MINUTE = 60_000;
const MIB = 1024 * 1024;
/** What a result has besides its files: the prompt, which is the whole workflow. */
const RESULT_EXTRA_BYTES = 8 * MIB;

/** Runs workflows on ViewComfy, in whichever of its ways the options say. */
export function createViewComfy(options: ViewComfyOptions, { clock, log }: ViewComfyDependencies): Backend {
  const { apiUrl = API_URL, clientId, clientSecret, maxResultBytes = 128 * MIB } = options;
  const keys = { client_id: clientId, client_secret: clientSecret };
  const deployment = addressOf(options.url, keys);
  const api = addressOf(apiUrl, keys);
  const clean = createCleaner([clientSecret, clientId, ...deployment.secrets, ...api.secrets]);
  const { resultHosts = ['*.viewcomfy.com', '*.amazonaws.com'] } = options;
  const allows = createResultHosts([deployment.url.hostname, api.url.hostname, ...resultHosts]);
  const notes = createNotes(log);
  const slabs = createSlabs();
  const waits = new Set<Patience>();
  const closing = new AbortController();
  const shared = {
    maxAnswerBytes: Math.ceil((maxResultBytes * 4) / 3) + RESULT_EXTRA_BYTES,
    clean,
    notes,
  };
  const mode = createMode(options.mode ?? (options.apiUrl === undefined ? 'stream' : 'poll'));

  return {
    name: options.name ?? 'ViewComfy',
    capabilities: mode.capabilities,
    run: (request) => perform(request, (session) => mode.run(forDeployed(request), session)),
    resume: (handle, request) => perform(request, (session) => mode.resume(handle, session)),
    async close() {
      closing.abort();
      for (const patience of waits) patience.end(new BackendError('the bot is closing', { type: 'cancelled' }));
      await mode.close();
    },
  };

  function createMode(name: NonNullable<ViewComfyOptions['mode']>) {
    if (name !== 'poll') return createDeployment({ ...shared, address: deployment, logs: name === 'stream' });
    return createPoll({
      ...shared,
      address: api,
      // As it was given: the service may compare it letter by letter.
      deployment: deployment.secrets.length === 0 ? options.url : deployment.url.href,
      clock,
      log,
      closing: closing.signal,
    });
  }

  /** What every mode has in common: the wait, its end, and the way of the files to the folder. */
  async function* perform(
    { folder, signal, timeouts = {} }: ResumeRequest,
    begin: (session: Session) => AsyncGenerator<BackendEvent, Result>,
  ): AsyncGenerator<BackendEvent> {
    if (closing.signal.aborted) throw new BackendError('the bot is closing', { type: 'cancelled', billed: 'no' });
    const patience = createPatience({
      clock,
      idleTimeoutMs: timeouts.idleMs ?? options.idleTimeoutMs ?? 10 * MINUTE,
      totalTimeoutMs: timeouts.totalMs ?? options.totalTimeoutMs ?? 40 * MINUTE,
      signal,
    });
    const http = createHttp({ name: 'ViewComfy', clock, patience, clean });
    const files = createResultFiles({
      folder,
      maxBytes: maxResultBytes,
      maxSkeletonBytes: RESULT_EXTRA_BYTES,
      slabs,
      download: async (address) => download(address, { http, patience, allows }),
      signal: patience.signal,
    });
    waits.add(patience);
    try {
      const result = yield* begin({ http, patience, files });
      const placed = await files.place(outputsOf(result, clean));
      log.debug({ files: placed.length, seconds: result.execution_time_seconds }, 'ViewComfy gave its result');
      yield* placed;
    } finally {
      patience.end(new BackendError('the run was left', { type: 'cancelled' }));
      waits.delete(patience);
      await files.close();
    }
  }
}
