import { MOST_IN_CHOICE, MOST_IN_LONG_TEXT, MOST_IN_MESSAGE } from '../../src/recipes/limits.ts';
import type { Option } from '../../src/recipes/recipe.ts';
import { RANDOM_SENTINEL, type Form, type FormField } from '../../src/recipes/view-comfy.ts';
import { nodeName, parameterKey } from '../../src/recipes/workflow.ts';
import type { WorkflowSource } from '../../src/recipes/workflow-file.ts';
import { scalarOf, writtenAt, type Written } from '../../src/recipes/written-json.ts';
import type { Candidate, Draft } from './draft.ts';
import { isMaskLoader, maskOf, USUAL_SIDE } from './files.ts';
import { describe, nameFrom, oneLine, sentenceFrom, shorten } from './names.ts';
import { digitsOf, SEED_DESCRIPTION, spanOf, type Span } from './numbers.ts';
import { isUsualTitle } from './titles.ts';

/** Discord lists 25 choices and suggests of more; through so many, nobody finds anything. */
const MOST_CHOICES = 5000;

/** What the author of a form wanted people to say, with everything that Discord can ask. */
export function draftFromForm(form: Form, source: WorkflowSource): Draft {
  const candidates: Candidate[] = [];
  const fixed = new Map<string, Written>();
  const notes: string[] = [];
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
    const message = shorten(oneLine(field.message), MOST_IN_MESSAGE);
    const candidate: Candidate = {
      names: namesOf(field, asked),
      option: { ...asked, ...(message !== '' && { message }), parameters: [key] },
      ...(field.value !== undefined && !isRandom && { instead: new Map([[key, field.value]]) }),
      hasGuessedBounds: hasGuessedBounds(field, asked),
      isEased: field.required && !asked.required && !isAlwaysThere,
    };
    candidates.push(candidate);
    if (field.valueType === 'image-mask' && asked.kind === 'picture') candidates.push(maskOf(candidate));
    if (asked.kind === 'long-text' && String(scalarOf(field.value) ?? '').length > MOST_IN_LONG_TEXT) {
      notes.push(`${titleOf(field)} has more words than a modal can show: they stand when nothing is answered.`);
    }
  }
  return { title: form.title, description: form.description, candidates, fixed, notes };
}

function hasGuessedBounds({ min, max }: FormField, option: Asked): boolean {
  return (option.kind === 'integer' || option.kind === 'number') && (min !== option.min || max !== option.max);
}

type Asked = Option extends infer Each ? (Each extends Option ? Omit<Each, 'parameters'> : never) : never;

/** The option, or why there is none. */
function optionOf(field: FormField, source: WorkflowSource): Asked | string {
  const value = scalarOf(field.value);
  const text = value === undefined ? '' : String(value);
  switch (field.valueType) {
    case 'long-text': {
      // What stands in the field is changed there, so it may be required all the same.
      const standing = text !== '' && text.length <= MOST_IN_LONG_TEXT && { default: text };
      const isAsked = field.required && (text === '' || standing !== false);
      return { kind: 'long-text', ...wanted(field, isAsked), ...standing };
    }
    case 'string': {
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
      return choiceOption(field, source);
    case 'image':
    case 'image-mask':
      if (isMaskLoader(source.workflow[field.place.node]?.class_type ?? '')) {
        return { kind: 'mask', ...wanted(field, field.required) };
      }
      return { kind: 'picture', ...wanted(field, field.required), maxSide: USUAL_SIDE };
    case 'video':
    case 'audio':
      return { kind: field.valueType, ...wanted(field, field.required) };
    default:
      return `a recipe cannot ask for the kind ${JSON.stringify(shorten(oneLine(field.valueType), 40))}`;
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
  const digits = typedDigits(field.value) ?? typedDigits(writtenAt(source.written, node, 'inputs', input));
  // No -0: nobody can answer it.
  const value = digits === undefined ? undefined : Number(digits) + 0;
  if (value !== undefined && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return 'it is larger than Discord can ask for';
  }
  const kind = kindOf(field);
  const asked = spanOf(input, digits, { kind, min: field.min, max: field.max });
  const span: Span = asked.min <= asked.max ? asked : spanOf(input, digits, { kind });
  const standing = typedDigits(field.value) === undefined ? undefined : value;
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
function typedDigits(value: Written | undefined): string | undefined {
  if (typeof value === 'string') return isTypedNumber(value) ? value : undefined;
  return digitsOf(value);
}

function isTypedNumber(text: string): boolean {
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(text);
}

function choiceOption(field: FormField, { workflow }: WorkflowSource): Asked | string {
  const { place, value: inForm } = field;
  const labels = new Map<string, string>();
  for (const { label, value } of field.choices) if (!labels.has(value)) labels.set(value, label);
  if (labels.size === 0) return 'it has no choices';
  if (labels.size > MOST_CHOICES) return `nobody finds one of its ${labels.size} choices`;
  const typed = typeOf(workflow[place.node]?.inputs[place.input], [...labels.keys()]);
  const shown = new Map<string, string | number | boolean>();
  const copies = new Map<string, number>();
  const standing = scalarOf(inForm);
  let chosen: string | undefined;
  for (const [value, words] of labels) {
    const label = oneLine(words) || oneLine(value) || '(empty)';
    const stem = shorten(label, MOST_IN_CHOICE - ` ${MOST_CHOICES}`.length);
    let name = shorten(label, MOST_IN_CHOICE);
    for (let copy = copies.get(stem) ?? 2; shown.has(name) || name === '__proto__'; copy += 1) {
      name = `${stem} ${copy}`;
      copies.set(stem, copy + 1);
    }
    shown.set(name, typed(value));
    if (standing !== undefined && [value, String(typed(value))].includes(String(standing))) chosen ??= name;
  }
  const isRequired = field.required && chosen === undefined;
  return {
    kind: 'choice',
    ...wanted(field, isRequired, chosen),
    choices: Object.fromEntries(shown),
    ...(chosen !== undefined && { default: chosen }),
  };
}

/** Forms have nothing but text; ComfyUI takes no text for a number. */
function typeOf(own: unknown, values: readonly string[]): (value: string) => string | number | boolean {
  if (typeof own === 'number' && values.every(isTypedNumber)) return (value) => Number(value) + 0;
  if (typeof own === 'boolean' && values.every((value) => /^(true|false)$/i.test(value))) {
    return (value) => value.toLowerCase() === 'true';
  }
  return (value) => value;
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
  return [option.kind === 'text' || option.kind === 'long-text' ? 'prompt' : field.place.input, ...wishes];
}
