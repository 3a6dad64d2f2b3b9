import { MOST_LISTED } from '../recipes/limits.ts';
import type { ChoiceOption } from '../recipes/recipe.ts';

/** The choices that fit what is typed so far: those that begin with it, then those that have it in them. */
export function suggestionsFor({ choices, default: standing }: ChoiceOption, typed: string): string[] {
  const wanted = typed.trim().toLowerCase();
  const names = Object.keys(choices);
  if (wanted === '') {
    const others = names.filter((name) => name !== standing);
    return [...(standing === undefined ? [] : [standing]), ...others].slice(0, MOST_LISTED);
  }
  const at = names.map((name) => ({ name, index: name.toLowerCase().indexOf(wanted) }));
  const beginning = at.filter(({ index }) => index === 0);
  const containing = at.filter(({ index }) => index > 0);
  return [...beginning, ...containing].slice(0, MOST_LISTED).map(({ name }) => name);
}
