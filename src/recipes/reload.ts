import type { Logger } from '../log.ts';
import { commandOf } from './commands.ts';
import type { Recipe } from './recipe.ts';
import { RecipeError } from './recipe-loader.ts';

type Recipes = ReadonlyMap<string, Recipe>;

interface ReloadDependencies {
  /** what is used until then */
  recipes: Recipes;
  /** Reads them all anew. @throws RecipeError */
  load(): Promise<Recipes>;
  use(recipes: Recipes): Promise<void>;
  /** whether `use` tells Discord of them as well */
  isRegistering: boolean;
  /** aborted when the bot stops: nobody asks for a recipe then */
  stopping: AbortSignal;
  log: Logger;
}

/**
 * What a running bot does when it is told to read its recipes again: all of them are right and are used, or the ones
 * before stay. One reading at a time: what is asked for meanwhile is one more after it.
 */
export function createReload({
  recipes,
  load,
  use,
  isRegistering,
  stopping,
  log,
}: ReloadDependencies): () => Promise<void> {
  let current = recipes;
  let isWanted = false;
  let underWay: Promise<void> | undefined;

  async function reloadOnce(): Promise<void> {
    try {
      const fresh = await load();
      if (stopping.aborted) return;
      await use(fresh);
      const { added, changed, removed, isShown } = compare(current, fresh);
      current = fresh;
      log.info({ added, changed, removed }, 'Recipes reloaded');
      if (isShown && !isRegistering) log.warn('Discord shows the commands as they were: npm run deploy makes them new');
    } catch (error) {
      const why = error instanceof RecipeError ? { problems: error.message.split('\n') } : { error };
      log.error(why, 'Recipes not reloaded: those from before are used');
    }
  }

  async function reload(): Promise<void> {
    while (isWanted && !stopping.aborted) {
      isWanted = false;
      await reloadOnce();
    }
    underWay = undefined;
  }

  return () => {
    isWanted = true;
    return (underWay ??= reload());
  };
}

function compare(before: Recipes, after: Recipes) {
  const added = [...after.keys()].filter((name) => !before.has(name));
  const removed = [...before.keys()].filter((name) => !after.has(name));
  const changed: string[] = [];
  let isShown = added.length > 0 || removed.length > 0;
  for (const [name, recipe] of after) {
    const old = before.get(name);
    if (!old) continue;
    // In the order in which they are written: that of the options is seen.
    if (JSON.stringify(old) !== JSON.stringify(recipe)) changed.push(name);
    isShown ||= JSON.stringify(commandOf(old)) !== JSON.stringify(commandOf(recipe));
  }
  return { added, changed, removed, isShown };
}
