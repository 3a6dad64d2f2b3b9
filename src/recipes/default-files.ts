import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { readDefaultFiles, type DefaultFiles } from './answers.ts';
import type { Recipe, StoredFile } from './recipe.ts';

/**
 * Reads what stands beside the recipes, and copies it to where the jobs are: what waits there, or is run again a week
 * later, has the file that it was asked for with, whatever was put in its place since. A copy is named after what is in
 * it, so there are as many as there ever were different ones.
 */
export async function keepDefaultFiles(recipes: Iterable<Recipe>, dataDir: string): Promise<DefaultFiles> {
  const folder = join(dataDir, 'defaults');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = new Map<string, StoredFile>();
  for (const [href, file] of await readDefaultFiles(recipes)) files.set(href, await keep(file, folder));
  return files;
}

async function keep(file: StoredFile, folder: string): Promise<StoredFile> {
  const bytes = await readFile(file.path);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  const path = join(folder, `${hash}${extname(file.path)}`);
  // Also over what is there: a loss of power may have left it empty.
  await writeFile(`${path}.new`, bytes, { flush: true });
  await rename(`${path}.new`, path);
  return { ...file, path, size: bytes.length };
}
