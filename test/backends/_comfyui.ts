import type { Backend, BackendEvent, ResumeRequest } from '../../src/backends/backend.ts';
import type { ComfyUIOptions } from '../../src/backends/comfyui.ts';
import { createComfyUI } from '../../src/backends/comfyui.ts';
import {
  createLocalComfyUI,
  type LocalComfyUI,
  type LocalComfyUIOptions,
} from '../../src/playground/comfyui/server.ts';
import type { Workflow } from '../../src/recipes/workflow.ts';
import { createQuickClock } from '../quick-clock.ts';
import { createDesk, type Desk } from './_run.ts';

/** A workflow with the inputs that a desk's request fills, and four pictures to save. */
export const WORKFLOW: Workflow = {
  '626': { class_type: 'LoadImage', inputs: { image: 'example.png' }, _meta: { title: 'Character' } },
  '594': { class_type: 'CLIPTextEncode', inputs: { string: 'a person', clip: ['4', 0] }, _meta: { title: 'Prompt' } },
  '499': { class_type: 'RandomNoise', inputs: { noise_seed: 1 } },
  '4': { class_type: 'CLIPLoader', inputs: { clip_name: 'a.safetensors' } },
  '5': {
    class_type: 'SamplerCustomAdvanced',
    inputs: { noise: ['499', 0], positive: ['594', 0], image: ['626', 0], steps: 8 },
    _meta: { title: 'Draw' },
  },
  '11': { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: 'Image_1' } },
  '12': { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: 'rec/Image_2' } },
  '13': { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: 'Image_3' } },
  '14': { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: 'Image_4' } },
  '15': { class_type: 'PreviewImage', inputs: { images: ['626', 0] } },
};

/** Pauses of seconds take hundredths. */
export const TIMES = 60;

export const quietLog = { debug() {}, warn() {} };

/** This backend can find runs again; the type of all backends does not know that. */
export function resume(backend: Backend, handle: string, request: ResumeRequest): AsyncIterable<BackendEvent> {
  if (!backend.resume) throw new Error('this backend finds no run again');
  return backend.resume(handle, request);
}

/** Servers, backends and a desk for one test, and one way to end them all. */
export interface Lab {
  readonly desk: Desk;
  serve(options?: LocalComfyUIOptions): Promise<LocalComfyUI>;
  /** @param times how many times faster its clock is: `TIMES` */
  connect(options: ComfyUIOptions, times?: number): Backend;
  close(): Promise<void>;
}

export async function createLab(): Promise<Lab> {
  const desk = await createDesk({ workflow: WORKFLOW });
  const endings: (() => Promise<void>)[] = [() => desk.clear()];
  return {
    desk,
    async serve(options) {
      const server = await createLocalComfyUI({ runMs: 60, drawing: 'flat', ...options });
      endings.unshift(() => server.close());
      return server;
    },
    connect(options, times = TIMES) {
      const backend = createComfyUI(options, { clock: createQuickClock(times), log: quietLog });
      endings.unshift(() => backend.close());
      return backend;
    },
    async close() {
      for (const end of endings) await end();
    },
  };
}
