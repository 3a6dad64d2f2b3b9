import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { BackendError, UserError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { fillWorkflow, withSafeSeeds } from '../recipes/workflow.ts';
import { addressOf } from './address.ts';
import { createConversation } from './amqp/conversation.ts';
import { afterSending, follow, noWorkers } from './amqp/follow.ts';
import { createLink } from './amqp/link.ts';
import { createPlaces, type Places } from './amqp/places.ts';
import { atMost } from './amqp/rest.ts';
import type { Backend, BackendEvent, ResumeRequest, RunRequest } from './backend.ts';
import { readOrder } from './comfyui/order.ts';
import { createServer } from './comfyui/server.ts';
import { createCleaner } from './detail.ts';
import { createHttp } from './http.ts';
import { createPatience, type Patience } from './patience.ts';
import { createResultFiles, type ResultFiles } from './result-files.ts';
import { createSlabs } from './slabs.ts';

export interface AmqpOptions {
  /** what people read: `ComfyUI workers` */
  readonly name?: string;
  /** of RabbitMQ, with user, password and virtual host: `amqp://user:password@host:5672/vhost`, or `amqps:` */
  readonly url: string;
  /** the workers' `--distributed-queue-name`: `comfyui` */
  readonly queue?: string;
  /** a folder that the workers write their results to, as it is called on this machine */
  readonly outputDir?: string;
  /** a folder that the workers read pictures from, as it is called on this machine */
  readonly inputDir?: string;
  /** a ComfyUI that has the same folders as the workers: for what `outputDir` and `inputDir` are not there for */
  readonly viewUrl?: string;
  /** sent with every request to `viewUrl` */
  readonly viewHeaders?: Readonly<Record<string, string>>;
  /** how long a run may wait for a worker: half of the time that it may take in all */
  readonly waitTimeoutMs?: number;
  /** how long nothing may be heard of a run that a worker has: 10 minutes */
  readonly idleTimeoutMs?: number;
  /** how long a run may take in all: 40 minutes */
  readonly totalTimeoutMs?: number;
  /** of all result files of a run together: 128 MiB */
  readonly maxResultBytes?: number;
}

export interface AmqpDependencies {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** What one run has for itself. */
interface Session {
  readonly patience: Patience;
  readonly places: Places;
  readonly files: ResultFiles;
}

const MINUTE = 60_000;
const MIB = 1024 * 1024;
/** A broker that is being started, or whose name is not known yet. */
const FIRST_TRIES = 2;
const CLOSE_TIMEOUT_MS = 2000;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * Runs workflows on workers of ComfyUI's hiddenswitch fork, which take them out of a queue of RabbitMQ.
 *
 * There is no way to stop a run there: `capabilities.cancel` is false, and a run that is cancelled is only not waited for
 * any more. Whether it runs twice is not ours to decide either: RabbitMQ gives what a dead worker had to the next one.
 * @throws UserError for options that cannot work
 */
export function createAmqp(options: AmqpOptions, { clock, log }: AmqpDependencies): Backend {
  const { queue = 'comfyui', maxResultBytes = 128 * MIB } = options;
  const address = checkAddress(options.url);
  const view = options.viewUrl === undefined ? undefined : addressOf(options.viewUrl, options.viewHeaders ?? {});
  if (options.outputDir === undefined && !view) {
    throw new UserError(
      'The results of ComfyUI workers must be reachable: set the folder that they write to, or the address of a ComfyUI that shows it.',
    );
  }
  const clean = createCleaner([...address.secrets, ...Object.values(view?.headers ?? {}), ...(view?.secrets ?? [])]);
  const link = createLink({ url: address.url, clock, log });
  const closing = new AbortController();
  const slabs = createSlabs();
  const waits = new Set<Patience>();
  const over = new Set<Promise<void>>();

  return {
    name: options.name ?? 'ComfyUI workers',
    capabilities: { progress: true, preview: true, cancel: false, resume: true, handleFirst: true },
    run: (request) => perform(request, (session) => send(request, session)),
    resume: (handle, request) => perform(request, (session) => find(handle, session)),
    async close() {
      closing.abort();
      for (const patience of waits) patience.end(new BackendError('the bot is closing', { type: 'cancelled' }));
      // Those that are not being read do not end by themselves.
      await atMost(clock, CLOSE_TIMEOUT_MS, Promise.all(over));
      await link.close();
    },
  };

  async function* send(request: RunRequest, { patience, places, files }: Session): AsyncGenerator<BackendEvent> {
    const { order, warnings } = readOrder(request);
    for (const warning of warnings) yield { type: 'warning-raised', warning };
    const id = randomUUID();
    const { totalMs = options.totalTimeoutMs ?? 40 * MINUTE } = request.timeouts ?? {};
    const waitMs = options.waitTimeoutMs ?? totalMs / 2;
    const conversation = createConversation({ link, patience, log, queue, id, waitMs });
    let isSent = false;
    try {
      await conversation.open(false, FIRST_TRIES);
      const state = await link.inspect(queue);
      if (!state) throw noWorkers(queue);
      const pictures = await places.put(id, order.files);
      const { workflow } = fillWorkflow(order.workflow, pictures);
      patience.signal.throwIfAborted();
      // Whoever listens stores it before he asks for the next event: nothing is sent that could not be found again.
      yield { type: 'handle-assigned', handle: id };
      patience.signal.throwIfAborted();
      isSent = true;
      conversation.publish(withSafeSeeds(workflow));
      const common = { id, queue, conversation, link, patience, clock, log, clean };
      const given = yield* follow({ ...common, workflow, waiting: state.ready });
      yield* await files.place(places.outputsOf(given));
    } catch (error) {
      throw isSent ? error : unbilled(error);
    } finally {
      await leave(id, conversation, places, isSent);
    }
  }

  async function* find(handle: string, { patience, places, files }: Session): AsyncGenerator<BackendEvent> {
    if (!UUID.test(handle)) throw unknown();
    const conversation = createConversation({ link, patience, log, queue, id: handle, waitMs: 0 });
    let isFound = false;
    try {
      // A broker that is not there yet is waited for: nobody else knows what became of the run.
      isFound = await conversation.open(true);
      if (!isFound) throw unknown();
      const common = { id: handle, queue, conversation, link, patience, clock, log, clean };
      yield* await files.place(places.outputsOf(yield* follow(common)));
    } catch (error) {
      throw isFound ? error : afterSending(error);
    } finally {
      await leave(handle, conversation, places, true);
    }
  }

  /** What is left behind for a bot that comes back is the queue of the reply, and the pictures. */
  async function leave(
    id: string,
    conversation: ReturnType<typeof createConversation>,
    places: Places,
    isSent: boolean,
  ): Promise<void> {
    const isKept = closing.signal.aborted && isSent;
    await atMost(clock, CLOSE_TIMEOUT_MS, conversation.end(!isKept));
    if (!isKept) await places.remove(id);
  }

  /** What every run has: the wait, its end, and the way of the files to the folder. */
  async function* perform(
    { folder, signal, timeouts = {} }: ResumeRequest,
    begin: (session: Session) => AsyncGenerator<BackendEvent>,
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
    const places = createPlaces({ ...options, server: view && createServer(view), http, patience, log });
    const files = createResultFiles({
      folder,
      maxBytes: maxResultBytes,
      // Results come as files alone.
      maxSkeletonBytes: 0,
      slabs,
      download: async (address) => places.read(address),
      signal: patience.signal,
    });
    const end = Promise.withResolvers<void>();
    waits.add(patience);
    over.add(end.promise);
    try {
      yield* begin({ patience, places, files });
    } finally {
      patience.end(new BackendError('the run was left', { type: 'cancelled' }));
      waits.delete(patience);
      await files.close();
      over.delete(end.promise);
      end.resolve();
    }
  }
}

/** @throws UserError */
function checkAddress(given: string): { readonly url: string; readonly secrets: readonly string[] } {
  const url = URL.parse(given);
  try {
    if (!url || !/^amqps?:$/.test(url.protocol)) throw new TypeError('another protocol');
    // As RabbitMQ has it: https://www.rabbitmq.com/docs/uri-spec
    if (url.username === '' && url.password === '') [url.username, url.password] = ['guest', 'guest'];
    for (const part of [url.username, url.pathname]) decodeURIComponent(part);
    return { url: url.href, secrets: [url.password, decodeURIComponent(url.password)] };
  } catch {
    // Without a cause: it would have the password.
    throw new UserError(
      'The address of RabbitMQ must be amqp://user:password@host:5672/vhost, or begin with amqps://. Special characters in it are written as in any URL (%40 for @).',
    );
  }
}

/** Nothing was sent, so nothing can cost anything. */
function unbilled(error: unknown): unknown {
  if (!(error instanceof BackendError) || error.billed === 'no') return error;
  const { type, detail, parameters, retryable, message } = error;
  const about = { type, parameters, retryable, billed: 'no', cause: error } as const;
  return new BackendError(message, { ...about, ...(detail !== undefined && { detail }) });
}

function unknown(): BackendError {
  return new BackendError('RabbitMQ knows nothing of this run', {
    type: 'unknown',
    detail: 'RabbitMQ was restarted, or has waited too long for the bot: it knows nothing of this run any more.',
  });
}
