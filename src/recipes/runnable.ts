import type { BackendSettings } from '../config-backends.ts';
import { canRun, kindsFor, type Recipe } from './recipe.ts';
import { RecipeError } from './recipe-loader.ts';

/** What can be offered with the backends that are configured. */
export interface Runnable {
  readonly usable: ReadonlyMap<string, Recipe>;
  /** a sentence for each recipe that is left out, for whoever runs the bot */
  readonly left: readonly string[];
}

const list = new Intl.ListFormat('en', { type: 'conjunction' });
const choice = new Intl.ListFormat('en', { type: 'disjunction' });

/**
 * Leaves out the recipes that none of the backends can run. The playground's own stands for any; what a run takes and
 * costs elsewhere is not true of it.
 * @param kinds of the backends, at least one
 * @throws RecipeError when nothing would be left
 */
export function runnable(recipes: ReadonlyMap<string, Recipe>, kinds: readonly BackendSettings['type'][]): Runnable {
  const isPlayed = kinds.every((kind) => kind === 'local-viewcomfy');
  const usable = new Map<string, Recipe>();
  const left: string[] = [];
  for (const [name, recipe] of recipes) {
    const why = whyLeftOut(recipe, kinds);
    if (why === undefined) usable.set(name, isPlayed ? withoutEstimate(recipe) : recipe);
    else left.push(why);
  }
  if (left.length > 0 && usable.size === 0) {
    throw new RecipeError([...left, 'So there is no command left.'].join('\n'));
  }
  return { usable, left };
}

/** undefined where one of them can run it */
export function whyLeftOut(recipe: Recipe, kinds: readonly BackendSettings['type'][]): string | undefined {
  if (kinds.some((kind) => kind === 'local-viewcomfy' || canRun(recipe, kind))) return undefined;
  return `/${recipe.name} is left out: it runs on ${choice.format(kindsFor(recipe))}, and this bot has ${list.format(kinds)}.`;
}

function withoutEstimate(recipe: Recipe): Recipe {
  const { estimate: _, ...rest } = recipe;
  return rest;
}
