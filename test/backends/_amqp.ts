import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Workflow } from '../../src/recipes/workflow.ts';

/** A line between a backend and a broker, which can be cut. */
export interface Wire {
  readonly port: number;
  /** Every connection ends, now; new ones come through. */
  cut(): void;
  /** The next bytes for the broker that say so do not get there, and their connection ends. */
  cutBefore(words: string): void;
  /** From now on the broker reads one thing where another was sent, of the same length. */
  replace(sent: string, read: string): void;
  /** The connections that there are stay open and carry nothing any more. */
  freeze(): void;
  close(): Promise<void>;
}

export async function createWire(brokerPort: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let replaced: readonly [sent: string, read: string] | undefined;
  let stopAt: string | undefined;
  const server = createServer((near) => {
    const far = connectTo(brokerPort, '127.0.0.1');
    sockets.add(near).add(far);
    for (const socket of [near, far]) socket.on('error', () => {});
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    far.pipe(near);
    near.on('data', (chunk: Buffer) => {
      if (stopAt !== undefined && chunk.includes(stopAt)) {
        stopAt = undefined;
        near.destroy();
        return;
      }
      const at = replaced ? chunk.indexOf(replaced[0]) : -1;
      if (replaced && at >= 0) chunk.write(replaced[1], at);
      far.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();

  function cut(): void {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  }

  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut,
    freeze() {
      for (const socket of sockets) {
        socket.unpipe();
        socket.removeAllListeners('data').pause();
      }
    },
    cutBefore: (words) => (stopAt = words),
    replace: (sent, read) => (replaced = [sent, read]),
    async close() {
      cut();
      if (server.listening) await once(server.close(), 'close');
    },
  };
}

/** The folders that workers and the bot share. */
export async function createFolders() {
  const home = await mkdtemp(join(tmpdir(), 'troupe-workers-'));
  const folders = { inputDir: join(home, 'input'), outputDir: join(home, 'output') };
  for (const folder of Object.values(folders)) await mkdir(folder);
  return { ...folders, home, clear: () => rm(home, { recursive: true, force: true }) };
}

/** What the character workflow asks, as a graph: a picture, words, a seed, eight steps and four results. */
export const WORKFLOW: Workflow = {
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'a.safetensors' } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: 512, height: 512 } },
  '626': { class_type: 'LoadImage', inputs: { image: 'default.png' }, _meta: { title: 'Character' } },
  '594': { class_type: 'CLIPTextEncode', inputs: { string: '', clip: ['4', 1] } },
  '499': { class_type: 'RandomNoise', inputs: { noise_seed: 1 } },
  '650': {
    class_type: 'KSampler',
    inputs: { noise: ['499', 0], steps: 8, image: ['626', 0] },
    _meta: { title: 'Draw' },
  },
  '701': { class_type: 'SaveImage', inputs: { images: ['650', 0], filename_prefix: 'troupe/Image_1' } },
  '702': { class_type: 'SaveImage', inputs: { images: ['650', 0], filename_prefix: 'troupe/Image_2' } },
  '703': { class_type: 'SaveImage', inputs: { images: ['650', 0], filename_prefix: 'troupe/Image_3' } },
  '704': { class_type: 'SaveImage', inputs: { images: ['650', 0], filename_prefix: 'troupe/Image_4' } },
};

/** As ComfyUI refuses a workflow. */
export const COMPLAINT = JSON.stringify({
  '594': {
    errors: [
      {
        type: 'required_input_missing',
        message: 'Required input is missing',
        details: 'string',
        extra_info: { input_name: 'string' },
      },
    ],
    dependent_outputs: ['701'],
    class_type: 'CLIPTextEncode',
  },
});
