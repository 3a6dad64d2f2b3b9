import { z } from 'zod';

/** A prompt in API format, as ComfyUI reads it. */
export const GraphNode = z.object({
  class_type: z.string(),
  inputs: z.record(z.string(), z.unknown()),
  _meta: z.object({ title: z.string().optional() }).optional(),
});
export type GraphNode = z.infer<typeof GraphNode>;
export type Graph = ReadonlyMap<string, GraphNode>;

export function isLink(value: unknown): value is readonly [string, number] {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number';
}

/** A node and all that it is made from, the nearest first. */
export function upstream(graph: Graph, id: string): Set<string> {
  const found = new Set([id]);
  for (const next of found) {
    for (const value of Object.values(graph.get(next)?.inputs ?? {})) {
      if (isLink(value) && graph.has(value[0])) found.add(value[0]);
    }
  }
  return found;
}

/** The order in which nodes are executed: each after those that it is made from. */
export function executionOrder(graph: Graph, outputs: readonly string[]): string[] {
  const order = new Set<string>();
  const visiting = new Set<string>();
  function visit(id: string): void {
    if (order.has(id) || visiting.has(id)) return;
    visiting.add(id);
    for (const value of Object.values(graph.get(id)?.inputs ?? {})) if (isLink(value)) visit(value[0]);
    order.add(id);
  }
  for (const id of outputs) visit(id);
  return [...order];
}

/** What a node's output is decided by: itself, and all that it is made from. */
export function signatureOf(graph: Graph, id: string): string {
  return JSON.stringify([...upstream(graph, id)].sort().map((node) => [node, graph.get(node)]));
}

const BETWEEN = '-inputs-';

/** The ways to read a key, `<nodeId>-inputs-<name>`: either name may have the word between them in it. */
function* readings(key: string): Generator<readonly [id: string, input: string]> {
  for (let at = key.indexOf(BETWEEN); at >= 0; at = key.indexOf(BETWEEN, at + 1)) {
    yield [key.slice(0, at), key.slice(at + BETWEEN.length)];
  }
}

/** The node and the input that a key means, since only the graph tells where one ends; undefined for none of its inputs. */
export function inputAt(
  nodeOf: (id: string) => Pick<GraphNode, 'inputs'> | undefined,
  key: string,
): readonly [id: string, input: string] | undefined {
  return readings(key).find(([id, input]) => Object.hasOwn(nodeOf(id)?.inputs ?? {}, input));
}

/** Puts values where their keys say; what names no input of the graph is passed over. */
export function fillGraph(graph: Graph, values: Iterable<readonly [key: string, value: unknown]>): Graph {
  const filled = new Map(graph);
  for (const [key, value] of values) {
    const [id = '', input = ''] = inputAt((each) => filled.get(each), key) ?? [];
    const node = filled.get(id);
    if (node) filled.set(id, { ...node, inputs: { ...node.inputs, [input]: value } });
  }
  return filled;
}

/** How many steps the sampler takes, where the graph says. */
export function stepsIn(graph: Graph): number | undefined {
  for (const { inputs } of graph.values()) {
    const steps = inputs['steps'];
    if (typeof steps === 'number' && steps >= 1) return Math.min(100, Math.floor(steps));
  }
  return undefined;
}

/** What a node gives, of those that give something to people. */
export type OutputKind = 'picture' | 'film' | 'sound' | 'text';

/** By the class: ComfyUI's own nodes and the custom ones that are met most. The first that fits. */
const OUTPUT_KINDS: readonly (readonly [RegExp, OutputKind])[] = [
  [/^(PreviewAny$|ShowText\b|DisplayText|Show Text|Display Any|SaveText|Save Text)/, 'text'],
  [/^(Save|Preview).*(Video|WEBM|Animated)|^VHS_VideoCombine$/, 'film'],
  [/^(Save|Preview).*Audio/, 'sound'],
  [/^(Save|Preview|Image Save)/, 'picture'],
];

export function outputKindOf({ class_type: kind }: GraphNode): OutputKind | undefined {
  return OUTPUT_KINDS.find(([name]) => name.test(kind))?.[1];
}

/** Whether a node's files are only shown, and gone when ComfyUI ends. A text that is shown is no file. */
export function isTemporary({ class_type: kind, inputs }: GraphNode): boolean {
  if (kind === 'PreviewAny') return false;
  return kind.startsWith('Preview') || (kind === 'VHS_VideoCombine' && inputs['save_output'] === false);
}

/** Where a node's files go, and how their names begin. */
export function prefixOf(node: GraphNode): { readonly subfolder: string; readonly stem: string } {
  const given = node.inputs['filename_prefix'];
  const prefix = typeof given === 'string' ? given : isTemporary(node) ? 'ComfyUI_temp_stand' : 'ComfyUI';
  const [, subfolder = '', stem = prefix] = /^(?:(.*)\/)?([^/]*)$/s.exec(prefix) ?? [];
  return { subfolder, stem };
}

/** A file's name as ComfyUI counts them; the Video Helper Suite leaves the last mark out. */
export function numbered({ class_type: kind }: GraphNode, stem: string, count: number, extension: string): string {
  const mark = kind === 'VHS_VideoCombine' ? '' : '_';
  return `${stem}_${String(count).padStart(5, '0')}${mark}.${extension}`;
}
