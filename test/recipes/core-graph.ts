import { z } from 'zod';
import { MAX_SEED, type Option, type ParameterValue } from '../../src/recipes/recipe.ts';
import { CORE_NODES, type CoreNode, type InputRule } from './core-nodes.ts';

/** A workflow of our own in API format, checked against what ComfyUI's own nodes take and give. */

const Link = z.tuple([z.string(), z.int().min(0)]);
export const Workflow = z.record(
  z.string().regex(/^\d+$/),
  z.strictObject({
    class_type: z.string(),
    inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), Link])),
    _meta: z.strictObject({ title: z.string().min(1) }),
  }),
);
export type Workflow = z.infer<typeof Workflow>;

/** What ComfyUI's own validation would say to the graph (`validate_inputs` in its execution.py), and more. */
export function problemsOf(graph: Workflow): string[] {
  return Object.entries(graph).flatMap(([id, { class_type: name, inputs }]) => {
    const node: CoreNode | undefined = CORE_NODES[name];
    if (!node) return [`${id}: ${name} is no core node`];
    const { optional = [] } = node;
    const missing = Object.keys(node.inputs).filter((input) => !optional.includes(input) && !(input in inputs));
    return [
      ...missing.map((input) => `${id}: ${input} is missing`),
      ...Object.entries(inputs).flatMap(([input, value]) => {
        const rule = node.inputs[input];
        const problem = rule === undefined ? 'is unknown' : problemOfInput(graph, rule, value);
        return problem === undefined ? [] : [`${id}: ${input} ${problem}`];
      }),
    ];
  });
}

function problemOfInput(graph: Workflow, rule: InputRule, value: unknown): string | undefined {
  const link = Link.safeParse(value);
  const type = typeof rule === 'string' ? rule : rule.type;
  if (link.success) {
    const [id, slot] = link.data;
    const source = graph[id];
    if (!source) return `comes from ${id}, which is not there`;
    const given = CORE_NODES[source.class_type]?.outputs[slot];
    return given === type ? undefined : `wants ${type} and gets ${given ?? 'nothing'}`;
  }
  if (typeof rule === 'string') {
    return rule === 'STRING' && typeof value === 'string' ? undefined : `wants a link of ${rule}`;
  }
  if (rule.type === 'FILE') return rule.pattern.test(String(value)) ? undefined : 'is no such file';
  if (rule.type === 'COMBO') return rule.options.some((option) => option === value) ? undefined : 'is no choice';
  const fits =
    typeof value === 'number' &&
    value >= rule.min &&
    value <= rule.max &&
    (rule.type === 'FLOAT' || (Number.isInteger(value) && value % (rule.step ?? 1) === 0));
  return fits ? undefined : `is not from ${rule.min} to ${rule.max}`;
}

/** What of an answer to an option the input that gets it would not take. */
export function problemsOfAnswers(graph: Workflow, key: string, option: Option): string[] {
  const { class_type: node = '', inputs = {} } = graph[nodeOf(key)] ?? {};
  const input = key.slice(key.indexOf('-inputs-') + '-inputs-'.length);
  const value = inputs[input];
  if (value === undefined) return [`${key} is no input`];
  // A link would be what is overwritten.
  if (Link.safeParse(value).success) return [`${key} comes from another node`];
  const rule = CORE_NODES[node]?.inputs[input] ?? 'nothing';
  return extremesOf(option).flatMap((answer) => problemOfInput(graph, rule, answer) ?? []);
}

/** The nodes that a node's inputs come from. */
export function linksOf(graph: Workflow, id: string): string[] {
  return Object.values(graph[id]?.inputs ?? {}).flatMap((value) => {
    const link = Link.safeParse(value);
    return link.success ? [link.data[0]] : [];
  });
}

/** Everything that a node is made from, itself included. */
export function sourcesOf(graph: Workflow, id: string, seen = new Set<string>()): Set<string> {
  if (seen.has(id)) return seen;
  seen.add(id);
  for (const source of linksOf(graph, id)) sourcesOf(graph, source, seen);
  return seen;
}

/** What is wrong with how the nodes hang together: circles, and nodes of which nothing comes. */
export function loosePartsOf(graph: Workflow): string[] {
  const circles = Object.keys(graph).filter((id) => linksOf(graph, id).some((from) => sourcesOf(graph, from).has(id)));
  const saving = Object.keys(graph).filter((id) => graph[id]?.class_type.startsWith('Save'));
  const used = new Set(saving.flatMap((id) => [...sourcesOf(graph, id)]));
  const loose = Object.keys(graph).filter((id) => !used.has(id));
  return [...circles.map((id) => `${id} is made from itself`), ...loose.map((id) => `nothing is made from ${id}`)];
}

/** The model files that it loads, with the folders in which they have to be. */
export function modelFilesOf(graph: Workflow): string[] {
  const folders = { unet_name: 'diffusion_models', clip_name: 'text_encoders', vae_name: 'vae', lora_name: 'loras' };
  return Object.values(graph).flatMap(({ inputs }) =>
    Object.entries(folders).flatMap(([input, folder]) =>
      input in inputs ? [`${folder}/${String(inputs[input])}`] : [],
    ),
  );
}

export function nodeOf(key: string): string {
  return key.split('-inputs-', 1).join('');
}

function extremesOf(option: Option): ParameterValue[] {
  switch (option.kind) {
    case 'picture':
    case 'mask':
    case 'video':
    case 'audio':
      return ['troupe/character.png'];
    case 'seed':
      return [0, MAX_SEED];
    case 'integer':
    case 'number':
      return [option.min, option.max];
    case 'choice':
      return Object.values(option.choices);
    case 'switch':
      return [true, false];
    case 'text':
    case 'long-text':
      return ['', 'words'];
  }
}
