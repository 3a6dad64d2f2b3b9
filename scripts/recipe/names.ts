import { MOST_IN_DESCRIPTION, MOST_IN_NAME } from '../../src/recipes/limits.ts';
import { RESERVED_NAMES } from '../../src/recipes/recipe-rules.ts';

/** Names and descriptions as Discord takes them (application-commands.mdx), out of whatever people call their nodes. */

/** `[a-z][a-z0-9_]*`, at most 32 characters; undefined where nothing is left. A digit in front would change the order. */
export function nameFrom(words: string): string | undefined {
  const plain = words.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const name = plain.replaceAll(/[^a-z0-9]+/g, '_').replaceAll(/^[_0-9]+|_+$/g, '');
  return name === '' ? undefined : name.slice(0, MOST_IN_NAME).replace(/_+$/, '');
}

/** Takes the first wish that nobody has taken, or counts the first one up. */
export function takeName(wishes: readonly string[], taken: Set<string>): string {
  const names = wishes.flatMap((wish) => nameFrom(wish) ?? []);
  const isFree = (name: string) => !taken.has(name) && !RESERVED_NAMES.has(name);
  const [first = 'option'] = names;
  let name = names.find(isFree) ?? first;
  for (let copy = 2; !isFree(name); copy += 1) name = `${first.slice(0, MOST_IN_NAME - `_${copy}`.length)}_${copy}`;
  taken.add(name);
  return name;
}

/** On one line, without what no line shows. */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trim();
}

/** At most `most` UTF-16 units, cut between words where there is one to cut between. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '');
  const words = cut.replace(/\s+\S*$/, '');
  return `${(words.length > most / 2 ? words : cut).replace(/[\s.,;:]+$/, '')}…`;
}

/** A title as a sentence begins: SHOUTED and snake_case titles are people's habit, not their wish. */
export function sentenceFrom(title: string): string {
  const words = oneLine(title.replaceAll('_', ' '));
  const quiet = words === words.toUpperCase() ? words.toLowerCase() : words;
  const [first = ''] = quiet;
  return first.toUpperCase() + quiet.slice(first.length);
}

/** 1 to 100 characters: what it is and, where there is room, what stands when nothing is answered. */
export function describe(text: string, standing?: string | number | boolean): string {
  const sentence = oneLine(text) || 'An input of the workflow';
  const value =
    standing === undefined ? '' : oneLine(typeof standing === 'boolean' ? (standing ? 'yes' : 'no') : `${standing}`);
  const whole = `${sentence}${/[.!?…]$/.test(sentence) ? '' : '.'} Default: ${value}`;
  return value !== '' && value.length <= 40 && whole.length <= MOST_IN_DESCRIPTION
    ? whole
    : shorten(sentence, MOST_IN_DESCRIPTION);
}
