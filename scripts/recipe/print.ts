import type { Option, Recipe } from '../../src/recipe.ts';
import { oneLine, shorten } from './names.ts';

/** Prints a recipe as a file of `commands/`, in the form that the repository's formatter gives it. */

const WIDTH = 120;

export interface RecipeText {
  /** beside the recipe */
  readonly workflowFile: string;
  /** of `src/recipe.ts`, from the folder of the recipe */
  readonly recipeModule: string;
  /** what the workflow is, in words that may come from anywhere */
  readonly about: string;
}

export function printRecipe(recipe: Recipe, { workflowFile, recipeModule, about }: RecipeText): string {
  const words = shorten(oneLine(about).replaceAll('*/', '* /'), WIDTH - '/** . */'.length);
  const comment = words === '' || /[.!?…]$/.test(words) ? words : `${words}.`;
  const { name, description, options, workflow, outputs } = recipe;
  const ordered = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, inOrder(option)]));
  const always = workflow?.always ? ['  // It has values of the form that a deployed workflow may not have.'] : [];
  return `${[
    `import type { Recipe } from ${quote(recipeModule)};`,
    `import workflow from ${quote(workflowFile)} with { type: 'json' };`,
    '',
    ...(comment === '' ? [] : [`/** ${comment} */`]),
    'export default {',
    property('  ', 'name', name),
    property('  ', 'description', description),
    property('  ', 'options', ordered),
    ...always,
    `  workflow: { graph: workflow${workflow?.always ? ', always: true' : ''} },`,
    printOutputs(outputs.main.filter((name) => typeof name === 'string')),
    '} satisfies Recipe;',
  ].join('\n')}\n`;
}

/** As people write them: what it is, what is read, what may be answered, where it goes. */
const ORDER = ['kind', 'required', 'description', 'choices', 'min', 'max', 'maxLength', 'maxSide', 'default'];

function inOrder(option: Option): Record<string, unknown> {
  const place = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return Object.fromEntries(Object.entries(option).toSorted(([a], [b]) => place(a) - place(b)));
}

function printOutputs(main: readonly string[]): string {
  const line = `  outputs: { main: [${main.map(quote).join(', ')}] },`;
  if (line.length <= WIDTH) return line;
  return ['  outputs: {', property('    ', 'main', main), '  },'].join('\n');
}

function property(indent: string, name: string, value: unknown): string {
  const start = `${indent}${keyOf(name)}: `;
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    const line = `${start}[${items.map(scalar).join(', ')}],`;
    if (widthOf(line) <= WIDTH) return line;
    return [`${start}[`, ...items.map((item) => `${indent}  ${scalar(item)},`), `${indent}],`].join('\n');
  }
  if (typeof value === 'object' && value !== null) {
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
