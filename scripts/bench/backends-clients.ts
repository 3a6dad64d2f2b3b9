import { createRequire } from 'node:module';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { Backend } from '../../src/backends/backend.ts';
import { createBackend, type BackendConfig } from '../../src/backends/index.ts';
import { systemClock, type Clock } from '../../src/clock.ts';
import { fillWorkflow, type Workflow } from '../../src/recipes/workflow.ts';
import { createQuickClock } from '../../test/quick-clock.ts';
import {
  KEYS,
  PARAMETERS,
  QUEUE,
  REFUSED,
  TWO_OUTPUTS,
  WORKFLOW,
  type ClientTask,
  type Place,
  type Round,
} from './backends-messages.ts';

interface Job {
  readonly seed: number;
  /** for the files */
  readonly folder: string;
  readonly workflow: NonNullable<Round['workflow']>;
}

/** Uploads a picture, asks for pictures, waits for them and writes them into the folder. */
export interface BenchClient {
  /** @returns how many files came */
  run(job: Job): Promise<number>;
}

const WORKFLOWS: Readonly<Record<Job['workflow'], Workflow>> = {
  good: WORKFLOW,
  'two-outputs': TWO_OUTPUTS,
  refused: REFUSED,
};
const TEXT = 'a pilot in a red scarf';
/** Where there is no way but to ask every second: otherwise it would be the pauses that are measured. */
const TIMES = 100;

export async function createClient({ client, place, home, sdks = '' }: ClientTask): Promise<BenchClient> {
  const path = join(home, 'character.png');
  const bytes = await readFile(path);
  const upload = { bytes, name: 'character.png' };
  switch (client) {
    case 'bare':
      return createBare(place, upload);
    case 'stable-canvas':
      return await createStableCanvas(place, upload, sdks);
    case 'saintno':
      return await createSaintno(place, upload, sdks);
    case 'viewcomfy-stream':
      return await ours({ type: 'viewcomfy', mode: 'stream', url: place.url, ...KEYS });
    case 'viewcomfy-poll':
      return await ours({ type: 'viewcomfy', mode: 'poll', ...pick(place), ...KEYS }, createQuickClock(TIMES));
    case 'comfyui':
      // The SDKs ask for no previews.
      return await ours({ type: 'comfyui', urls: [place.url], previews: 'none' });
    case 'comfyui-v1':
      return await ours({ type: 'comfyui', api: 'v1', urls: [place.url] }, createQuickClock(TIMES));
    case 'segmind':
      return await ours({ type: 'segmind', url: place.url, apiKey: KEYS.clientSecret, values: { samples: 4 } });
    case 'amqp':
      return await ours({ type: 'amqp', url: place.url, queue: QUEUE, ...place.folders });
  }

  async function ours(config: BackendConfig, clock: Clock = systemClock): Promise<BenchClient> {
    const backend = await createBackend(config, { clock, log: { debug() {}, warn() {} } });
    const picture = { name: 'character.png', mediaType: 'image/png', path, size: bytes.length };
    const files = { [PARAMETERS.image]: picture };
    // Segmind has attributes, and knows them by the parameters of the character workflow.
    const segmind = {
      parameters: { '594-inputs-string': TEXT },
      files: { '626-inputs-image': picture, '625-inputs-image': picture },
    };
    return {
      run: async ({ seed, folder, workflow }) =>
        await filesOf(backend, {
          folder,
          parameters: { [PARAMETERS.text]: TEXT, [PARAMETERS.seed]: seed },
          files,
          ...(config.type === 'segmind' ? segmind : { workflow: WORKFLOWS[workflow] }),
        }),
    };
  }
}

function pick({ url, apiUrl = '' }: Place): { url: string; apiUrl: string } {
  return { url, apiUrl };
}

async function filesOf(backend: Backend, job: Omit<Parameters<Backend['run']>[0], 'signal'>): Promise<number> {
  let files = 0;
  const { signal } = new AbortController();
  for await (const event of backend.run({ ...job, signal })) if (event.type === 'file-ready') files += 1;
  return files;
}

interface Upload {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly name: string;
}

function fill(job: Job, image: string): Workflow {
  const values = { [PARAMETERS.text]: TEXT, [PARAMETERS.seed]: job.seed, [PARAMETERS.image]: image };
  return fillWorkflow(WORKFLOWS[job.workflow], values).workflow;
}

function formOf({ bytes, name }: Upload): FormData {
  const form = new FormData();
  form.append('image', new Blob([bytes], { type: 'image/png' }), name);
  return form;
}

const Uploaded = z.object({ name: z.string() });
const Images = z.object({
  images: z.array(z.object({ filename: z.string(), subfolder: z.string(), type: z.string() })),
});
const History = z.record(z.string(), z.object({ outputs: z.record(z.string(), Images) }));

/**
 * The least that the job can take: one socket and connections that are kept for all jobs, and not one question, check or
 * thought more than it needs when nothing goes wrong.
 */
async function createBare({ url }: Place, { bytes, name }: Upload): Promise<BenchClient> {
  const dispatcher = new Agent();
  const id = crypto.randomUUID();
  const ends = new Map<string, () => void>();
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?clientId=${id}`, { perMessageDeflate: false });
  socket.on('message', (data) => {
    const { type, data: about } = JSON.parse(Buffer.isBuffer(data) ? data.toString('utf8') : '{}');
    if (type === 'executing' && about.node === null) ends.get(about.prompt_id)?.();
  });
  await new Promise((resolve) => socket.once('open', resolve));
  const boundary = 'x'.repeat(40);
  const form = Buffer.concat([
    Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="image"; filename="${name}"\r\ncontent-type: image/png\r\n\r\n`,
    ),
    bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);

  async function ask(path: string, type?: string, body?: Buffer | string) {
    const headers = type === undefined ? {} : { 'content-type': type };
    const method = body === undefined ? 'GET' : 'POST';
    const answer = await request(`${url}${path}`, { dispatcher, method, headers, body: body ?? null });
    return answer.body;
  }

  return {
    async run(job) {
      const uploaded = await ask('/upload/image', `multipart/form-data; boundary=${boundary}`, form);
      const { name: image } = Uploaded.parse(await uploaded.json());
      const promptId = crypto.randomUUID();
      const ended = new Promise<void>((resolve) => ends.set(promptId, resolve));
      const prompt = JSON.stringify({ prompt: fill(job, image), prompt_id: promptId, client_id: id });
      await (await ask('/prompt', 'application/json', prompt)).dump();
      await ended;
      ends.delete(promptId);
      const history = History.parse(await (await ask(`/history/${promptId}`)).json());
      const images = Object.values(history[promptId]?.outputs ?? {}).flatMap(({ images }) => images);
      await Promise.all(
        images.map(async (image, index) => {
          const body = await ask(`/view?${new URLSearchParams(image).toString()}`);
          await writeFile(join(job.folder, `${index}.png`), body);
        }),
      );
      return images.length;
    },
  };
}

const made = <T>() => z.custom<T>((value) => typeof value === 'function');

interface StableCanvasClient {
  connect(): Promise<unknown>;
  fetchApi(route: string, options: RequestInit): Promise<Response>;
  enqueue(prompt: Workflow): Promise<unknown>;
}
const StableCanvas = z.object({
  Client: made<new (options: { api_host: string; WebSocket: unknown }) => StableCanvasClient>(),
});
const StableCanvasResult = z.object({ images: z.array(z.object({ type: z.literal('url'), data: z.string() })) });

/** As its README shows it. It has no upload: its own `fetchApi` does that. */
async function createStableCanvas({ url }: Place, upload: Upload, sdks: string): Promise<BenchClient> {
  const { Client } = StableCanvas.parse(load(sdks, '@stable-canvas/comfyui-client'));
  const client = new Client({ api_host: new URL(url).host, WebSocket });
  await client.connect();
  return {
    async run(job) {
      const uploaded = await client.fetchApi('/upload/image', { method: 'POST', body: formOf(upload) });
      const { name } = Uploaded.parse(await uploaded.json());
      const { images } = StableCanvasResult.parse(await client.enqueue(fill(job, name)));
      return await save(images, job.folder, async ({ data }) => await (await fetch(data)).bytes());
    },
  };
}

interface SaintnoApi {
  init(): SaintnoApi;
  waitForReady(): Promise<unknown>;
  uploadImage(file: Uint8Array, name: string): Promise<unknown>;
  getImage(image: object): Promise<Blob>;
}
interface SaintnoPrompt {
  setOutputNode(key: string, node: string): SaintnoPrompt;
}
interface SaintnoCall {
  onFailed(listener: (error: Error) => void): SaintnoCall;
  run(): Promise<unknown>;
}
const Saintno = z.object({
  ComfyApi: made<new (host: string) => SaintnoApi>(),
  PromptBuilder: made<new (prompt: Workflow, inputs: string[], outputs: string[]) => SaintnoPrompt>(),
  CallWrapper: made<new (api: SaintnoApi, prompt: SaintnoPrompt) => SaintnoCall>(),
});
const SaintnoUpload = z.object({ info: z.object({ filename: z.string() }) });

/** As its README shows it. */
async function createSaintno({ url }: Place, { bytes, name }: Upload, sdks: string): Promise<BenchClient> {
  const { ComfyApi, PromptBuilder, CallWrapper } = Saintno.parse(load(sdks, '@saintno/comfyui-sdk'));
  const api = new ComfyApi(url).init();
  await api.waitForReady();
  return {
    async run(job) {
      const { info } = SaintnoUpload.parse(await api.uploadImage(bytes, name));
      const workflow = fill(job, info.filename);
      const nodes = Object.keys(workflow).filter((node) => workflow[node]?.class_type === 'SaveImage');
      let prompt = new PromptBuilder(workflow, [], nodes);
      for (const node of nodes) prompt = prompt.setOutputNode(node, node);
      let failure = new Error('it said that it failed, and not why');
      const result = await new CallWrapper(api, prompt).onFailed((error) => (failure = error)).run();
      if (result === false || result === undefined) throw failure;
      const outputs = z.record(z.string(), Images.optional().catch(undefined)).parse(result);
      const images = Object.values(outputs).flatMap((output) => output?.images ?? []);
      return await save(images, job.folder, async (image) => await (await api.getImage(image)).bytes());
    },
  };
}

async function save<T>(images: readonly T[], folder: string, get: (image: T) => Promise<Uint8Array>): Promise<number> {
  await Promise.all(images.map(async (image, index) => writeFile(join(folder, `${index}.png`), await get(image))));
  return images.length;
}

function load(folder: string, name: string): unknown {
  return createRequire(join(folder, 'package.json'))(name);
}
