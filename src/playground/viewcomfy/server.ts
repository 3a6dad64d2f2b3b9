import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { z } from 'zod';

import { type Clock, systemClock } from '../../clock.ts';
import { answerRun } from './answer.ts';
import { createApi } from './api.ts';
import type { Behaviour } from './behaviour.ts';
import { drawFlat, drawFlux } from '../drawing/flux.ts';
import {
  fillGraph,
  GraphNode,
  isTemporary,
  numbered,
  outputKindOf,
  prefixOf,
  stepsIn,
  type Graph,
} from '../drawing/graph.ts';
import { createPainter } from '../drawing/painter.ts';
import { drawPlain } from '../drawing/plain.ts';
import { checkPictures, isPictureKey } from './pictures-in.ts';
import { type Form, readForm } from './form.ts';
import { createLine } from './line.ts';
import { type Order, readOrder } from './parameters.ts';
import { Refusal, refuse, refuseInput } from './refusal.ts';
import type { OutputFile } from './result.ts';
import { type Run, type RunDependencies, type RunRecord, startRun } from './run.ts';

/**
 * Stands for a ViewComfy deployment: the same requests, answers, waiting and failures, and pictures drawn from what was
 * sent instead of made by a model.
 */
export interface LocalViewComfy {
  /** the endpoint, used as is */
  readonly url: string;
  /** the service's own API, which takes runs for the endpoint */
  readonly apiUrl: string;
  /** the newest thousand, oldest first; they change while the runs do */
  readonly runs: readonly RunRecord[];
  /** the highest number of runs that were running at the same time */
  readonly mostAtOnce: number;
  /** Makes the next runs behave otherwise; further calls are for the runs after those. */
  next(behaviour: Behaviour, times?: number): void;
  /** Cuts every connection, cancels every run and waits for the last one to end. */
  close(): Promise<void>;
}

export interface LocalViewComfyOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  /** 0, the default, takes a free one */
  readonly port?: number;
  readonly host?: string;
  /** the endpoint's path; `/` when absent */
  readonly path?: string;
  /** how long a run takes, at least as long as drawing takes */
  readonly runMs?: number;
  readonly coldStartMs?: number;
  /** how long a container waits for work before the next start is a cold one */
  readonly idleMs?: number;
  /** how many runs at once; more wait, with no answer before their turn */
  readonly atOnce?: number;
  /** when a request that has no answer yet is sent to its result's address */
  readonly redirectAfterMs?: number;
  readonly maxBodyBytes?: number;
  /** of the pictures' sides: 1 gives the sizes of the real workflow, tests take less */
  readonly pictureScale?: number;
  /** `flat`: one colour instead of a drawing, for tests with hundreds of runs */
  readonly drawing?: 'full' | 'flat';
  readonly clock?: Clock;
}

const CALL_ID = '__modal_function_call_id';
const FILES = '/files/';
const KEPT_RECORDS = 1000;
/** Runs whose result can be asked for again: a result is some 30 MB. */
const KEPT_RESULTS = 8;

export async function createLocalViewComfy(options: LocalViewComfyOptions): Promise<LocalViewComfy> {
  const { clientId, clientSecret, port = 0, host = '127.0.0.1', path = '/', clock = systemClock } = options;
  // 30 s and 150 s are the real deployment's idle time and Modal's limit for one answer.
  const { atOnce = 1, idleMs = 30_000, redirectAfterMs = 150_000, pictureScale = 1, drawing = 'full' } = options;
  const maxBodyBytes = options.maxBodyBytes ?? 64 * 1024 * 1024;
  const line = createLine({ clock, atOnce, idleMs });
  // Pictures are drawn one after the other however many runs there are, so that drawing never takes the whole machine.
  const easel = createLine({ clock, atOnce: 1, idleMs });
  const records: RunRecord[] = [];
  const active = new Set<Run>();
  const resumable = new Map<string, Run>();
  const published = new Map<string, { readonly file: OutputFile; readonly broken: boolean }>();
  const behaviours: Behaviour[] = [];
  let fileCount = 0;

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const { status, headers, body } =
        error instanceof Refusal ? error : new Refusal(500, 'Internal Server Error', { 'content-type': 'text/plain' });
      // A body that nobody has read must not keep the client from reading this.
      request.resume();
      response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  const origin = `http://${host}:${typeof address === 'object' && address ? address.port : port}`;

  const url = path === '/' ? origin : `${origin}${path}`;
  const api = createApi({
    url,
    keptRuns: KEPT_RECORDS,
    readForm: async (request) => readForm(request, maxBodyBytes),
    acceptRun,
  });

  const dependencies: Omit<RunDependencies, 'draw' | 'steps'> = {
    clock,
    line,
    runMs: options.runMs ?? 15_000,
    coldStartMs: options.coldStartMs ?? 1500,
    publish(id, file, broken) {
      const location = `${FILES}${id}/${encodeURIComponent(file.filename)}`;
      published.set(location, { file, broken });
      const [oldest] = published.keys();
      if (published.size > KEPT_RESULTS * 15 && oldest !== undefined) published.delete(oldest);
      return `${origin}${location}`;
    },
  };

  async function draw(
    order: Order,
    graph: Graph | undefined,
    cold: boolean,
    signal: AbortSignal,
  ): Promise<OutputFile[]> {
    const turn = await easel.enter(signal);
    try {
      // ComfyUI numbers files by what is in its output folder, which a fresh container does not have.
      fileCount = cold ? 1 : fileCount + 1;
      if (graph) return await drawGraph(graph, order, fileCount, signal);
      const suffix = `_${String(fileCount).padStart(5, '0')}_.png`;
      const pictures = order.flux
        ? await (drawing === 'flat' ? drawFlat(order.flux) : drawFlux(order.flux, pictureScale, signal))
        : await drawPlain(
            [...order.files].filter(([key]) => isPictureKey(key)).map(([, { bytes }]) => bytes),
            JSON.stringify(order.params),
            pictureScale,
          );
      return pictures.map((picture) => ({
        filename: picture.prefix + suffix,
        mediaType: picture.mediaType,
        body: picture.body,
      }));
    } finally {
      turn.leave();
    }
  }

  /** What each node of the workflow that was sent gives, in the workflow's order. */
  async function drawGraph(graph: Graph, { files }: Order, count: number, signal: AbortSignal): Promise<OutputFile[]> {
    const painter = createPainter({ drawing, scale: pictureScale, fileOf: (name) => files.get(name)?.bytes });
    const all = [...graph].filter(([, node]) => outputKindOf(node) !== undefined);
    if (all.length === 0) throw new Error('Prompt has no outputs');
    const kept = all.filter(([, node]) => !isTemporary(node));
    const taken = new Map<string, number>();
    const made: OutputFile[] = [];
    for (const [index, [id, node]] of (kept.length > 0 ? kept : all).entries()) {
      for (const { extension, mediaType, body } of await painter.paint(graph, id, index, signal)) {
        signal.throwIfAborted();
        const { stem } = prefixOf(node);
        const number = count + (taken.get(stem) ?? 0);
        taken.set(stem, number - count + 1);
        made.push({ filename: numbered(node, stem, number, extension), mediaType, body });
      }
    }
    return made;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', origin);
    const stored = published.get(pathname);
    if (stored && request.method === 'GET') {
      // An address that was handed out needs no credentials, as with the real service's storage.
      const { mediaType, body } = stored.file;
      response.writeHead(200, { 'content-type': mediaType, 'content-length': body.length });
      if (stored.broken) response.write(body.subarray(0, body.length / 2), () => response.destroy());
      else response.end(body);
      return;
    }
    if (api.has(pathname)) {
      checkCredentials(request);
      await api.handle(pathname, searchParams, request, response);
      return;
    }
    if (pathname !== path) throw refuse(404, 'Not Found');
    const call = request.method === 'GET' ? searchParams.get(CALL_ID) : null;
    if (request.method !== 'POST' && call === null) {
      throw new Refusal(405, '{"detail":"Method Not Allowed"}', { 'content-type': 'application/json', allow: 'POST' });
    }
    checkCredentials(request);
    const run =
      call === null ? await acceptRun(await readForm(request, maxBodyBytes), () => randomUUID()) : resumable.get(call);
    if (!run) throw new Refusal(404, 'modal-http: function call not found', { 'content-type': 'text/plain' });
    await answerRun(run, response, {
      clock,
      redirectAfterMs: run.behaviour.redirectAfterMs ?? redirectAfterMs,
      handedOver: resumable.has(run.record.id),
      handOver() {
        resumable.set(run.record.id, run);
        const [oldest] = resumable.keys();
        if (resumable.size > KEPT_RESULTS && oldest !== undefined) resumable.delete(oldest);
        return `${origin}${path}?${CALL_ID}=${run.record.id}`;
      },
    });
  }

  function checkCredentials({ headers }: IncomingMessage): void {
    if (headers['client_id'] === clientId && headers['client_secret'] === clientSecret) return;
    throw refuse(401, 'Invalid client_id or client_secret');
  }

  /** @param name gives the run its id, or refuses it */
  async function acceptRun(form: Form, name: () => string, always: Behaviour = {}): Promise<Run> {
    const behaviour = { ...behaviours.shift(), ...always };
    const { refusal } = behaviour;
    if (refusal) {
      const { status, body = '', mediaType = 'application/json', headers = {} } = refusal;
      throw new Refusal(status, body, { 'content-type': mediaType, ...headers });
    }
    const order = readOrder(form);
    const complaints = await checkPictures(form.files);
    if (complaints.length > 0) throw refuseInput(complaints);
    const graph = graphOf(order);
    const run = startRun(name(), order, behaviour, {
      ...dependencies,
      steps: graph && stepsIn(graph),
      draw: (order, cold, signal) => draw(order, graph, cold, signal),
    });
    records.push(run.record);
    if (records.length > KEPT_RECORDS) records.shift();
    active.add(run);
    void run.done.then(() => active.delete(run));
    return run;
  }

  let closing: Promise<void> | undefined;
  async function shut(): Promise<void> {
    const ending = [...active];
    for (const run of ending) run.cancel();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await Promise.all([closed, ...ending.map((run) => run.done)]);
  }

  return {
    url,
    apiUrl: `${origin}/api/workflow/infer`,
    runs: records,
    get mostAtOnce() {
      return line.mostAtOnce;
    },
    next(behaviour, times = 1) {
      behaviours.push(...Array.from({ length: times }, () => behaviour));
    },
    close: () => (closing ??= shut()),
  };
}

/** The workflow that was sent to be run, filled. */
function graphOf({ workflow, params, files }: Order): Graph | undefined {
  if (!workflow) return undefined;
  const nodes = z.record(z.string(), GraphNode.omit({ _meta: true })).parse(workflow);
  // A file's input has the name under which it can be found: its own key.
  const values = [...Object.entries(params), ...[...files.keys()].map((key) => [key, key] as const)];
  return fillGraph(new Map(Object.entries(nodes)), values);
}
