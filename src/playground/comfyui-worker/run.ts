import { access, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import type { WorkerBehaviour } from './behaviour.ts';
import { event, preview, progressState, strangeMessages, type NodeState, type ProgressMessage } from './messages.ts';

interface Node {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface RunOptions {
  readonly promptId: string;
  readonly prompt: Readonly<Record<string, Node>>;
  readonly outputDir: string;
  readonly inputDir: string;
  readonly behaviour: WorkerBehaviour;
  readonly tell: (message: ProgressMessage) => void;
  /** anything at all, as if it were a message of progress */
  readonly tellAnything: (message: unknown) => void;
  readonly signal: AbortSignal;
}

interface FileRef {
  readonly abs_path?: string;
  readonly filename: string;
  readonly subfolder: string;
  readonly type: string;
}

/** What the reply says. */
export interface Outcome {
  readonly outputs: Readonly<Record<string, { readonly images: readonly FileRef[] }>>;
  readonly execution_status: readonly [string, boolean, readonly string[]];
}

const SIDE = 64;

/** Goes through the nodes in their order, in as many steps as they say, and writes a flat picture for each Save Image. */
export async function performRun(options: RunOptions): Promise<Outcome> {
  const { promptId, prompt, behaviour, tell, signal } = options;
  const { ending = 'success', words = 'deliberate', stepMs = 20 } = behaviour;
  const refusal = ending === 'invalid' ? words : await missingPictures(options);
  if (refusal !== undefined) return failure(refusal);
  const timestamp = Date.now();
  tell(event('execution_start', { prompt_id: promptId, timestamp }));
  tell(event('execution_cached', { prompt_id: promptId, nodes: [], timestamp }));

  const states = new Map<string, NodeState>();
  const outputs = new Map<string, { images: FileRef[] }>();
  for (const [id, { class_type: kind, inputs }] of Object.entries(prompt)) {
    const steps = Number(inputs['steps'] ?? 0);
    show(id, { value: 0, max: 1, state: 'running' });
    tell(event('executing', { node: id, display_node: id, prompt_id: promptId }));
    for (let value = 1; value <= steps; value += 1) {
      await setTimeout(stepMs, undefined, { signal });
      show(id, { value, max: steps, state: 'running' });
      tell(preview(promptId, id, SIDE, Buffer.alloc(SIDE * SIDE * 3, (value * 255) / steps)));
      if (behaviour.extras) for (const message of strangeMessages(id)) options.tellAnything(message);
      if (value === 2 && ending === 'error') {
        tell(event('execution_error', { prompt_id: promptId, node_id: id, node_type: kind, exception_message: words }));
        return failure(words);
      }
    }
    if (kind === 'SaveImage') {
      const image = await save(textOf(inputs['filename_prefix']) ?? 'ComfyUI', id, options);
      outputs.set(id, { images: [image] });
      tell(event('executed', { node: id, display_node: id, output: { images: [image] }, prompt_id: promptId }));
    }
    show(id, { value: Math.max(1, steps), max: Math.max(1, steps), state: 'finished' });
  }
  const images = behaviour.files ?? (ending === 'no-files' ? [] : undefined);
  return {
    outputs: images ? { said: { images } } : Object.fromEntries(outputs),
    execution_status: ['success', true, []],
  };

  function show(id: string, state: NodeState): void {
    states.set(id, state);
    tell(progressState(promptId, Object.fromEntries(states)));
  }
}

function failure(text: string): Outcome {
  return { outputs: {}, execution_status: ['error', false, [text]] };
}

/** Load Image looks for its file before anything runs. */
async function missingPictures({ prompt, inputDir }: RunOptions): Promise<string | undefined> {
  for (const [id, { class_type: kind, inputs }] of Object.entries(prompt)) {
    const image = textOf(inputs['image']) ?? '';
    if (kind !== 'LoadImage') continue;
    try {
      await access(join(inputDir, image));
    } catch {
      const error = {
        type: 'custom_validation_failed',
        message: 'Custom validation failed for node',
        details: `image - Invalid image file: ${image}`,
        extra_info: { input_name: 'image', received_value: image },
      };
      return JSON.stringify({ [id]: { errors: [error], dependent_outputs: [], class_type: kind } });
    }
  }
  return undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

async function save(prefix: string, id: string, { outputDir, promptId, behaviour }: RunOptions): Promise<FileRef> {
  const steps = prefix.split('/');
  const name = steps.pop() ?? '';
  const subfolder = [...steps, promptId].join('/');
  const filename = `${name}_${id.padStart(5, '0')}_.png`;
  const path = join(outputDir, subfolder, filename);
  await mkdir(join(outputDir, subfolder), { recursive: true });
  const background = { r: Number(id) % 256, g: 80, b: 160 };
  await sharp({ create: { width: 48, height: 32, channels: 3, background } })
    .png({ compressionLevel: 0 })
    .toFile(path);
  if (behaviour.ending === 'lost-file') await rm(path);
  return { abs_path: path, filename, subfolder, type: 'output' };
}
