import { z } from 'zod';
import { parsePythonJson } from '../python-json.ts';

/**
 * What ComfyUI's socket says about one run. All of it is hints: frames are lost, come twice, and come about others'
 * runs, and so nothing that matters may rest on them.
 */
export type Hint =
  | { readonly type: 'started' }
  /** it has ended, one way or another; `isWritten`: and the history says so already */
  | { readonly type: 'ended'; readonly isWritten: boolean }
  /** the queue has changed */
  | { readonly type: 'queue-moved' }
  | { readonly type: 'node-started'; readonly node: string }
  /** `whole`: of the newer kind, which tells all nodes at once; the older one says the same again */
  | { readonly type: 'steps'; readonly whole: boolean; readonly nodes: readonly Steps[] }
  | { readonly type: 'preview'; readonly mediaType: string; readonly body: Uint8Array };

export interface Steps {
  readonly node: string;
  readonly done: number;
  readonly total: number;
  readonly running: boolean;
}

const Frame = z.object({ type: z.string(), data: z.record(z.string(), z.unknown()).nullish() });
const About = z.object({ prompt_id: z.string() });
const Executing = z.object({ node: z.string().nullish(), display_node: z.string().nullish() });
const Progress = z.object({ value: z.number(), max: z.number(), node: z.string() });
const ProgressState = z.object({
  nodes: z.record(
    z.string(),
    z.object({
      value: z.number(),
      max: z.number(),
      state: z.string(),
      display_node_id: z.string().nullish(),
    }),
  ),
});
const PreviewMeta = z.object({ prompt_id: z.string(), image_type: z.string().regex(/^image\/[a-z0-9.+-]+$/) });

/** ComfyUI's own are 512 pixels wide, some 40 kB. */
const LARGEST_PREVIEW = 4 * 1024 * 1024;

/** @returns undefined for what is about no run, or about somebody else's, or cannot be read */
export function readText(text: string, promptId: string): Hint | undefined {
  const isStatus = text.startsWith('{"type": "status"') || text.startsWith('{"type":"status"');
  // Others' runs are most of what a busy server says; their graphs need not even be parsed.
  if (!isStatus && !text.includes(promptId)) return undefined;
  const frame = Frame.safeParse(tryParse(text));
  if (!frame.success) return undefined;
  const { type, data } = frame.data;
  if (type === 'status') return { type: 'queue-moved' };
  if (About.safeParse(data).data?.prompt_id !== promptId) return undefined;
  switch (type) {
    case 'execution_start':
      return { type: 'started' };
    case 'execution_success':
    case 'execution_error':
    case 'execution_interrupted':
      return { type: 'ended', isWritten: false };
    case 'executing': {
      const { data: node } = Executing.safeParse(data);
      const id = node?.display_node ?? node?.node;
      return id ? { type: 'node-started', node: id } : { type: 'ended', isWritten: true };
    }
    case 'progress': {
      const { data: step } = Progress.safeParse(data);
      if (!step) return undefined;
      const nodes = [{ node: step.node, done: step.value, total: step.max, running: step.value < step.max }];
      return { type: 'steps', whole: false, nodes };
    }
    case 'progress_state': {
      const { data: state } = ProgressState.safeParse(data);
      if (!state) return undefined;
      const nodes = Object.entries(state.nodes).map(([id, node]) => ({
        node: node.display_node_id ?? id,
        done: node.value,
        total: node.max,
        running: node.state === 'running',
      }));
      return { type: 'steps', whole: true, nodes };
    }
    default:
      return undefined;
  }
}

/**
 * Reads a binary frame: u32 4, u32 length, JSON, picture. Every other kind has no prompt id, so that it may show what a
 * stranger asked for: it is ignored.
 */
export function readBinary(frame: Buffer, promptId: string): Hint | undefined {
  if (frame.length < 8 || frame.readUInt32BE(0) !== 4) return undefined;
  const end = 8 + frame.readUInt32BE(4);
  const picture = frame.subarray(end);
  if (picture.length === 0 || picture.length > LARGEST_PREVIEW) return undefined;
  const meta = PreviewMeta.safeParse(tryParse(frame.toString('utf8', 8, end)));
  if (meta.data?.prompt_id !== promptId) return undefined;
  // A copy: the frame is a part of a larger buffer, which would go along to whoever gets it.
  return { type: 'preview', mediaType: meta.data.image_type, body: new Uint8Array(picture) };
}

function tryParse(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}
