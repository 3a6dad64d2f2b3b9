import { call, named, tuple, writePickle } from './pickle.ts';

/** What a worker tells about a run, as pickles in base64. */
export interface ProgressMessage {
  readonly event: string;
  readonly data: string;
}

/** How a node stands. */
export interface NodeState {
  readonly value: number;
  readonly max: number;
  readonly state: 'running' | 'finished' | 'error';
}

export function event(name: string, data: Readonly<Record<string, unknown>>): ProgressMessage {
  return { event: encode(name), data: encode(data) };
}

export function progressState(promptId: string, nodes: Readonly<Record<string, NodeState>>): ProgressMessage {
  const entries = Object.entries(nodes).map(([id, state]) => [id, { ...state, ...about(promptId, id) }] as const);
  return event('progress_state', { prompt_id: promptId, nodes: Object.fromEntries(entries) });
}

/** A preview as Pillow has it in memory: not encoded. */
export function preview(promptId: string, node: string, side: number, rgb: Buffer): ProgressMessage {
  const types = named('comfy.component_model.queue_types', 'BinaryEventTypes');
  const image = call('PIL.Image', 'Image', [], [{}, 'RGB', tuple(side, side), null, rgb]);
  return {
    event: encode(call('builtins', 'getattr', [types, 'PREVIEW_IMAGE_WITH_METADATA'])),
    data: encode(tuple(tuple('JPEG', image, 512), about(promptId, node))),
  };
}

/** What nobody understands, what would run a program in Python, and what is of somebody else's run. */
export function strangeMessages(node: string): readonly unknown[] {
  const stranger = '00000000-0000-4000-8000-000000000000';
  return [
    event('telepathy', { prompt_id: stranger, thoughts: [1, 2] }),
    { event: encode(call('os', 'system', ['touch owned'])), data: encode(null) },
    { event: encode('progress_state'), data: encode(call('builtins', 'eval', ['1'])) },
    progressState(stranger, { [node]: { value: 3, max: 4, state: 'running' } }),
    preview(stranger, node, 8, Buffer.alloc(8 * 8 * 3, 255)),
    { event: 'no base64 at all', data: {} },
    { event: encode('progress_state').slice(0, 8), data: '' },
    ['a list'],
    null,
  ];
}

function about(promptId: string, node: string): Readonly<Record<string, string | null>> {
  return { node_id: node, prompt_id: promptId, display_node_id: node, parent_node_id: null, real_node_id: node };
}

function encode(value: unknown): string {
  return writePickle(value).toString('base64');
}
