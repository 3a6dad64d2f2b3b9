import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { kindByTracks, kindOf, SNIFFED_BYTES } from '../pictures/kind.ts';
import type { Store } from '../storage/store.ts';
import type { DefaultFiles } from './answers.ts';
import { isFileOption, type Recipe, type StoredFile } from './recipe.ts';

/** What stands beside the recipes, for those who send no file of their own. */
export async function readDefaultFiles(recipes: Iterable<Recipe>): Promise<DefaultFiles> {
  const files = new Map<string, StoredFile>();
  for (const { options } of recipes) {
    for (const option of Object.values(options)) {
      if (isFileOption(option) && option.kind !== 'mask' && option.default) {
        files.set(option.default.href, await describeFile(fileURLToPath(option.default)));
      }
    }
  }
  return files;
}

async function describeFile(path: string): Promise<StoredFile> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
  const { mediaType } = await kindByTracks(path, kindOf(buffer.subarray(0, bytesRead)));
  return { name: basename(path), mediaType, path, size: (await file.stat()).size };
}

/**
 * Copies it to where the jobs are: what waits there, or is run again a week later, has the file that it was asked for
 * with, whatever was put in its place since. A copy is named after what is in it, so there are as many as there ever
 * were different ones.
 */
export async function keepDefaultFiles(recipes: Iterable<Recipe>, dataDir: string): Promise<DefaultFiles> {
  const folder = folderIn(dataDir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = new Map<string, StoredFile>();
  for (const [href, file] of await readDefaultFiles(recipes)) files.set(href, await keep(file, folder));
  return files;
}

/** Removes the copies that neither these recipes nor a job nor a form has; to be called before the first command is taken. */
export async function removeOldDefaults(
  store: Pick<Store, 'hasFile'>,
  defaults: DefaultFiles,
  dataDir: string,
): Promise<void> {
  const current = new Set([...defaults.values()].map(({ path }) => basename(path)));
  for (const name of await readdir(folderIn(dataDir))) {
    if (!current.has(name) && !store.hasFile(name)) await rm(join(folderIn(dataDir), name), { force: true });
  }
}

function folderIn(dataDir: string): string {
  return join(dataDir, 'defaults');
}

async function keep(file: StoredFile, folder: string): Promise<StoredFile> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file.path)) hash.update(chunk);
  const path = join(folder, `${hash.digest('hex').slice(0, 32)}${extname(file.path)}`);
  const there = await stat(path).catch(() => undefined);
  if (there?.size !== file.size) await copy(file.path, path);
  return { ...file, path };
}

/** It has its name only when it is whole and on the disk. */
async function copy(from: string, to: string): Promise<void> {
  const unfinished = `${to}.new`;
  await pipeline(createReadStream(from), createWriteStream(unfinished, { flush: true }));
  await rename(unfinished, to);
}
