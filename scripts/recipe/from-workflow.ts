import { MOST_IN_LONG_TEXT } from '../../src/recipes/limits.ts';
import type { Option } from '../../src/recipes/recipe.ts';
import { linkOf, nodeName, parameterKey, type Place, type Workflow } from '../../src/recipes/workflow.ts';
import type { WorkflowSource } from '../../src/recipes/workflow-file.ts';
import { writtenAt } from '../../src/recipes/written-json.ts';
import type { Candidate, Draft } from './draft.ts';
import { fileCandidates } from './files.ts';
import { inputsOfMarked, keepMarked } from './marked.ts';
import { describe, sentenceFrom } from './names.ts';
import { digitsOf, isAskable, SEED, SEED_DESCRIPTION, spanOf } from './numbers.ts';
import { findPrompts, guessPrompts, isSampler, type PromptText } from './prompts.ts';
import { ownTitle, readMarks } from './titles.ts';

/**
 * What a workflow alone tells about what people would want to say: its words, its files, its seeds, its size, its steps.
 * Everything else keeps the workflow's own value. Where nodes are marked for people, it is those nodes' inputs alone.
 */
export function draftFromWorkflow({ workflow: given, written }: WorkflowSource): Draft {
  const { workflow, marked } = readMarks(given);
  const source = { workflow, written };
  const notes: string[] = [];
  const { required, others } = prompts(workflow, notes);
  const found = [
    ...required,
    ...fileCandidates(workflow, notes),
    ...others,
    ...seeds(workflow, notes),
    ...sizes(source, notes),
    ...numbers(source),
  ];
  if (marked.size === 0) return { title: '', description: '', candidates: found, fixed: new Map(), notes };
  const kept = keepMarked(workflow, found, marked);
  const more = inputsOfMarked(source, kept, marked);
  return {
    title: '',
    description: '',
    candidates: [...kept, ...more.candidates],
    fixed: new Map(),
    notes: [`Only the ${marked.size} nodes whose titles begin with VC_BASIC or VC_ADV are asked for.`, ...more.notes],
  };
}

const keyOf = ({ node, input }: Place) => parameterKey(node, input);

/**
 * Characters: more than people like to write on the one line that Discord gives them. A modal opens at every use then, so
 * it has only the words that are to be changed every time; what has a default is asked on one line.
 */
const LONG = 300;

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
  const isLong = main !== undefined && main.text.length > LONG && main.text.length <= MOST_IN_LONG_TEXT;
  const source = isFollowed ? 'followed from the samplers' : 'by its name: there is no sampler that leads to it';
  const where = (text: PromptText) => nodeName(workflow, text.place.node);
  const required = main
    ? [
        {
          names: all.length === 1 ? ['prompt'] : ['prompt', title(main)],
          option: {
            ...(isLong ? { kind: 'long-text', default: main.text } : { kind: 'text' }),
            required: true,
            description: describe(sentenceFrom(title(main)) || 'What it should show'),
            parameters: main.keys,
          },
          reason:
            `the words of ${where(main)}, ${source}${all.length > 1 ? (isFollowed ? '; they reach the most samplers' : '; they are the first') : ''}` +
            (isLong ? '; they are long, so a modal opens in which they can be changed' : ''),
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
    .map((group) => ({
      names: ['negative', ownTitle(workflow, group.place.node) ?? ''],
      option: {
        kind: 'text',
        description: describe('What it should not show', group.text),
        ...(group.text.trim() !== '' && { default: group.text }),
        parameters: group.keys,
      },
      reason: `the words of ${nodeName(workflow, group.place.node)}, on the negative side of a sampler`,
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
  if (!first || !place || digits === undefined || !isAskable(digits)) return [];
  const standing = Number(digits) + 0;
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
  return digitsOf(writtenAt(written, node, 'inputs', input));
}
