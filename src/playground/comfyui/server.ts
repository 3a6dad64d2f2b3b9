import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { type Clock, systemClock } from '../../clock.ts';
import { createPainter } from '../drawing/painter.ts';
import { readForm } from '../viewcomfy/form.ts';
import { Refusal } from '../viewcomfy/refusal.ts';
import { historyOf, plain, queueOf, readBody } from './answers.ts';
import type { Behaviour } from './behaviour.ts';
import { createEngine, strangersPrompt, type Engine } from './engine.ts';
import { createFolders } from './folders.ts';
import { checkPrompt } from './prompt.ts';
import { createRest } from './rest.ts';
import type { Entry } from './run.ts';
import { createSockets } from './sockets.ts';

/** Stands for a ComfyUI server: the same routes, events, queue and failures, and pictures drawn instead of made by a model. */
export interface LocalComfyUI {
  readonly url: string;
  /** the newest thousand, oldest first, without strangers'; they change while the runs do */
  readonly runs: readonly RunRecord[];
  /** the highest number of runs that were running at the same time */
  readonly mostAtOnce: number;
  /** every request, as `GET /queue`, in the order in which they came */
  readonly requests: readonly string[];
  /** how many files were uploaded, counting the same again */
  readonly uploads: number;
  /** Makes the next runs behave otherwise; further calls are for the runs after those. */
  next(behaviour: Behaviour, times?: number): void;
  /** As when the process is killed and started again at once: every connection is lost, and every run forgotten. */
  restart(): Promise<void>;
  /** Somebody else's run joins the queue. Gives its id. */
  addStranger(runMs: number): string;
  /** How a run of somebody else, or of ours, stands; undefined for one that never was. */
  outcome(id: string): Entry['outcome'] | undefined;
  /** Cuts every connection, ends every run and waits for the last one. */
  close(): Promise<void>;
}

interface RunRecord {
  readonly id: string;
  readonly client: string | undefined;
  readonly graph: Entry['graph'];
  readonly extra: Entry['extra'];
  readonly receivedAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly outcome: Entry['outcome'];
}

export interface LocalComfyUIOptions {
  /**
   * - `comfyui`: the original
   * - `fork`: the hiddenswitch fork as one process
   * - `fork-with-workers`: its frontend with workers behind it
   */
  readonly flavour?: 'comfyui' | 'fork' | 'fork-with-workers';
  /** of the original: what it knows follows from it; 0.12.1 */
  readonly version?: string;
  /** 0, the default, takes a free one */
  readonly port?: number;
  readonly host?: string;
  /** how long a run takes, at least as long as drawing takes */
  readonly runMs?: number;
  /** steps of the node that takes longest, where the workflow does not say */
  readonly steps?: number;
  /** how many runs at once: 1, as with the original */
  readonly atOnce?: number;
  /** what a proxy in front wants of every request */
  readonly headers?: Readonly<Record<string, string>>;
  /** which kinds of nodes there are; any when absent */
  readonly nodes?: readonly string[];
  readonly maxBodyBytes?: number;
  /** of the pictures' sides: 1 gives 1280 by 720, tests take less */
  readonly pictureScale?: number;
  /** `flat`: one colour instead of a drawing, for tests with hundreds of runs */
  readonly drawing?: 'full' | 'flat';
  readonly clock?: Clock;
}

export async function createLocalComfyUI(options: LocalComfyUIOptions = {}): Promise<LocalComfyUI> {
  const { flavour = 'comfyui', version = '0.12.1', host = '127.0.0.1', clock = systemClock } = options;
  const { drawing = 'full', pictureScale = 1, maxBodyBytes = 104_857_600 } = options;
  const wanted = Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  const has = (since: string) => isAtLeast(version, since);
  const isFork = flavour !== 'comfyui';
  const hasWorkers = flavour === 'fork-with-workers';
  const folders = createFolders();
  const requests: string[] = [];
  const behaviours: Behaviour[] = [];
  const isAllowed = (headers: NodeJS.Dict<string | string[]>) =>
    wanted.every(([name, value]) => headers[name] === value);

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) return void response.destroy();
      const trouble = '500 Internal Server Error\n\nServer got itself in trouble';
      const { status, headers, body } = error instanceof Refusal ? error : plain(500, trouble);
      // A body that nobody has read must not keep the client from reading this.
      request.resume();
      response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
    });
  });
  const sockets = createSockets({
    server,
    isAllowed,
    hasMetadata: has('0.3.44'),
    remaining: () => engine.waiting.length + engine.running.length,
  });
  const engine: Engine = createEngine({
    clock,
    sockets,
    folders,
    painter: createPainter({ drawing, scale: pictureScale, fileOf: folders.load }),
    runMs: options.runMs ?? 15_000,
    steps: options.steps ?? 20,
    atOnce: options.atOnce ?? 1,
    tellsEnd: !hasWorkers,
    cache: new Map(),
    tells: {
      progress: hasWorkers ? 'nobody' : isFork ? 'all' : 'owner',
      progressState: has('0.3.44'),
      absolutePaths: isFork,
      cachedToNobody: hasWorkers,
      previews: hasWorkers,
    },
  });
  const rest = createRest({ engine, hasWorkers, accept, readBody: (request) => readBody(request, maxBodyBytes) });
  server.listen(options.port ?? 0, host);
  await once(server, 'listening');
  const address = server.address();
  const url = `http://${host}:${typeof address === 'object' && address ? address.port : options.port}`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    const path = pathname.replace(/^\/api(?=\/)/, '');
    requests.push(`${request.method} ${path}`);
    if (!isAllowed(request.headers)) throw plain(401, 'Authorization Required');
    const muted = engine.running.find(({ behaviour }) => behaviour.ending === 'silence');
    if (muted && request.method === 'GET' && path.includes(muted.id)) return;
    const cut = engine.running.find(({ behaviour }) => behaviour.cut && !wasCut.has(behaviour));
    if (cut && request.method === 'GET' && path.includes(cut.id)) {
      wasCut.add(cut.behaviour);
      return void response.destroy();
    }
    if (isFork && path.startsWith('/v1/prompts')) return await rest.handle(request, response, path);
    const answer = await answerTo(request, response, path, searchParams);
    if (answer === undefined) return;
    const body = typeof answer === 'string' ? answer : JSON.stringify(answer);
    const type = body === '' ? 'application/octet-stream' : 'application/json; charset=utf-8';
    response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
  }

  const wasCut = new Set<Behaviour>();

  /** JSON, an empty body, or nothing for what has answered itself. */
  async function answerTo(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<unknown> {
    const post = async () => Object(JSON.parse(await readBody(request, maxBodyBytes)));
    switch (`${request.method} ${path.replace(/^(\/history|\/object_info)\/.*/, '$1/*')}`) {
      case 'GET /prompt':
        return { exec_info: { queue_remaining: engine.waiting.length + engine.running.length } };
      case 'POST /prompt':
        return await takePrompt(await post(), response);
      case 'GET /queue':
        return queueOf(engine, flavour);
      case 'POST /queue': {
        const { delete: ids } = await post();
        // With workers nothing that was sent can be had back.
        if (!hasWorkers && Array.isArray(ids)) for (const id of ids) engine.remove(String(id));
        return '';
      }
      case 'POST /interrupt': {
        const { prompt_id: id } = Object(JSON.parse((await readBody(request, maxBodyBytes)) || '{}'));
        if (!hasWorkers) engine.interrupt(has('0.3.57') && typeof id === 'string' ? id : undefined);
        return '';
      }
      case 'GET /history':
      case 'GET /history/*':
        return historyOf(engine, path === '/history' ? undefined : decodeURIComponent(path.slice(9)), flavour);
      case 'POST /upload/image': {
        const { fields, files } = await readForm(request, maxBodyBytes);
        const image = files.get('image');
        if (!image) throw plain(400, '');
        if (`${fields.get('subfolder')}/${image.filename}`.includes('..')) throw plain(400, '');
        if (!['input', 'temp', 'output', undefined].includes(fields.get('type'))) throw new Error('no such folder');
        return folders.upload(image, fields);
      }
      case 'GET /view':
        view(query, response);
        return undefined;
      case 'GET /system_stats':
        return { system: { os: 'posix', comfyui_version: version, python_version: '3.11.2' }, devices: [] };
      case 'GET /object_info':
        return Object.fromEntries((options.nodes ?? []).map((kind) => [kind, { name: kind }]));
      case 'GET /object_info/*': {
        const kind = decodeURIComponent(path.slice(13));
        return options.nodes?.includes(kind) ? { [kind]: { name: kind } } : {};
      }
      default:
        throw plain(404, '404: Not Found');
    }
  }

  async function takePrompt(body: Record<string, unknown>, response: ServerResponse): Promise<unknown> {
    const { prompt_id: wished, client_id: client, extra_data: extra, front, prompt } = body;
    const own = typeof wished === 'string' && has('0.3.45') ? wished : randomUUID();
    const { entry, nodeErrors } = accept(prompt, {
      id: own,
      client: typeof client === 'string' ? client : undefined,
      extra: Object(extra),
      isFirst: front === true,
    });
    if (entry.behaviour.answerLost) {
      response.destroy();
      return undefined;
    }
    return { prompt_id: entry.id, number: entry.number, node_errors: entry.behaviour.nodeErrors ?? nodeErrors };
  }

  /** @throws Refusal 400 with what is wrong with it, or what a test wants it to be answered */
  function accept(prompt: unknown, about: Pick<Entry, 'id' | 'client' | 'extra'> & { isFirst: boolean }) {
    const behaviour = behaviours.shift() ?? {};
    if (behaviour.refusal) {
      const { status, body = '', mediaType = 'application/json', headers = {} } = behaviour.refusal;
      throw new Refusal(status, body, { 'content-type': mediaType, ...headers });
    }
    const checked = checkPrompt(prompt, (name) => folders.load(name) !== undefined, options.nodes);
    if ('error' in checked) {
      const { error, nodeErrors } = checked;
      throw new Refusal(400, JSON.stringify({ error, node_errors: nodeErrors }), {
        'content-type': 'application/json',
      });
    }
    for (let count = 0; count < (behaviour.behind ?? 0); count += 1) {
      engine.add({ ...strangersPrompt(behaviour), id: randomUUID() });
    }
    const { graph, outputs, nodeErrors } = checked;
    return { entry: engine.add({ ...about, graph, outputs, behaviour, isForeign: false }), nodeErrors };
  }

  /** Which file of which run breaks off, and whether it did. */
  const broken = new Set<string>();

  function view(query: URLSearchParams, response: ServerResponse): void {
    const filename = query.get('filename');
    if (!filename) throw plain(404, '');
    if (filename.includes('..') || filename.startsWith('/')) throw plain(400, '');
    const [type, subfolder] = [query.get('type') ?? 'output', query.get('subfolder') ?? ''];
    if (!['output', 'input', 'temp'].includes(type)) throw plain(400, '');
    if (subfolder.includes('..')) throw plain(403, '');
    const body = folders.get(type, subfolder, filename);
    if (!body) throw plain(404, '');
    const breaks = engine.entries.at(-1)?.behaviour.filesBreak;
    response.writeHead(200, {
      'content-type': MEDIA_TYPES.get(extname(filename)) ?? 'application/octet-stream',
      'content-length': body.length,
      'content-disposition': `filename="${filename}"`,
    });
    if (breaks === 'always' || (breaks === 'once' && !broken.has(filename))) {
      broken.add(filename);
      response.write(body.subarray(0, body.length / 2), () => response.destroy());
    } else response.end(body);
  }

  let closing: Promise<void> | undefined;
  async function shut(): Promise<void> {
    const closed = once(server, 'close');
    sockets.cut();
    server.close();
    server.closeAllConnections();
    await Promise.all([closed, engine.end()]);
  }

  return {
    url,
    get runs() {
      return engine.entries.filter(({ isForeign }) => !isForeign);
    },
    get mostAtOnce() {
      return engine.mostAtOnce;
    },
    requests,
    get uploads() {
      return folders.uploads;
    },
    next(behaviour, times = 1) {
      behaviours.push(...Array.from({ length: times }, () => behaviour));
    },
    async restart() {
      sockets.cut();
      server.closeAllConnections();
      await engine.end();
      folders.clear('temp');
    },
    addStranger: (runMs) => engine.add({ ...strangersPrompt({ runMs }), id: randomUUID() }).id,
    outcome: (id) => engine.entries.findLast((entry) => entry.id === id)?.outcome,
    close: () => (closing ??= shut()),
  };
}

const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.webp', 'image/webp'],
  ['.webm', 'video/webm'],
  ['.wav', 'audio/x-wav'],
]);

function isAtLeast(version: string, since: string): boolean {
  const [a, b] = [version, since].map((text) => text.split('.').map(Number));
  for (const [index, part] of (b ?? []).entries()) {
    const own = a?.[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}
