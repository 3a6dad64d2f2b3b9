import { WebSocket } from 'ws';
import {
  createLocalComfyUI,
  type LocalComfyUI,
  type LocalComfyUIOptions,
} from '../../src/playground/comfyui/server.ts';

/** A workflow with a picture and words in, and one kept and one shown picture out. */
export const GRAPH = {
  '1': { class_type: 'LoadImage', inputs: { image: 'in.png' } },
  '2': { class_type: 'CLIPTextEncode', inputs: { text: 'on a beach at noon' } },
  '3': { class_type: 'KSampler', inputs: { seed: 7, steps: 4, positive: ['2', 0], image: ['1', 0] } },
  '9': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'rec/out' } },
  '10': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
};

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Speaks to a local ComfyUI without any client of ours. */
export interface Stage {
  readonly server: LocalComfyUI;
  upload(name: string, bytes: Buffer, fields?: Readonly<Record<string, string>>): Promise<Answer>;
  post(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  /** A socket, and the texts and binaries it has heard. */
  listen(client: string, wantsMetadata?: boolean): Promise<Ear>;
  close(): Promise<void>;
}

interface Ear {
  readonly texts: string[];
  readonly binaries: Buffer[];
  readonly types: () => string[];
  readonly socket: WebSocket;
}

export async function createStage(options: LocalComfyUIOptions = {}): Promise<Stage> {
  const server = await createLocalComfyUI({ runMs: 60, drawing: 'flat', ...options });
  const sockets = new Set<WebSocket>();

  async function answerOf(path: string, init: RequestInit = {}): Promise<Answer> {
    const answer = await fetch(`${server.url}${path}`, init);
    return { status: answer.status, text: await answer.text() };
  }

  return {
    server,
    async upload(name, bytes, fields = {}) {
      const form = new FormData();
      form.set('image', new Blob([new Uint8Array(bytes)]), name);
      for (const [key, value] of Object.entries(fields)) form.set(key, value);
      return await answerOf('/upload/image', { method: 'POST', body: form });
    },
    async post(path, body, headers = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const accepted = { 'content-type': 'application/json', accept: 'application/json', ...headers };
      return await answerOf(path, { method: 'POST', headers: accepted, ...(text !== undefined && { body: text }) });
    },
    get: (path) => answerOf(path),
    async listen(client, wantsMetadata = false) {
      const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws?clientId=${client}`);
      sockets.add(socket);
      const ear: Ear = {
        socket,
        texts: [],
        binaries: [],
        types: () => ear.texts.map((text) => String(Object(JSON.parse(text)).type)),
      };
      socket.on('message', (data, isBinary) => {
        if (!Buffer.isBuffer(data)) return;
        if (isBinary) ear.binaries.push(data);
        else ear.texts.push(data.toString('utf8'));
      });
      await new Promise((resolve) => socket.once('open', resolve));
      const flags = { type: 'feature_flags', data: { supports_preview_metadata: true } };
      if (wantsMetadata) socket.send(JSON.stringify(flags));
      return ear;
    },
    async close() {
      for (const socket of sockets) socket.terminate();
      await server.close();
    },
  };
}
