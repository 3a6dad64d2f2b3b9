import type { ChoiceOption } from '../recipe.ts';

/** Discord shows so many (application-commands.mdx). */
const MOST = 25;

/** The choices that fit what is typed so far: those that begin with it, then those that have it in them. */
export function suggestionsFor({ choices, default: standing }: ChoiceOption, typed: string): string[] {
  const wanted = typed.trim().toLowerCase();
  const names = Object.keys(choices);
  if (wanted === '') {
    const others = names.filter((name) => name !== standing);
    return [...(standing === undefined ? [] : [standing]), ...others].slice(0, MOST);
  }
  const beginning = names.filter((name) => name.toLowerCase().startsWith(wanted));
  const containing = names.filter((name) => !beginning.includes(name) && name.toLowerCase().includes(wanted));
  return [...beginning, ...containing].slice(0, MOST);
}
