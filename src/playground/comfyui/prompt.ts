import { z } from 'zod';
import { GraphNode, isLink, outputKindOf, upstream, type Graph } from '../drawing/graph.ts';

interface Complaint {
  readonly type: string;
  readonly message: string;
  readonly details: string;
  readonly extra_info: object;
}

interface NodeComplaints {
  readonly errors: Complaint[];
  readonly dependent_outputs: string[];
  readonly class_type: string;
}

/** What ComfyUI says to a prompt that it takes, or refuses. */
export type Checked =
  | { readonly graph: Graph; readonly outputs: readonly string[]; readonly nodeErrors: Record<string, NodeComplaints> }
  | { readonly error: Complaint; readonly nodeErrors: Record<string, NodeComplaints> };

/** ComfyUI's largest seed: 2^64 - 1, which no double is. */
const MAX_SEED = 2 ** 64;

/**
 * Checks a prompt as ComfyUI does, as far as that can be done without knowing the nodes: links, files, seeds, and the
 * kinds of nodes where they are given.
 * @param hasFile whether a loader finds a file of this name
 * @param kinds what nodes there are; any when absent
 */
export function checkPrompt(
  prompt: unknown,
  hasFile: (name: string) => boolean,
  kinds: readonly string[] | undefined,
): Checked {
  const graph = new Map<string, GraphNode>();
  for (const [id, value] of Object.entries(Object(prompt))) {
    const node = GraphNode.safeParse(value);
    const kind = node.data?.class_type;
    const title = z.object({ _meta: z.object({ title: z.string() }) }).safeParse(value).data?._meta.title ?? null;
    if (!node.success || (kinds && kind !== undefined && !kinds.includes(kind))) {
      const message =
        kind === undefined
          ? `Node '${title ?? `ID #${id}`}' has no class_type. The workflow may be corrupted or a custom node is missing.`
          : `Node '${title ?? kind}' not found. The custom node may not be installed.`;
      const info = { node_id: id, class_type: kind ?? null, node_title: title };
      const error = { type: 'missing_node_type', message, details: `Node ID '#${id}'`, extra_info: info };
      return { error, nodeErrors: {} };
    }
    graph.set(id, node.data);
  }
  const outputs = [...graph].filter(([, node]) => outputKindOf(node) !== undefined).map(([id]) => id);
  if (outputs.length === 0) {
    const error = { type: 'prompt_no_outputs', message: 'Prompt has no outputs', details: '', extra_info: {} };
    return { error, nodeErrors: {} };
  }
  const nodeErrors: Record<string, NodeComplaints> = {};
  const good = outputs.filter((output) => {
    const bad = [...upstream(graph, output)].filter((id) => {
      const node = graph.get(id);
      const errors = node ? complaintsOf(id, node, graph, hasFile) : [];
      if (node && errors.length > 0) {
        nodeErrors[id] ??= { errors, dependent_outputs: [], class_type: node.class_type };
        nodeErrors[id].dependent_outputs.push(output);
      }
      return errors.length > 0;
    });
    return bad.length === 0;
  });
  if (good.length > 0) return { graph, outputs: good, nodeErrors };
  const message = 'Prompt outputs failed validation';
  return { error: { type: 'prompt_outputs_failed_validation', message, details: '', extra_info: {} }, nodeErrors };
}

function complaintsOf(
  id: string,
  { class_type: kind, inputs }: GraphNode,
  graph: Graph,
  hasFile: (name: string) => boolean,
): Complaint[] {
  return Object.entries(inputs).flatMap(([input, value]) => {
    if (isLink(value) && !graph.has(value[0])) {
      const info = {
        input_name: input,
        exception_type: 'KeyError',
        traceback: [`  File "/opt/ComfyUI/execution.py", line 800, in validate_prompt\n    validate_inputs("${id}")\n`],
      };
      return [complaint('exception_during_validation', 'Exception when validating node', `'${value[0]}'`, info)];
    }
    if (kind === 'LoadImage' && input === 'image' && typeof value === 'string' && !hasFile(value)) {
      const details = `image - Invalid image file: ${value}`;
      return [
        complaint('custom_validation_failed', 'Custom validation failed for node', details, {
          input_name: input,
          received_value: value,
        }),
      ];
    }
    if (input.endsWith('seed') && typeof value === 'number' && (value < 0 || value >= MAX_SEED)) {
      const [type, bound] = value < 0 ? ['smaller_than_min', 'min of 0'] : ['bigger_than_max', `max of ${MAX_SEED}`];
      const message = `Value ${value} ${type.replace('_than_', ' than ').replace(/ than m.*/, ' than')} ${bound}`;
      return [complaint(`value_${type}`, message, input, { input_name: input, received_value: value })];
    }
    return [];
  });
}

function complaint(type: string, message: string, details: string, info: object): Complaint {
  return { type, message, details, extra_info: info };
}
