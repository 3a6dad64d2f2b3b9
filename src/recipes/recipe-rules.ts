import type { z } from 'zod';
import { permissionBit } from './access.ts';
import { commandOf, PRIVATE_OPTION } from './commands.ts';
import { MOST_IN_COMMAND, MOST_LONG_TEXTS, MOST_OPTIONS } from './limits.ts';
import type { MaskOption, Option, Recipe } from './recipe.ts';
import { RecipeFile } from './recipe-file.ts';
import { nodesCalled } from './workflow.ts';

/** What a recipe must be to be used, in words for the person who wrote it. */

/** What no option may be called: Troupe's own option, and what every object of JavaScript has already. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([PRIVATE_OPTION, 'constructor']);

/** What somebody exported as a recipe: read, or all that is wrong with it, each with its place. */
export function readRecipe(exported: unknown): { readonly recipe: Recipe } | { readonly problems: readonly string[] } {
  const parsed = RecipeFile.safeParse(exported, { error: wordsFor });
  if (!parsed.success) {
    return { problems: parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'} ${message}`) };
  }
  const problems = problemsOf(parsed.data);
  return problems.length > 0 ? { problems } : { recipe: parsed.data };
}

/** What the shape of a recipe does not say. */
export function problemsOf(recipe: Recipe): string[] {
  const { options, outputs, workflow, access, backends = [] } = recipe;
  const problems: string[] = [];
  const entries = Object.entries(options);
  if (entries.length > MOST_OPTIONS) problems.push(`it has ${entries.length} options, and ${MOST_OPTIONS} is the most`);
  for (const name of Object.keys(options).filter((name) => RESERVED_NAMES.has(name))) {
    problems.push(`no option can be called ${name}: there is one already`);
  }
  const firstOptional = entries.findIndex(([, option]) => !option.required);
  const late = firstOptional < 0 ? [] : entries.slice(firstOptional).filter(([, option]) => option.required);
  for (const [name] of late) {
    problems.push(`the required option ${name} must come before the ones that are not`);
  }
  const [numbered] = entries.find(([name]) => /^\d+$/.test(name)) ?? [];
  if (late.length > 0 && numbered !== undefined) {
    problems.push(`options.${numbered} is put first by JavaScript, wherever it is written: put a letter into its name`);
  }
  const long = entries.filter(([, { kind }]) => kind === 'long-text').length;
  if (long > MOST_LONG_TEXTS) problems.push(`it has ${long} long texts, and ${MOST_LONG_TEXTS} is the most`);
  for (const [name, option] of entries) {
    for (const problem of optionProblems(option, options)) problems.push(`options.${name} ${problem}`);
  }
  for (const name of Object.keys(options)) {
    const masks = entries.filter(([, option]) => becomesTransparency(option) && option.of === name);
    if (masks.length > 1) problems.push(`options.${name} has ${masks.length} masks that would be its transparency`);
  }
  for (const kind of backends) {
    if ((kind === 'comfyui' || kind === 'amqp') && !workflow) {
      problems.push(`backends names ${kind}, which runs only what is sent, and it has no workflow`);
    }
  }
  for (const name of Object.keys(workflow?.parameters ?? {})) {
    if (!Object.hasOwn(options, name)) problems.push(`workflow.parameters names ${name}, which is no option`);
  }
  for (const output of [...outputs.main, ...(outputs.hidden ?? [])]) {
    if (typeof output === 'object' && nodesCalled(workflow?.graph ?? {}, output.node).length === 0) {
      const why = workflow ? 'which its workflow does not have' : 'and it has no workflow';
      problems.push(`outputs names the node ${output.node}, ${why}`);
    }
  }
  if (access?.permission !== undefined && permissionBit(access.permission) === undefined) {
    problems.push(`access.permission ${access.permission} is no permission of Discord, such as ManageGuild`);
  }
  const characters = charactersOf(recipe);
  if (characters > MOST_IN_COMMAND) {
    problems.push(
      `its names, descriptions and choices have ${characters} characters, and ${MOST_IN_COMMAND} is the most`,
    );
  }
  return problems;
}

function becomesTransparency(option: Option): option is MaskOption {
  return option.kind === 'mask' && option.parameters.length === 0;
}

function optionProblems(option: Option, options: Recipe['options']): string[] {
  const problems: string[] = [];
  const masked = option.kind === 'mask' && option.of !== undefined ? option.of : undefined;
  if (masked !== undefined && (!Object.hasOwn(options, masked) || options[masked]?.kind !== 'picture')) {
    problems.push(`is a mask of ${masked}, which is no picture option`);
  }
  if (option.parameters.length === 0 && masked === undefined) problems.push('has no parameters');
  const ofKind = kindProblem(option);
  if (ofKind !== undefined) problems.push(ofKind);
  return problems;
}

function kindProblem(option: Option): string | undefined {
  switch (option.kind) {
    case 'text':
    case 'long-text': {
      const { default: standing = '', maxLength = Infinity } = option;
      return standing.length > maxLength ? `has a default of more than ${maxLength} characters` : undefined;
    }
    case 'integer':
    case 'number': {
      const { kind, min, max, default: standing = min } = option;
      if (min > max) return `has the least ${min} above the most ${max}`;
      if (standing < min || standing > max) return `has a default that is not from ${min} to ${max}`;
      const isWhole = kind === 'number' || [min, max, standing].every(Number.isSafeInteger);
      return isWhole ? undefined : 'has bounds or a default that are no whole numbers';
    }
    case 'choice': {
      const { choices, default: standing } = option;
      if (Object.keys(choices).length === 0) return 'has no choices';
      return standing === undefined || Object.hasOwn(choices, standing)
        ? undefined
        : `has the default ${standing}, which is none of its choices`;
    }
    default:
      return undefined;
  }
}

/** As Discord counts them: with those of `private`. */
function charactersOf(recipe: Recipe): number {
  const { name, description, options = [] } = commandOf(recipe);
  return options.reduce((sum, option) => {
    const choices = 'choices' in option ? (option.choices ?? []) : [];
    const ofChoices = choices.reduce((sum, { name, value }) => sum + name.length + String(value).length, 0);
    return sum + option.name.length + option.description.length + ofChoices;
  }, name.length + description.length);
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  URL: 'an address of a file',
};

/** Read after the place of what is wrong. Where the schema has words of its own, those are told. */
function wordsFor(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      if (issue.input === undefined) return 'is missing';
      const noun = NOUNS[issue.expected];
      return noun === undefined ? undefined : `must be ${noun}`;
    }
    case 'invalid_value':
      return `must be ${oneOf(issue.values.map(String))}`;
    case 'invalid_union': {
      const { options } = issue;
      if (issue.input === undefined) return 'is missing';
      return Array.isArray(options) ? `must be ${oneOf(options.map(String))}` : formWords(issue.errors);
    }
    case 'invalid_format':
      // The others have words of their own.
      return issue.format === 'url' ? 'an address' : undefined;
    case 'too_small':
      return boundWords(issue.origin, 'least', issue.minimum, issue.inclusive !== false);
    case 'too_big':
      return boundWords(issue.origin, 'most', issue.maximum, issue.inclusive !== false);
    case 'invalid_key':
      return `is no name for it: it ${issue.issues[0]?.message ?? ''}`;
    default:
      return undefined;
  }
}

/** Of the forms that something may have, what each would want of it. */
function formWords(forms: readonly (readonly z.core.$ZodIssue[])[]): string {
  const wanted = forms.flatMap(([issue]) => {
    if (!issue) return [];
    const { path, message } = issue;
    return [path.length === 0 ? message.replace(/^must be /, '') : `${path.join('.')} ${message}`];
  });
  return `must be ${[...new Set(wanted)].join(' or ')}`;
}

function boundWords(origin: string, which: 'least' | 'most', bound: number | bigint, isIncluded: boolean): string {
  if (origin !== 'string' && origin !== 'array') {
    return isIncluded ? `must be at ${which} ${bound}` : `must be ${which === 'least' ? 'above' : 'below'} ${bound}`;
  }
  if (which === 'least' && bound === 1) return 'is empty';
  return `must have at ${which} ${bound} ${origin === 'string' ? 'characters' : 'entries'}`;
}

function oneOf(names: readonly string[]): string {
  return names.length === 1 ? `${names[0]}` : `one of ${names.join(', ')}`;
}
