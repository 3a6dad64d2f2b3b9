import type { Option, Recipe, RecipeWorkflow } from '../../src/recipes/recipe.ts';
import { oneLine, shorten } from './names.ts';

/** Prints a recipe as a file of `commands/`, in the form that the repository's formatter gives it. */

const WIDTH = 120;

export interface RecipeText {
  /** beside the recipe */
  readonly workflowFile: string;
  /** of `src/recipes/recipe.ts`, from the folder of the recipe */
  readonly recipeModule: string;
  /** what the workflow is, in words that may come from anywhere */
  readonly about: string;
}

export function printRecipe(recipe: Recipe, { workflowFile, recipeModule, about }: RecipeText): string {
  const { name, description, options, timeouts, workflow, outputs, estimate, backends, nsfw, access } = recipe;
  const ordered = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, inOrder(option)]));
  const lines = [
    property('  ', 'name', name),
    property('  ', 'description', description),
    property('  ', 'options', ordered),
    ...group('timeouts', timeouts),
    ...(workflow ? printWorkflow(workflow) : []),
    ...group('outputs', outputs),
    ...group('estimate', estimate),
    ...(backends ? [property('  ', 'backends', backends)] : []),
    ...(nsfw === undefined ? [] : [property('  ', 'nsfw', nsfw)]),
    ...group('access', access),
  ];
  return `${[
    `import type { Recipe } from ${quote(recipeModule)};`,
    ...(workflow ? [`import workflow from ${quote(workflowFile)} with { type: 'json' };`] : []),
    '',
    ...printComment(about),
    'export default {',
    ...lines,
    '} satisfies Recipe;',
  ].join('\n')}\n`;
}

/** What a generated recipe leaves out, for those who edit it. */
const HINT = [
  'Edit it by hand as you like. What else can be said, `commands/README.md` explains: how long a run takes and what it',
  'costs (`estimate`), who may use it (`access`, `nsfw`), what runs it (`backends`), what not to show (`outputs.hidden`).',
];

function printComment(about: string): string[] {
  const words = shorten(oneLine(about).replaceAll('*/', '* /'), WIDTH - ' * .'.length);
  const sentence = words === '' || /[.!?…]$/.test(words) ? words : `${words}.`;
  const lines = sentence === '' ? HINT : [sentence, '', ...HINT];
  return ['/**', ...lines.map((line) => ` * ${line}`.trimEnd()), ' */'];
}

function printWorkflow({ parameters, always }: RecipeWorkflow): string[] {
  const more = { ...(parameters && { parameters }), ...(always !== undefined && { always }) };
  const rest = Object.entries(more).map(([name, value]) => `, ${name}: ${flat(value)}`);
  const line = `  workflow: { graph: workflow${rest.join('')} },`;
  const comment = always
    ? ['  // It goes with every run. Remove `always` where a ViewComfy deployment has this very workflow.']
    : [];
  if (widthOf(line) <= WIDTH) return [...comment, line];
  const lines = Object.entries(more).map(([name, value]) => property('    ', name, value));
  return [...comment, '  workflow: {', '    graph: workflow,', ...lines, '  },'];
}

/** As people write them: what it is, what is read, what may be answered, where it goes. */
const ORDER = [
  'kind',
  'of',
  'required',
  'description',
  'choices',
  'min',
  'max',
  'maxLength',
  'maxSide',
  'default',
  'message',
  'parameters',
];

function inOrder(option: Option): Record<string, unknown> {
  return Object.fromEntries(Object.entries(option).toSorted(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b)));
}

/** On one line where there is room for it. */
function group(name: string, value: object | undefined): string[] {
  if (value === undefined) return [];
  const line = `  ${name}: ${flat(value)},`;
  return [widthOf(line) <= WIDTH ? line : property('  ', name, value)];
}

function flat(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flat).join(', ')}]`;
  if (!isPlain(value)) return scalar(value);
  const entries = Object.entries(value).map(([name, item]) => `${keyOf(name)}: ${flat(item)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof URL);
}

function property(indent: string, name: string, value: unknown): string {
  const start = `${indent}${keyOf(name)}: `;
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    const line = `${start}${flat(items)},`;
    if (widthOf(line) <= WIDTH) return line;
    return [`${start}[`, ...items.map((item) => `${indent}  ${flat(item)},`), `${indent}],`].join('\n');
  }
  if (isPlain(value)) {
    const entries = Object.entries(value).map(([name, item]) => property(`${indent}  `, name, item));
    return entries.length === 0 ? `${start}{},` : [`${start}{`, ...entries, `${indent}},`].join('\n');
  }
  const line = `${start}${scalar(value)},`;
  // The formatter puts a string that is too long below its name, unless that would win nothing.
  const isMoved = typeof value === 'string' && widthOf(line) > WIDTH && keyOf(name).length > 2;
  return isMoved ? `${indent}${keyOf(name)}:\n${indent}  ${scalar(value)},` : line;
}

function keyOf(name: string): string {
  // In a literal, this name would set the prototype.
  if (name === '__proto__') return "['__proto__']";
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : quote(name);
}

function scalar(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (value instanceof URL) return `new URL(${quote(value.href)})`;
  return Object.is(value, -0) ? '-0' : String(value);
}

/** In the quotes that need fewer escapes. Whatever is in the string, it ends where it should. */
function quote(text: string): string {
  const inside = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll(/[\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    });
  const isDouble = text.split("'").length > text.split('"').length;
  return isDouble ? `"${inside.replaceAll('"', '\\"')}"` : `'${inside.replaceAll("'", "\\'")}'`;
}

const WIDE =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/gu;

/** In columns: wide characters take two, also those that are two in a string; marks take none. */
function widthOf(line: string): number {
  return line.replaceAll(WIDE, '--').replaceAll(/\p{M}/gu, '').length;
}
