import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { COMMANDS_DIRECTORY } from '../../src/recipes/recipe-loader.ts';
import { drawPortrait } from './people.ts';
import type { Random } from './random.ts';

/** A folder of recipes of the bot's own, in which there is always something that can be read. */
export interface RecipeFolder {
  readonly path: string;
  /** Changes the recipe now and then and tells so, until the signal is aborted. */
  changeOften(changed: () => void, random: Random, signal: AbortSignal): Promise<void>;
}

/** One after the other stands for the picture that somebody left out. */
const FRAMES = ['#884422', '#228844', '#442288'];

/** @param folder where it is made */
export async function createRecipeFolder(folder: string): Promise<RecipeFolder> {
  const path = join(folder, 'commands');
  let changes = 0;

  /** /animate of this repository, where ViewComfy runs it, or where nothing runs it any more. */
  async function write(isOffered: boolean): Promise<void> {
    changes += 1;
    const recipe = `import animate from ${JSON.stringify(join(COMMANDS_DIRECTORY, 'animate.ts'))};
const { timeouts, options: { picture: needed, prompt, ...others }, ...rest } = animate;
const frame = new URL('frame-${changes % FRAMES.length}.png', import.meta.url);
const options = { prompt, picture: { ...needed, required: false, default: frame }, ...others };
export default { ...rest, options, backends: ['${isOffered ? 'viewcomfy' : 'comfyui'}'], estimate: { seconds: ${changes} } };
`;
    // Whoever starts in the meantime reads the one or the other.
    await writeFile(join(folder, 'recipe'), recipe);
    await rename(join(folder, 'recipe'), join(path, 'animate.mjs'));
  }

  await mkdir(path);
  for (const [index, colour] of FRAMES.entries()) {
    await writeFile(join(path, `frame-${index}.png`), await drawPortrait(colour));
  }
  await write(true);
  return {
    path,
    async changeOften(changed, random, signal) {
      while (!signal.aborted) {
        await pause(random.whole(500, 5000), undefined, { signal }).catch(() => {});
        await write(random.happens(0.8));
        changed();
      }
      await write(true);
    },
  };
}
