import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { WebSocketServer, type WebSocket } from 'ws';
import { z } from 'zod';
import { parsePythonJson } from '../../src/backends/python-json.ts';

/** Traffic of real servers, which lies beside the repository or is not there. */
const FOLDER = new URL('../../../shared/recordings/', import.meta.url);
export const HINT = 'no recordings of real servers: they lie in ../shared/recordings';

const Line = z.object({
  t: z.number(),
  src: z.string(),
  client: z.string().optional(),
  dir: z.string().optional(),
  kind: z.string().optional(),
  text: z.string().optional(),
  json: z.unknown().optional(),
  b64: z.string().nullish(),
  method: z.string().optional(),
  path: z.string().optional(),
  req: z.object({ json: z.unknown().optional() }).nullish(),
  res: z.object({ status: z.number(), json: z.unknown().optional(), text: z.string().optional() }).nullish(),
});
export type Line = z.infer<typeof Line>;

export function hasRecordings(): boolean {
  return existsSync(FOLDER);
}

export async function readRecording(name: string): Promise<Line[]> {
  const lines = createInterface({ input: createReadStream(new URL(`${name}.jsonl`, FOLDER)) });
  return (await Array.fromAsync(lines)).map((line) => Line.parse(parsePythonJson(line)));
}

/** One run of a recording: its frames as they came, and how it ended. */
export interface RecordedRun {
  readonly promptId: string;
  readonly frames: readonly (string | Buffer)[];
  readonly ending: 'execution_success' | 'execution_error' | 'execution_interrupted';
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly lastMessage: unknown;
}

const Started = z.object({ type: z.literal('execution_start'), data: z.object({ prompt_id: z.string() }) });
const Executed = z.object({
  type: z.literal('executed'),
  data: z.object({ prompt_id: z.string(), node: z.string(), output: z.unknown() }),
});
const Ended = z.object({
  type: z.enum(['execution_success', 'execution_error', 'execution_interrupted']),
  data: z.object({ prompt_id: z.string() }),
});

/** The runs that the first client of a recording saw from their start to their end, each with all frames between. */
export function runsOf(lines: readonly Line[]): RecordedRun[] {
  const client = lines.find(({ src }) => src === 'ws')?.client;
  const frames = lines.filter((line) => line.src === 'ws' && line.client === client && line.dir === 'recv');
  return frames.flatMap((frame, start) => {
    const promptId = Started.safeParse(frame.json).data?.data.prompt_id;
    const end = frames.findIndex(({ json }) => Ended.safeParse(json).data?.data.prompt_id === promptId);
    const ending = Ended.safeParse(frames[end]?.json).data;
    if (promptId === undefined || promptId.length !== 36 || !ending) return [];
    // A few more: the word that it is written down, and whatever follows.
    const seen = frames.slice(start, end + 4);
    const outputs = seen.flatMap(({ json }) => {
      const executed = Executed.safeParse(json).data?.data;
      return executed?.prompt_id === promptId ? [[executed.node, executed.output] as const] : [];
    });
    return [
      {
        promptId,
        frames: seen.map(({ kind, text, json, b64 }) =>
          kind === 'binary' ? Buffer.from(b64 ?? '', 'base64') : (text ?? JSON.stringify(json)),
        ),
        ending: ending.type,
        outputs: Object.fromEntries(outputs),
        lastMessage: ending.data,
      },
    ];
  });
}

export interface Replay {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A server that does with the next prompt what the recorded one did with its own, under the name that it is given now.
 * Everything comes in pieces of random length, cut wherever it may be.
 */
export async function replay(run: RecordedRun, picture: Buffer, random: () => number): Promise<Replay> {
  let own = '';
  let isWritten = false;
  const renamed = (text: string) => text.replaceAll(run.promptId, own);
  const server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await Array.fromAsync(request)).toString('utf8');
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const answer = (value: unknown) => {
        const json = JSON.stringify(value);
        response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(json);
      };
      if (pathname === '/upload/image') answer({ name: 'in.png', subfolder: 'troupe', type: 'input' });
      else if (pathname === '/view') response.writeHead(200, { 'content-type': 'image/png' }).end(picture);
      else if (pathname === '/queue') answer({ queue_running: [[1, own, {}, {}, []]], queue_pending: [] });
      else if (pathname.startsWith('/history/')) answer(isWritten ? historyOf() : {});
      else if (pathname === '/prompt') {
        own = z.object({ prompt_id: z.string() }).parse(JSON.parse(body)).prompt_id;
        // The first frames come before the answer, as they do where something is cached.
        const half = Math.floor(run.frames.length / 2);
        for (const frame of run.frames.slice(0, half)) tell(frame);
        answer({ prompt_id: own, number: 1, node_errors: {} });
        isWritten = true;
        for (const frame of run.frames.slice(half)) tell(frame);
      } else response.writeHead(404).end();
    })();
  });
  const sockets = new WebSocketServer({ server });

  function tell(frame: string | Buffer): void {
    for (const socket of sockets.clients) socket.send(typeof frame === 'string' ? renamed(frame) : renamedBytes(frame));
  }

  function renamedBytes(frame: Buffer): Buffer {
    const copy = Buffer.from(frame);
    // Names are equally long, so that no length in the frame changes.
    const at = copy.indexOf(run.promptId);
    if (at >= 0) copy.write(own, at);
    return copy;
  }

  function historyOf(): object {
    const status = {
      status_str: run.ending === 'execution_success' ? 'success' : 'error',
      completed: run.ending === 'execution_success',
      messages: [[run.ending, run.lastMessage]],
    };
    return { [own]: { prompt: [1, own, {}, {}, []], outputs: run.outputs, status } };
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cutter = await createCutter(portOf(server.address()), random);
  return {
    url: `http://127.0.0.1:${cutter.port}`,
    async close() {
      for (const socket of sockets.clients) terminate(socket);
      await cutter.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function terminate(socket: WebSocket): void {
  socket.terminate();
}

/** Passes bytes on in pieces of random length, each as a packet of its own as far as that can be had. */
async function createCutter(port: number, random: () => number) {
  const open = new Set<Socket>();
  const server = createTcpServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    client.setNoDelay(true);
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length;) {
        const length = 1 + Math.floor(random() ** 3 * 4000);
        client.write(chunk.subarray(at, at + length));
        at += length;
      }
    });
    upstream.on('end', () => client.end());
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server.address()),
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
