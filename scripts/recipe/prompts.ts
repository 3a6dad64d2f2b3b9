import { linkOf, parameterKey, type Place, type Workflow } from '../../src/recipes/workflow.ts';

/** The words of a workflow: found from the samplers upwards through the links, as ComfyUI itself would run it. */
export interface PromptText {
  readonly place: Place;
  readonly text: string;
  readonly role: Role;
  /** how many samplers are told it */
  readonly samplers: number;
}

type Role = 'positive' | 'negative';

/**
 * How a node was come to: `guide` from one that takes both sides as they are; `pipe` through a bundle, of which one side
 * was taken out; `conditioning` and `text` by an output of its own.
 */
type Way = 'guide' | 'pipe' | 'conditioning' | 'text';

interface Step {
  readonly node: string;
  readonly slot: number;
  readonly role: Role;
  readonly way: Way;
}

/** Inputs that hold words where the node is on the way to a sampler. */
export const WORDS =
  /^((positive|negative)_?(prompt|text)?|(text|string|prompt)(_?([a-z]|\d+|positive|negative))?|value|caption|prompt_text|wildcard_text|t5xxl|clip_[lg])$/i;
/** Inputs that pass conditioning on, by the names that nodes give them. */
const CONDITIONING = /cond|positive|negative|guid|embed/i;
const PIPE = /pipe/i;
/** Inputs that are never words nor conditioning, so that nothing is looked for behind them. */
const OTHER =
  /^(model|clip|vae|images?|masks?|latents?|samples|control_net|pixels)$|model|vision|image|latent|sigmas|noise/i;

/** Each sampler is walked from by itself up to here; further ones together, so that huge workflows take no longer. */
const COUNTED_SAMPLERS = 32;

/** In the order of the workflow. What tells a sampler nothing is not there. */
export function findPrompts(workflow: Workflow): PromptText[] {
  const samplers = samplersOf(workflow);
  const found = new Map<string, { roles: Set<Role>; samplers: number }>();
  const starts = samplers.slice(0, COUNTED_SAMPLERS).map((id) => [id]);
  for (const start of [...starts, samplers.slice(COUNTED_SAMPLERS)]) {
    const here = walk(workflow, start);
    for (const [key, roles] of here) {
      const sum = found.get(key) ?? { roles: new Set(), samplers: 0 };
      for (const role of roles) sum.roles.add(role);
      sum.samplers += start.length;
      found.set(key, sum);
    }
  }
  return allTexts(workflow).flatMap(({ place, text }) => {
    const sum = found.get(parameterKey(place.node, place.input));
    // What is told to both sides, such as through a node that zeroes the negative one, is what is wanted.
    return sum
      ? [{ place, text, role: sum.roles.has('positive') ? 'positive' : 'negative', samplers: sum.samplers }]
      : [];
  });
}

/** Where there is no sampler that could be followed: whatever looks like words by its name. */
export function guessPrompts(workflow: Workflow): PromptText[] {
  return allTexts(workflow).flatMap(({ place, text }) => {
    const { class_type: kind = '', _meta: { title = '' } = {} } = workflow[place.node] ?? {};
    if (!WORDS.test(place.input) || /^(value|string)$/i.test(place.input) || isDisplay(kind)) return [];
    const role = /negativ/i.test(`${place.input} ${title}`) ? ('negative' as const) : ('positive' as const);
    return [{ place, text, role, samplers: 0 }];
  });
}

export function isSampler(kind: string): boolean {
  return /sampler/i.test(kind);
}

/** The nodes that draw; where nothing is called a sampler, what takes a positive side draws. */
function samplersOf(workflow: Workflow): string[] {
  const linked =
    (names: RegExp) =>
    ([, { inputs }]: [string, Workflow[string]]) =>
      Object.entries(inputs).some(([name, value]) => names.test(name) && (linkOf(value) ?? typeof value === 'string'));
  const nodes = Object.entries(workflow);
  const called = nodes.filter(([, { class_type: kind }]) => isSampler(kind)).filter(linked(CONDITIONING));
  return (called.length > 0 ? called : nodes.filter(linked(/^positive$/))).map(([id]) => id);
}

function walk(workflow: Workflow, samplers: readonly string[]): Map<string, Set<Role>> {
  const found = new Map<string, Set<Role>>();
  const seen = new Set<string>();
  const ahead: Step[] = samplers.map((node) => ({ node, slot: 0, role: 'positive', way: 'guide' }));
  for (let step = ahead.pop(); step; step = ahead.pop()) {
    // A workflow of which somebody made a circle is walked once.
    const name = JSON.stringify([step.node, step.slot, step.role, step.way]);
    if (seen.has(name) || !Object.hasOwn(workflow, step.node)) continue;
    seen.add(name);
    const { class_type: kind, inputs } = workflow[step.node] ?? { class_type: '', inputs: {} };
    // What is zeroed says nothing.
    if (/zero_?out/i.test(kind)) continue;
    for (const [input, value] of Object.entries(inputs)) {
      if (typeof value === 'string' && WORDS.test(input) && !isDisplay(kind)) {
        const key = parameterKey(step.node, input);
        found.set(key, (found.get(key) ?? new Set()).add(roleOf(input, step)));
      }
      const next = nextStep(inputs, step, input, value);
      if (next) ahead.push(next);
    }
  }
  return found;
}

function nextStep(inputs: Workflow[string]['inputs'], step: Step, input: string, value: unknown): Step | undefined {
  const link = linkOf(value);
  if (!link) return undefined;
  if (step.way === 'text') return OTHER.test(input) || CONDITIONING.test(input) ? undefined : { ...step, ...link };
  if (PIPE.test(input)) return { ...link, role: step.role, way: 'pipe' };
  if (input === 'positive' || input === 'negative') {
    if (!followsSide(inputs, step, input)) return undefined;
    return { ...link, role: roleOf(input, step), way: 'conditioning' };
  }
  if (OTHER.test(input)) return undefined;
  if (/guid/i.test(input)) return { ...link, role: step.role, way: 'guide' };
  if (CONDITIONING.test(input)) return { ...link, role: step.role, way: 'conditioning' };
  if (WORDS.test(input) && input !== 'value') return { ...link, role: roleOf(input, step), way: 'text' };
  // A reroute, and whatever else has nothing but what it passes on.
  const isOnly = Object.values(inputs).filter((other) => linkOf(other)).length === 1;
  return isOnly && !('clip' in inputs) ? { ...link, role: step.role, way: step.way } : undefined;
}

/** Nodes with both sides give back the positive one first and the negative one second. */
function followsSide(inputs: Workflow[string]['inputs'], { slot, role, way }: Step, side: Role): boolean {
  if (way === 'guide') return true;
  if (way === 'pipe') return side === role;
  const hasBoth = Object.hasOwn(inputs, 'positive') && Object.hasOwn(inputs, 'negative');
  return !hasBoth || slot === (side === 'positive' ? 0 : 1);
}

/** At a node that takes both sides, an input's name says which it is; elsewhere it is what the sampler took it for. */
function roleOf(input: string, { role, way }: Step): Role {
  if (way !== 'guide' && !/^(positive|negative)_?(prompt|text)$/i.test(input)) return role;
  return /negative/i.test(input) ? 'negative' : /positive/i.test(input) ? 'positive' : role;
}

/** Nodes that show what came out the last time, and keep it in an input. */
function isDisplay(kind: string): boolean {
  return /^(show|preview|display)/i.test(kind);
}

/** All words but those that a node puts around others: they are the workflow's, not the person's. */
function allTexts(workflow: Workflow): { place: Place; text: string }[] {
  return Object.entries(workflow).flatMap(([node, { inputs }]) => {
    if (Object.entries(inputs).some(([input, value]) => WORDS.test(input) && linkOf(value))) return [];
    return Object.entries(inputs).flatMap(([input, value]) =>
      typeof value === 'string' ? [{ place: { node, input }, text: value }] : [],
    );
  });
}
