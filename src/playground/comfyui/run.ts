import type { Clock } from '../../clock.ts';
import {
  executionOrder,
  isTemporary,
  numbered,
  prefixOf,
  signatureOf,
  type Graph,
  type GraphNode,
} from '../drawing/graph.ts';
import type { Painted, Painter } from '../drawing/painter.ts';
import { pause } from '../viewcomfy/line.ts';
import type { Behaviour } from './behaviour.ts';
import type { Folders } from './folders.ts';
import type { Sockets } from './sockets.ts';
import { tellForeign } from './strangers.ts';

/** A prompt in the queue, or out of it. */
export interface Entry {
  readonly id: string;
  /** its place in the queue: the lowest is next */
  readonly number: number;
  readonly graph: Graph;
  readonly outputs: readonly string[];
  readonly extra: Readonly<Record<string, unknown>>;
  readonly client: string | undefined;
  readonly behaviour: Behaviour;
  /** a run of somebody else, which nobody has asked for */
  readonly isForeign: boolean;
  /** aborted when it is interrupted, or the server ends */
  readonly stop: AbortController;
  readonly receivedAt: number;
  startedAt?: number;
  endedAt?: number;
  outcome: 'waiting' | 'running' | 'succeeded' | 'failed' | 'interrupted' | 'deleted' | 'lost';
}

type Message = [name: string, data: Readonly<Record<string, unknown>>];

/** What the history keeps of a run. */
export interface Finished {
  readonly outputs: Readonly<Record<string, object>>;
  readonly status: 'success' | 'error';
  readonly messages: readonly Message[];
}

export interface RunDependencies {
  readonly clock: Clock;
  readonly sockets: Sockets;
  readonly folders: Folders;
  readonly painter: Painter;
  readonly runMs: number;
  readonly steps: number;
  /** what the last run of the same node gave */
  readonly cache: Map<string, object>;
  /** what this kind of server tells, and how */
  readonly tells: {
    readonly progress: 'owner' | 'all' | 'nobody';
    readonly progressState: boolean;
    readonly absolutePaths: boolean;
    /** what came out of the cache, to the history of a run without a client */
    readonly cachedToNobody: boolean;
    /** without being asked by the prompt */
    readonly previews: boolean;
  };
}

interface Step {
  value: number;
  max: number;
  state: 'running' | 'finished' | 'error';
}

/** Longer than any test, and what a timer still takes. */
const FOREVER_MS = 2 ** 31 - 1;
/** Of a run's time the steps take so much, and everything else the rest. */
const SHARE_OF_STEPS = 0.7;

/** Executes the nodes one after the other, and tells of it as ComfyUI does. Gives what the history is to say. */
export async function execute(entry: Entry, dependencies: RunDependencies): Promise<Finished> {
  const { clock, sockets, folders, painter, cache, tells } = dependencies;
  const { id, graph, behaviour, client } = entry;
  const { signal } = entry.stop;
  const runMs = behaviour.runMs ?? dependencies.runMs;
  const isSilent = behaviour.ending === 'silence';
  const messages: Message[] = [];
  const outputs: Record<string, object> = {};
  const states: Record<string, Step> = {};
  const executed: string[] = [];
  const order = executionOrder(graph, entry.outputs);
  const cached = order.filter((node) => cache.has(signatureOf(graph, node)));
  const toDo = order.filter((node) => !cached.includes(node));
  const longest = toDo.find((node) => /sampler/i.test(kindOf(node))) ?? toDo[Math.floor(toDo.length / 2)];

  note('execution_start', {});
  note('execution_cached', { nodes: cached });
  // Without a client nobody is told what came out of the cache, and the history does not know either.
  if (client !== undefined || tells.cachedToNobody) {
    for (const node of cached) tellOutput(node, cache.get(signatureOf(graph, node)));
  }
  try {
    for (const node of toDo) {
      await executeNode(node);
      executed.push(node);
    }
  } catch (error) {
    if (signal.aborted && signal.reason !== 'interrupted') throw error;
    return failed(error);
  }
  if (behaviour.nothing) for (const node of Object.keys(outputs)) delete outputs[node];
  note('execution_success', {});
  return { outputs, status: 'success', messages };

  async function executeNode(node: string): Promise<void> {
    states[node] = { value: 0, max: 1, state: 'running' };
    tellStates();
    tell('executing', { node, display_node: node });
    if (node === longest) await doSteps(node);
    else await pause(clock, (runMs * (1 - SHARE_OF_STEPS)) / toDo.length, signal);
    const output = await outputOf(node);
    cache.set(signatureOf(graph, node), output ?? {});
    tellOutput(node, output);
    states[node] = { ...states[node], value: states[node].max, state: 'finished' };
    tellStates();
  }

  async function doSteps(node: string): Promise<void> {
    const max = behaviour.steps ?? stepsOf(graph.get(node)) ?? dependencies.steps;
    const method = entry.extra['preview_method'];
    const hasPreviews = tells.previews || (typeof method === 'string' && method !== 'none');
    for (let value = 1; value <= max; value += 1) {
      await pause(clock, (runMs * SHARE_OF_STEPS) / max, signal);
      states[node] = { value, max, state: 'running' };
      tellStates();
      tell('progress', { value, max, node });
      if (hasPreviews && !isSilent) {
        const picture = await painter.sketch(id, value, max);
        signal.throwIfAborted();
        sockets.show(client, { node, promptId: id }, picture);
      }
      if (behaviour.foreign) await tellForeign(sockets, client, { id, node, value, max }, painter);
      if (value < Math.ceil(max / 2)) continue;
      if (behaviour.cut && value === Math.ceil(max / 2)) sockets.cut();
      if (behaviour.ending === 'error') throw new Error(behaviour.errorText ?? 'the noise is of another size');
      if (behaviour.ending === 'interrupted') entry.stop.abort('interrupted');
      if (isSilent) await pause(clock, FOREVER_MS, signal);
    }
  }

  /** What the node's own frontend would show, in the fields in which nodes of its kind tell of it. */
  async function outputOf(id: string): Promise<object | undefined> {
    const node = graph.get(id);
    if (!node || !entry.outputs.includes(id)) return undefined;
    const painted = await painter.paint(graph, id, entry.outputs.indexOf(id), signal);
    signal.throwIfAborted();
    const [first] = painted;
    switch (first?.kind) {
      case 'text':
        return { text: [first.body.toString('utf8')] };
      case 'sound':
        return { audio: save(node, painted) };
      case 'film': {
        const rate = node.inputs['frame_rate'];
        if (node.class_type !== 'VHS_VideoCombine') return { images: save(node, painted), animated: [true] };
        return { gifs: save(node, painted).map((file) => ({ ...file, format: first.mediaType, frame_rate: rate })) };
      }
      default:
        return { images: save(node, painted) };
    }
  }

  function save(node: GraphNode, painted: readonly Painted[]) {
    const type = isTemporary(node) ? 'temp' : 'output';
    const { subfolder, stem } = prefixOf(node);
    return painted.map(({ extension, body }) => {
      const filename = numbered(node, stem, folders.count(`${type}/${subfolder}/${stem}`), extension);
      folders.save(type, subfolder, filename, body);
      const path = ['/opt/comfyui', type, subfolder, filename].filter(Boolean).join('/');
      return { ...(tells.absolutePaths && { abs_path: path }), filename, subfolder, type };
    });
  }

  function tellOutput(node: string, output: object | undefined): void {
    if (output === undefined || Object.keys(output).length === 0) return;
    outputs[node] = output;
    tell('executed', { node, display_node: node, output });
    if (behaviour.foreign) sockets.tellRaw(client, `{"type": "executed", "data": {"node": "${node}", "x": [NaN]}}`);
  }

  function failed(error: unknown): Finished {
    const node = toDo[executed.length] ?? '';
    const about = { node_id: node, node_type: kindOf(node), executed };
    if (signal.aborted) note('execution_interrupted', about);
    else {
      note('execution_error', {
        ...about,
        exception_message: `${error instanceof Error ? error.message : String(error)}\n`,
        exception_type: behaviour.errorType ?? 'RuntimeError',
        traceback: [
          '  File "/opt/ComfyUI/execution.py", line 527, in execute\n    output_data = await get_output_data()\n',
        ],
        current_inputs: { samples: ['tensor([[[[0.1748, 0.0000]]]])'] },
        current_outputs: [],
      });
    }
    return { outputs, status: 'error', messages };
  }

  /** Told, and kept in the history. */
  function note(name: string, data: Readonly<Record<string, unknown>>): void {
    const full = { prompt_id: id, ...data, timestamp: clock.now() };
    messages.push([name, full]);
    tell(name, full);
  }

  function tell(type: string, data: Readonly<Record<string, unknown>>): void {
    if (isSilent && states[longest ?? '']?.max !== undefined && states[longest ?? '']?.value !== 0) return;
    if (type === 'progress' && tells.progress === 'nobody') return;
    sockets.tell(type === 'progress' && tells.progress === 'all' ? undefined : client, type, {
      ...data,
      prompt_id: id,
    });
  }

  function tellStates(): void {
    if (!tells.progressState) return;
    const nodes = Object.entries(states).map(([node, state]) => {
      const about = { node_id: node, prompt_id: id, display_node_id: node, parent_node_id: null, real_node_id: node };
      return [node, { ...state, ...about }] as const;
    });
    tell('progress_state', { nodes: Object.fromEntries(nodes) });
  }

  function kindOf(node: string): string {
    return graph.get(node)?.class_type ?? '';
  }
}

function stepsOf(node: GraphNode | undefined): number | undefined {
  const steps = node?.inputs['steps'];
  return typeof steps === 'number' && steps >= 1 ? Math.min(100, Math.floor(steps)) : undefined;
}
