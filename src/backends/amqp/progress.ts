import sharp from 'sharp';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import { inTurn } from '../../pictures/sharp-gate.ts';
import { nodeName, type Workflow } from '../../recipes/workflow.ts';
import type { BackendEvent } from '../backend.ts';
import { createProgress } from '../comfyui/progress.ts';
import { readPickle } from './pickle.ts';
import { PickleError, type PickleValue } from './pickle-values.ts';

/** What a worker tells while it runs, and what of it is for people. */
export interface ProgressReader {
  /** the events that a message stands for; none for what is not understood, which must not cost anybody his run */
  read(body: unknown): Promise<BackendEvent[]>;
  /** how often a worker began the run */
  readonly begun: number;
  /** the node that failed, by the name that people know it by */
  readonly failed: string | undefined;
}

export interface ProgressOptions {
  readonly id: string;
  /** for the names of its nodes */
  readonly workflow: Workflow | undefined;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug'>;
}

/** A message of progress: two pickles, in base64. */
const Message = z.object({ event: z.string(), data: z.string() });
const EVENT_TYPES = 'comfy.component_model.queue_types.BinaryEventTypes';
const IMAGE = 'PIL.Image.Image';
const NAMES = new Set([EVENT_TYPES, IMAGE, 'builtins.getattr']);
/** In base64: a preview of 1024 by 1024 pixels in RGBA is 5.6 MiB. */
const LONGEST_DATA = 8 * 1024 * 1024;
/** Nobody sees more of them, and a step of a quick model takes a tenth of it. */
const PREVIEW_PAUSE_MS = 1000;
const LARGEST_SIDE = 2048;
const CHANNELS: Readonly<Record<string, 1 | 3 | 4>> = { L: 1, RGB: 3, RGBA: 4 };

const About = z.object({ prompt_id: z.string() });
const Failure = z.object({ node_id: z.string() });
const Executing = z.object({ node: z.string().nullish(), display_node: z.string().nullish() });
const States = z.object({
  nodes: z.record(
    z.string(),
    z.object({ value: z.number(), max: z.number(), state: z.string(), display_node_id: z.string().nullish() }),
  ),
});
/** `[[format, image, longest side], about]`, and an image is `[info, mode, [width, height], palette, pixels]`. */
const Preview = z.tuple([
  z.tuple([
    z.string(),
    z.object({
      kind: z.literal('record'),
      name: z.literal(IMAGE),
      state: z.tuple([
        z.unknown(),
        z.enum(['L', 'RGB', 'RGBA']),
        z.tuple([z.int().min(1).max(LARGEST_SIDE), z.int().min(1).max(LARGEST_SIDE)]),
        z.unknown(),
        z.instanceof(Uint8Array),
      ]),
    }),
    z.unknown(),
  ]),
  z.preprocess((about) => asObject(about), About),
]);

export function createProgressReader({ id, workflow, clock, log }: ProgressOptions): ProgressReader {
  let begun = 0;
  let failed: string | undefined;
  let previewAt = -Infinity;
  const steps = createProgress(workflow);

  return {
    read,
    get begun() {
      return begun;
    },
    get failed() {
      return failed;
    },
  };

  async function read(body: unknown): Promise<BackendEvent[]> {
    try {
      const message = Message.safeParse(body);
      if (!message.success || message.data.data.length > LONGEST_DATA) return [];
      const event = readPickle(Buffer.from(message.data.event, 'base64'), { names: NAMES });
      if (isPreview(event)) return await readPreview(message.data.data);
      if (typeof event !== 'string') return [];
      return readEvent(event, asObject(readPickle(Buffer.from(message.data.data, 'base64'), { names: NAMES })));
    } catch (error) {
      // Never the error's fields: what is inside may be of anybody.
      const why = error instanceof PickleError ? error.message : 'a preview that is no picture';
      log.debug({ why }, 'A message of progress was not understood');
      return [];
    }
  }

  function readEvent(event: string, data: unknown): BackendEvent[] {
    if (About.safeParse(data).data?.prompt_id !== id) return [];
    switch (event) {
      case 'execution_start':
        return begin();
      case 'progress_state':
        return [...beginUnseen(), ...readStates(data)];
      case 'execution_error': {
        const node = Failure.safeParse(data).data?.node_id;
        if (node !== undefined) failed = workflow && nodeName(workflow, node);
        return [];
      }
      case 'executing': {
        const { data: executing } = Executing.safeParse(data);
        const node = executing?.display_node ?? executing?.node;
        return [...beginUnseen(), ...(node ? steps.take({ type: 'node-started', node }) : [])];
      }
      default:
        return beginUnseen();
    }
  }

  /** After an interruption the beginning may have been missed. */
  function beginUnseen(): BackendEvent[] {
    return begun === 0 ? begin() : [];
  }

  function begin(): BackendEvent[] {
    begun += 1;
    failed = undefined;
    if (begun === 1) return [{ type: 'queue-changed', ahead: 0 }];
    // RabbitMQ gives a run whose worker died to the next one, which begins anew. That is the broker's doing: nothing is
    // sent twice by us, and nothing that we could do would stop it.
    return [{ type: 'log-line', line: 'The worker was lost. Another one begins the run anew.' }];
  }

  function readStates(data: unknown): BackendEvent[] {
    const nodes = Object.entries(States.safeParse(data).data?.nodes ?? {}).map(([id, node]) => ({
      node: node.display_node_id ?? id,
      done: node.value,
      total: node.max,
      running: node.state === 'running',
    }));
    return steps.take({ type: 'steps', whole: true, nodes });
  }

  async function readPreview(data: string): Promise<BackendEvent[]> {
    const now = clock.now();
    if (now < previewAt + PREVIEW_PAUSE_MS) return [];
    const parsed = Preview.safeParse(readPickle(Buffer.from(data, 'base64'), { names: NAMES }));
    if (!parsed.success || parsed.data[1].prompt_id !== id) return [];
    const [, mode, [width, height], , pixels] = parsed.data[0][1].state;
    const channels = CHANNELS[mode];
    if (channels === undefined || pixels.length !== width * height * channels) return [];
    previewAt = now;
    const body = await inTurn(() =>
      sharp(pixels, { raw: { width, height, channels } }).flatten().jpeg({ quality: 85 }).toBuffer(),
    );
    return [{ type: 'preview-ready', mediaType: 'image/jpeg', body }];
  }
}

/** `BinaryEventTypes.PREVIEW_IMAGE_WITH_METADATA`, which older Pythons look up by its name and newer ones by its number. */
function isPreview(event: PickleValue): boolean {
  if (typeof event !== 'object' || event === null || !('kind' in event) || event.kind !== 'record') return false;
  const [first, second] = event.args;
  return event.name === EVENT_TYPES ? first === 4 : second === 'PREVIEW_IMAGE_WITH_METADATA';
}

/** Dicts as objects, for the schemas. Each only once: a pickle may name one in very many places. */
function asObject(value: unknown, known = new Map<unknown, unknown>()): unknown {
  if (!(value instanceof Map)) return value;
  if (known.has(value)) return known.get(value);
  const entries = [...value].flatMap(([key, inner]) =>
    typeof key === 'string' ? [[key, asObject(inner, known)]] : [],
  );
  const object: unknown = Object.fromEntries(entries);
  known.set(value, object);
  return object;
}
