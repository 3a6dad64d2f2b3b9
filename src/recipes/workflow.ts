import type { ParameterValue } from './recipe.ts';
import { writtenAt, type Written } from './written-json.ts';

/**
 * A workflow is a ComfyUI graph in API format: what "Save (API Format)" writes. Nothing here knows a backend.
 */
export type Workflow = Readonly<Record<string, WorkflowNode>>;

interface WorkflowNode {
  readonly class_type: string;
  /** a value, or a link `[nodeId, slot]` to another node's output */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly _meta?: { readonly title?: string };
}

/** Which input of which node a parameter is. */
export interface Place {
  readonly node: string;
  readonly input: string;
}

const BETWEEN = '-inputs-';

/** The key of a parameter, as ViewComfy writes it. */
export function parameterKey(node: string, input: string): string {
  return `${node}${BETWEEN}${input}`;
}

/** Whether it looks like one. The names of nodes and inputs may be anything. */
export function isParameterKey(key: string): boolean {
  return /^.+-inputs-.+$/s.test(key);
}

/**
 * Finds the input that a key names. The names of nodes and inputs may have dashes themselves, and even the word between
 * them: only the workflow tells where one ends and the other begins.
 */
export function placeOf(workflow: Workflow, key: string): Place | undefined {
  for (let at = key.indexOf(BETWEEN); at >= 0; at = key.indexOf(BETWEEN, at + 1)) {
    const [node, input] = [key.slice(0, at), key.slice(at + BETWEEN.length)];
    if (Object.hasOwn(workflow, node) && Object.hasOwn(workflow[node]?.inputs ?? {}, input)) return { node, input };
  }
  return undefined;
}

export interface FilledWorkflow {
  readonly workflow: Workflow;
  /** keys that name no input of this workflow */
  readonly unknown: readonly string[];
}

/**
 * Puts values where their keys say. What is linked is linked no more; a workflow is never given an input that it lacks,
 * which ComfyUI would ignore without a word.
 */
export function fillWorkflow(workflow: Workflow, values: Readonly<Record<string, ParameterValue>>): FilledWorkflow {
  // Names come from outside: maps and entries take `__proto__` for a name as any other.
  const filled = new Map<string, Map<string, ParameterValue>>();
  const unknown: string[] = [];
  for (const [key, value] of Object.entries(values)) {
    const place = placeOf(workflow, key);
    if (!place) {
      unknown.push(key);
      continue;
    }
    const inputs = filled.get(place.node) ?? new Map<string, ParameterValue>();
    filled.set(place.node, inputs.set(place.input, value));
  }
  const nodes = Object.entries(workflow).map(([id, node]) => {
    const values = filled.get(id);
    if (!values) return [id, node] as const;
    const inputs = Object.entries(node.inputs).map(
      ([name, value]) => [name, values.has(name) ? values.get(name) : value] as const,
    );
    return [id, { ...node, inputs: Object.fromEntries(inputs) }] as const;
  });
  return { workflow: Object.fromEntries(nodes), unknown };
}

/** Every input that has a value of its own, by parameter key. Links are none, nor are lists and objects. */
export function flattenWorkflow(workflow: Workflow): Record<string, ParameterValue> {
  return Object.fromEntries(
    Object.entries(workflow).flatMap(([node, { inputs }]) =>
      Object.entries(inputs).flatMap(([input, value]) =>
        typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
          ? [[parameterKey(node, input), value] as const]
          : [],
      ),
    ),
  );
}

/** A link's origin: what ComfyUI takes for one is a list of a node's id and the number of its output. */
export function linkOf(value: unknown): { readonly node: string; readonly slot: number } | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [node, slot]: unknown[] = value;
  return typeof node === 'string' && typeof slot === 'number' ? { node, slot } : undefined;
}

/**
 * Everything a workflow's file says, under the keys of ViewComfy's own tool: what each node is by its title, else its
 * class, then its inputs, whatever they are, in the order of the file.
 */
export function flattenWritten(workflow: ReadonlyMap<string, Written>): Map<string, Written> {
  const flat = new Map<string, Written>();
  for (const [node, written] of workflow) {
    const title = writtenAt(written, '_meta', 'title');
    flat.set(`_${node}-node-class_type-info`, (title || writtenAt(written, 'class_type')) ?? '');
    const inputs = writtenAt(written, 'inputs');
    if (!(inputs instanceof Map)) continue;
    for (const [input, value] of inputs) flat.set(parameterKey(node, input), value);
  }
  return flat;
}

/** Puts values where their keys say, and leaves every other byte's meaning as it is. Keys of no input are passed over. */
export function fillWritten(
  workflow: ReadonlyMap<string, Written>,
  values: ReadonlyMap<string, Written>,
): Map<string, Written> {
  const filled = new Map<string, Written>();
  for (const [node, written] of workflow) {
    const inputs = writtenAt(written, 'inputs');
    if (!(written instanceof Map) || !(inputs instanceof Map)) {
      filled.set(node, written);
      continue;
    }
    const entries = Array.from(inputs, ([input, value]) => {
      const key = parameterKey(node, input);
      return [input, values.get(key) ?? (values.has(key) ? null : value)] as const;
    });
    filled.set(node, new Map(written).set('inputs', new Map(entries)));
  }
  return filled;
}

/** What people call a node: its kind, and the title that the workflow's author gave it. */
export function nodeName(workflow: Workflow, id: string): string {
  const node = Object.hasOwn(workflow, id) ? workflow[id] : undefined;
  if (!node) return `node ${id}`;
  const title = node._meta?.title?.trim() ?? '';
  return title === '' || title === node.class_type ? node.class_type : `${node.class_type} '${title}'`;
}

/** The nodes that have this title, or this id. */
export function nodesCalled(workflow: Workflow, titleOrId: string): string[] {
  return Object.keys(workflow).filter((id) => id === titleOrId || workflow[id]?._meta?.title === titleOrId);
}

/**
 * How the names of a node's files begin, by its `filename_prefix`: without the folder, up to what ComfyUI fills in, such
 * as `%date%`, and without the marks before that. undefined where nothing is left.
 */
export function filePrefix(filenamePrefix: unknown): string | undefined {
  if (typeof filenamePrefix !== 'string') return undefined;
  const [fixed = ''] = (filenamePrefix.split(/[/\\]/).at(-1) ?? '').split('%');
  return /^.*[A-Za-z0-9]/s.exec(fixed)?.[0];
}

/** The largest seed that ComfyUI takes, as the largest double that is not larger: 2^64 - 2048. */
const LARGEST_SEED = 2 ** 64 - 2048;

/**
 * A workflow's own seeds may have 64 bits, of which JavaScript keeps 53: the nearest number is taken, but one that was
 * rounded up to 2^64 is more than ComfyUI takes, and the workflow would be refused.
 */
export function withSafeSeeds(workflow: Workflow): Workflow {
  const isTooLarge = (value: unknown) => value === 2 ** 64;
  if (!Object.values(workflow).some(({ inputs }) => Object.values(inputs).some(isTooLarge))) return workflow;
  const nodes = Object.entries(workflow).map(([id, node]) => {
    const inputs = Object.entries(node.inputs).map(
      ([name, value]) => [name, isTooLarge(value) ? LARGEST_SEED : value] as const,
    );
    return [id, { ...node, inputs: Object.fromEntries(inputs) }] as const;
  });
  return Object.fromEntries(nodes);
}
