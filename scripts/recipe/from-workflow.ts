import type { Option } from '../../src/recipe.ts';
import { linkOf, nodeName, parameterKey, type Place, type Workflow } from '../../src/workflow.ts';
import type { WorkflowSource } from '../../src/workflow-file.ts';
import { writtenAt } from '../../src/written-json.ts';
import type { Candidate, Draft } from './draft.ts';
import { describe, nameFrom, sentenceFrom } from './names.ts';
import { spanOf } from './numbers.ts';
import { findPrompts, guessPrompts, isSampler, type PromptText } from './prompts.ts';

/**
 * What a workflow alone tells about what people would want to say: its words, its pictures, its seeds, its size, its
 * steps. Everything else keeps the workflow's own value.
 */
export function draftFromWorkflow(source: WorkflowSource): Draft {
  const { workflow } = source;
  const notes: string[] = [];
  const { required, others } = prompts(workflow, notes);
  const candidates = [
    ...required,
    ...pictures(workflow, notes),
    ...others,
    ...seeds(workflow, notes),
    ...sizes(source, notes),
    ...numbers(source),
  ];
  return { title: '', description: '', candidates, fixed: new Map(), notes };
}

/** The largest side that most models draw; people's pictures are made smaller, never larger. */
export const USUAL_SIDE = 2048;

/** What ComfyUI's page calls nodes by itself: it says nothing about what this one is for. */
const USUAL_TITLE =
  /^(load (image|video|audio).*|clip text ?encode.*|(positive|negative)?\s*prompt|text( |_)?(multiline|string)?|string( literal)?|primitive.*|reroute|note)$/i;

export function isUsualTitle(title: string): boolean {
  return USUAL_TITLE.test(title.trim());
}

/** A title that somebody gave a node to tell it from the others; undefined where it is ComfyUI's own. */
function ownTitle(workflow: Workflow, id: string): string | undefined {
  const { class_type: kind = '', _meta: { title = '' } = {} } = workflow[id] ?? {};
  const bare = (words: string) => words.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
  return nameFrom(title) === undefined || isUsualTitle(title) || bare(title) === bare(kind) ? undefined : title;
}

const keyOf = ({ node, input }: Place) => parameterKey(node, input);

function prompts(workflow: Workflow, notes: string[]) {
  const followed = findPrompts(workflow);
  const isFollowed = followed.some(({ role }) => role === 'positive');
  const texts = groupTexts(isFollowed ? followed : guessPrompts(workflow));
  const positive = texts.filter(({ role, text }) => role === 'positive' && text.trim() !== '');
  const all = positive.length > 0 ? positive : texts.filter(({ role }) => role === 'positive');
  const title = (text: PromptText) => ownTitle(workflow, text.place.node) ?? '';
  const main = all.toSorted(
    (a, b) => b.samplers - a.samplers || Number(/prompt/i.test(title(b))) - Number(/prompt/i.test(title(a))),
  )[0];
  const source = isFollowed ? 'followed from the samplers' : 'by its name: there is no sampler that leads to it';
  const where = (text: PromptText) => nodeName(workflow, text.place.node);
  const required = main
    ? [
        {
          names: all.length === 1 ? ['prompt'] : ['prompt', title(main)],
          option: {
            kind: 'text',
            required: true,
            description: describe(sentenceFrom(title(main)) || 'What it should show'),
            parameters: main.keys,
          },
          reason: `the words of ${where(main)}, ${source}${all.length > 1 ? '; they reach the most samplers' : ''}`,
        } satisfies Candidate,
      ]
    : [];
  if (!main) notes.push('No words were found that a person could give: there is no prompt.');
  const others = [
    ...negatives(workflow, texts),
    ...all
      .filter((text) => text !== main)
      .map(
        (text) =>
          ({
            names: [title(text), 'prompt'],
            option: {
              kind: 'text',
              description: describe(sentenceFrom(title(text)) || 'More of what it should show', text.text),
              default: text.text,
              parameters: text.keys,
            },
            reason: `the words of ${where(text)}, ${source}`,
          }) satisfies Candidate,
      ),
  ];
  return { required, others };
}

function negatives(workflow: Workflow, texts: readonly TextGroup[]): Candidate[] {
  // At a scale of 1 ComfyUI leaves the negative side out.
  const isHeard = Object.values(workflow).some(({ inputs: { cfg } }) => cfg !== undefined && cfg !== 1);
  return texts
    .filter(({ role }) => role === 'negative' && isHeard)
    .map(({ place, text, keys }) => ({
      names: ['negative', ownTitle(workflow, place.node) ?? ''],
      option: {
        kind: 'text',
        description: describe('What it should not show', text),
        ...(text.trim() !== '' && { default: text }),
        parameters: keys,
      },
      reason: `the words of ${nodeName(workflow, place.node)}, on the negative side of a sampler`,
    }));
}

interface TextGroup extends PromptText {
  readonly keys: readonly string[];
}

/** Nodes with two text encoders hold the same words twice. */
function groupTexts(texts: readonly PromptText[]): TextGroup[] {
  const groups = new Map<string, { first: PromptText; keys: string[] }>();
  for (const text of texts) {
    const name = JSON.stringify([text.place.node, text.role, text.text]);
    const group = groups.get(name) ?? { first: text, keys: [] };
    group.keys.push(keyOf(text.place));
    groups.set(name, group);
  }
  return [...groups.values()].map(({ first, keys }) => ({ ...first, keys }));
}

function pictures(workflow: Workflow, notes: string[]): Candidate[] {
  const used = new Set(
    Object.values(workflow).flatMap(({ inputs }) => Object.values(inputs).map((value) => linkOf(value)?.node)),
  );
  return Object.entries(workflow).flatMap(([node, { class_type: kind, inputs }]) => {
    if (!/load_?(image|video|audio)/i.test(kind) || !used.has(node)) return [];
    if (!/load_?image/i.test(kind)) {
      notes.push(
        `${nodeName(workflow, node)} keeps the workflow's own file: a recipe cannot ask for one of its kind yet.`,
      );
      return [];
    }
    if (typeof inputs['image'] !== 'string' || /base64|url/i.test(kind)) return [];
    const title = ownTitle(workflow, node);
    return [
      {
        names: [title ?? 'image'],
        option: {
          kind: 'picture',
          required: true,
          description: describe(sentenceFrom(title ?? '') || 'A picture to start from'),
          maxSide: USUAL_SIDE,
          parameters: [parameterKey(node, 'image')],
        },
        reason: `the picture of ${nodeName(workflow, node)}`,
      } satisfies Candidate,
    ];
  });
}

export const SEED_DESCRIPTION =
  'The same seed with the same answers gives the same result. Default: a new one each time';
const SEED = /^(noise_|rand_)?seed$/i;

/**
 * One seed for all, so that the same words can give another result; but where titles say which seeds are people's, only
 * those.
 */
function seeds(workflow: Workflow, notes: string[]): Candidate[] {
  const places = new Map<string, Place>();
  for (const [node, { inputs }] of Object.entries(workflow)) {
    for (const input of Object.keys(inputs)) {
      if (!SEED.test(input) || inputs['add_noise'] === 'disable') continue;
      const place = numberPlace(workflow, { node, input });
      if (place) places.set(keyOf(place), place);
    }
  }
  const titled = [...places.values()].filter(({ node }) => /seed/i.test(ownTitle(workflow, node) ?? ''));
  const groups = titled.length > 0 ? titled.map((place) => [place]) : [[...places.values()]];
  if (titled.length > 0 && titled.length < places.size) {
    notes.push(`${places.size - titled.length} more seeds keep the workflow's own value: no title calls them seeds.`);
  }
  return groups
    .filter((group) => group.length > 0)
    .map((group) => ({
      names: ['seed', ...group.map(({ node }) => ownTitle(workflow, node) ?? '')],
      option: { kind: 'seed', description: SEED_DESCRIPTION, parameters: group.map(keyOf) },
      reason: `the ${group.length === 1 ? 'seed' : `${group.length} seeds`} of ${nodeName(workflow, group[0]?.node ?? '')}${group.length === 1 ? '' : ' and others'}`,
    }));
}

/** Size and length, where one node alone decides them: with several, to change one would not fit the others. */
function sizes(source: WorkflowSource, notes: string[]): Candidate[] {
  const nodes = Object.entries(source.workflow);
  const begun = new Set(nodes.map(([, { inputs }]) => linkOf(inputs['latent_image'])?.node));
  const sized = nodes.filter(
    ([node, { class_type: kind, inputs }]) =>
      (begun.has(node) || isSampler(kind) || /^empty.*latent|latent.*empty|tovideo$/i.test(kind)) &&
      Object.hasOwn(inputs, 'width') &&
      Object.hasOwn(inputs, 'height'),
  );
  const [only] = sized;
  if (sized.length > 1) {
    const several = `The sizes of ${sized.length} nodes keep the workflow's own values`;
    notes.push(`${several}: whether they depend on each other, only you know.`);
  }
  if (!only || sized.length > 1) return [];
  return ['width', 'height', 'length', 'num_frames'].flatMap((input) => {
    const words = input === 'width' || input === 'height' ? `${sentenceFrom(input)} in pixels` : 'Length in frames';
    return numberCandidate(source, [{ node: only[0], input }], words);
  });
}

function numbers(source: WorkflowSource): Candidate[] {
  const { workflow } = source;
  const nodes = Object.entries(workflow);
  const placesOf = (inputs: readonly string[], kinds: RegExp) =>
    nodes
      .filter(([, { class_type: kind }]) => kinds.test(kind))
      .flatMap(([node]) => inputs.map((input) => ({ node, input })));
  return [
    ...grouped(source, placesOf(['steps'], /sampler|scheduler/i), 'Steps: more take longer'),
    ...grouped(
      source,
      placesOf(['cfg'], /sampler|guider/i),
      'How closely it keeps to the prompt',
      (value) => value !== 1,
    ),
    ...grouped(source, placesOf(['upscale_by', 'scale_by'], /./s), 'How many times larger it is made'),
  ];
}

/** Inputs of the same value are one option: they are changed together. */
function grouped(
  source: WorkflowSource,
  inputs: readonly Place[],
  words: string,
  isOffered: (value: unknown) => boolean = () => true,
): Candidate[] {
  const groups = new Map<string, Place[]>();
  const seen = new Set<string>();
  for (const input of inputs) {
    const place = numberPlace(source.workflow, input);
    if (!place || seen.has(keyOf(place)) || !isOffered(source.workflow[place.node]?.inputs[place.input])) continue;
    seen.add(keyOf(place));
    const name = `${input.input} ${digitsAt(source, place)}`;
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push(input);
  }
  return [...groups.values()].flatMap((group) => numberCandidate(source, group, words));
}

function numberCandidate(source: WorkflowSource, inputs: readonly Place[], words: string): Candidate[] {
  const { workflow } = source;
  const places = inputs.flatMap((input) => numberPlace(workflow, input) ?? []);
  const [first, place] = [inputs[0], places[0]];
  const digits = place && digitsAt(source, place);
  if (!first || !place || digits === undefined) return [];
  const standing = Number(digits) + 0;
  // What JavaScript cannot hold would be sent as another number.
  if (!Number.isFinite(standing) || (Number.isInteger(standing) && !Number.isSafeInteger(standing))) return [];
  const span = spanOf(first.input, digits, {});
  const option: Option = {
    ...span,
    description: describe(words, standing),
    ...(standing >= span.min && standing <= span.max && { default: standing }),
    parameters: places.map(keyOf),
  };
  const title = ownTitle(workflow, place.node) ?? '';
  return [
    {
      names: [first.input, title],
      option,
      reason: `the ${first.input} of ${nodeName(workflow, first.node)}${places.length > 1 ? ' and others' : ''}; ${span.min} to ${span.max} is guessed`,
    },
  ];
}

/** Nobody passes a number on through more nodes than this, unless it goes in a circle. */
const MOST_HOPS = 20;

/** The input that holds an input's number: its own, or that of a node which has nothing but a number. */
function numberPlace(workflow: Workflow, start: Place): Place | undefined {
  let place = start;
  for (let hops = 0; hops < MOST_HOPS; hops += 1) {
    const inputs = Object.hasOwn(workflow, place.node) ? (workflow[place.node]?.inputs ?? {}) : {};
    const value = Object.hasOwn(inputs, place.input) ? inputs[place.input] : undefined;
    if (typeof value === 'number') return place;
    const link = linkOf(value);
    if (!link || !Object.hasOwn(workflow, link.node)) return undefined;
    const [only, more] = Object.entries(workflow[link.node]?.inputs ?? {}).filter(
      ([, input]) => typeof input === 'number' || linkOf(input),
    );
    if (!only || more) return undefined;
    place = { node: link.node, input: only[0] };
  }
  return undefined;
}

function digitsAt({ written }: WorkflowSource, { node, input }: Place): string | undefined {
  const value = writtenAt(written, node, 'inputs', input);
  return typeof value === 'object' && value !== null && 'digits' in value ? value.digits : undefined;
}
