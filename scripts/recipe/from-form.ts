import type { Option } from '../../src/recipe.ts';
import { nodeName, parameterKey } from '../../src/workflow.ts';
import type { WorkflowSource } from '../../src/workflow-file.ts';
import { RANDOM_SENTINEL, type Form, type FormField } from '../../src/view-comfy.ts';
import { scalarOf, writtenAt, type Written } from '../../src/written-json.ts';
import type { Candidate, Draft } from './draft.ts';
import { isUsualTitle, SEED_DESCRIPTION, USUAL_SIDE } from './from-workflow.ts';
import { describe, nameFrom, oneLine, sentenceFrom, shorten } from './names.ts';
import { spanOf, type Span } from './numbers.ts';

/** Of one option, and of a choice's name and value (application-commands.mdx). */
const MOST_CHOICES = 25;
const MOST_CHOICE = 100;

/** What the author of a form wanted people to say, with everything that Discord can ask. */
export function draftFromForm(form: Form, source: WorkflowSource): Draft {
  const candidates: Candidate[] = [];
  const fixed = new Map<string, Written>();
  const notes: string[] = [];
  const eased: string[] = [];
  for (const field of form.fields) {
    const { node, input } = field.place;
    const key = parameterKey(node, input);
    const isThere = Object.hasOwn(source.workflow, node) && Object.hasOwn(source.workflow[node]?.inputs ?? {}, input);
    if (field.visibility === 'deleted') continue;
    if (!isThere) {
      notes.push(`${titleOf(field)} is left out: the workflow has no input ${key}.`);
      continue;
    }
    const isRandom = scalarOf(field.value) === RANDOM_SENTINEL;
    if (field.visibility === 'hidden' && !isRandom) {
      if (field.value !== undefined) fixed.set(key, field.value);
      continue;
    }
    const asked = isRandom ? seedOption() : optionOf(field, source);
    if (typeof asked === 'string') {
      const stays = field.value === undefined ? "keeps the workflow's own value" : "keeps the form's value";
      notes.push(`${titleOf(field)} (${nodeName(source.workflow, node)}) ${stays}: ${asked}.`);
      if (field.value !== undefined) fixed.set(key, field.value);
      continue;
    }
    if (field.visibility === 'hidden') {
      notes.push(`${titleOf(field)} is hidden and random: a recipe can only ask for a seed.`);
    }
    const isAlwaysThere = asked.kind === 'seed' || asked.kind === 'switch';
    if (field.required && !asked.required && !isAlwaysThere) eased.push(titleOf(field));
    candidates.push({
      names: namesOf(field, asked),
      option: { ...asked, parameters: [key] },
      ...(field.value !== undefined && !isRandom && { instead: new Map([[key, field.value]]) }),
      ...guessed(field, asked),
    });
  }
  if (eased.length > 0) {
    notes.push(
      `Required in the form, but its value stands when nothing is answered: ${eased.map(oneLine).join(', ')}.`,
    );
  }
  return { title: form.title, description: form.description, candidates, fixed, notes };
}

function guessed({ min, max }: FormField, option: Asked): { reason?: string } {
  if (option.kind !== 'integer' && option.kind !== 'number') return {};
  if (min === option.min && max === option.max) return {};
  return { reason: `${option.min} to ${option.max} is guessed, where the form has no bounds` };
}

type Asked = Option extends infer Each ? (Each extends Option ? Omit<Each, 'parameters'> : never) : never;

/** The option, or why there is none. */
function optionOf(field: FormField, source: WorkflowSource): Asked | string {
  const value = scalarOf(field.value);
  const text = value === undefined ? '' : String(value);
  switch (field.valueType) {
    case 'string':
    case 'long-text': {
      // A form shows what stands in it; in Discord it would have to be written again, so only the main words are required.
      const isAsked = field.required && (text === '' || field.section === 'basic');
      return { kind: 'text', ...wanted(field, isAsked, text), ...(text !== '' && !isAsked && { default: text }) };
    }
    case 'number':
    case 'float':
    case 'slider':
    case 'bigint':
      return numberOption(field, source);
    case 'boolean':
      return {
        kind: 'switch',
        ...wanted(field, false, value === true),
        ...(typeof value === 'boolean' && { default: value }),
      };
    case 'seed':
    case 'noise_seed':
    case 'rand_seed':
      return seedOption();
    case 'select':
      return choiceOption(field, text);
    case 'image':
      return { kind: 'picture', ...wanted(field, field.required), maxSide: USUAL_SIDE };
    default:
      return `a recipe cannot ask for ${oneLine(field.valueType) || 'nothing'} yet`;
  }
}

function seedOption(): Asked {
  return { kind: 'seed', description: SEED_DESCRIPTION };
}

function wanted(field: FormField, isRequired: boolean, standing?: string | number | boolean) {
  const description = describe(field.help || sentenceFrom(titleOf(field)), isRequired ? undefined : standing);
  return isRequired ? { required: true, description } : { description };
}

function numberOption(field: FormField, source: WorkflowSource): Asked | string {
  const { node, input } = field.place;
  const digits = digitsOf(field.value) ?? digitsOf(writtenAt(source.written, node, 'inputs', input));
  // No -0: nobody can answer it.
  const value = digits === undefined ? undefined : Number(digits) + 0;
  if (value !== undefined && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return 'it is larger than Discord can ask for';
  }
  const kind = kindOf(field);
  const asked = spanOf(input, digits, { kind, min: field.min, max: field.max });
  const span: Span = asked.min <= asked.max ? asked : spanOf(input, digits, { kind });
  const standing = digitsOf(field.value) === undefined ? undefined : value;
  const fits =
    standing !== undefined &&
    standing >= span.min &&
    standing <= span.max &&
    (span.kind === 'number' || Number.isInteger(standing));
  const isRequired = field.required && standing === undefined;
  return { ...span, ...wanted(field, isRequired, fits ? standing : undefined), ...(fits && { default: standing }) };
}

function kindOf({ valueType, step, value }: FormField): Span['kind'] | undefined {
  if (valueType === 'bigint') return 'integer';
  if (valueType === 'float') return 'number';
  if (valueType !== 'slider' || step === undefined) return undefined;
  return Number.isInteger(step) && Number.isInteger(Number(scalarOf(value) ?? 0)) ? 'integer' : 'number';
}

/** A number as it is written, or as somebody typed it into a form. */
function digitsOf(value: Written | undefined): string | undefined {
  if (typeof value === 'string') return /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? value : undefined;
  return typeof value === 'object' && value !== null && 'digits' in value ? value.digits : undefined;
}

function choiceOption(field: FormField, standing: string): Asked | string {
  const shown = new Map<string, string>();
  const values = new Set<string>();
  for (const { label, value } of field.choices) {
    if (values.has(value)) continue;
    if (value === '' || value.length > MOST_CHOICE || !value.isWellFormed()) {
      return `Discord cannot offer the choice "${shorten(oneLine(value), 40)}"`;
    }
    values.add(value);
    const name = shorten(oneLine(label) || oneLine(value) || '…', MOST_CHOICE - 5);
    const isFree = (wish: string) => !shown.has(wish) && wish !== '__proto__';
    let free = name;
    for (let copy = 2; !isFree(free); copy += 1) free = `${name} ${copy}`;
    shown.set(free, value);
    if (shown.size > MOST_CHOICES) return `Discord offers at most ${MOST_CHOICES} choices`;
  }
  if (shown.size === 0) return 'it has no choices';
  const label = Array.from(shown).find(([, value]) => value === standing)?.[0];
  const isRequired = field.required && label === undefined;
  return {
    kind: 'choice',
    ...wanted(field, isRequired, label),
    choices: Object.fromEntries(shown),
    ...(label !== undefined && { default: label }),
  };
}

/** Titles of the editor that name a kind of value, and nothing of what it is for. */
const KIND_OF_VALUE = /^(string|text|value|int|integer|float|number|boolean|bool|image)$/i;

/** What people call the field: its own title, or that of its node where its own says nothing. */
function titleOf({ title, group, alone, place }: FormField): string {
  const isBare = nameFrom(title) === undefined || KIND_OF_VALUE.test(title.trim());
  const better = isBare && alone && nameFrom(group) !== undefined ? group : title;
  return nameFrom(better) === undefined ? place.input : better;
}

function namesOf(field: FormField, option: Asked): string[] {
  const title = titleOf(field);
  const wishes = [title, `${field.group} ${field.title}`, field.place.input];
  if (option.kind === 'seed') return ['seed', ...wishes];
  if (!isUsualTitle(title)) return wishes;
  return [option.kind === 'text' ? 'prompt' : field.place.input, ...wishes];
}
