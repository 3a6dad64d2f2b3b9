import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, realpath, rm, type FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { BackendError } from '../../errors.ts';
import type { StoredFile } from '../../recipes/recipe.ts';
import type { GivenFile } from '../comfyui/outputs.ts';
import { safeName } from '../result-names.ts';

/** Ours, below the folder of inputs. */
const SUBFOLDER = 'troupe';

/**
 * Puts a run's files where the workers look for them, and gives what the workflow has to call each.
 *
 * They are removed when the run is over for us. A run that waits, and that nobody wants any more, then fails as soon as
 * a worker takes it, before it has cost anything: there is no other way to take it back.
 */
export async function putInputs(
  inputDir: string,
  id: string,
  files: Readonly<Record<string, StoredFile>>,
): Promise<Record<string, string>> {
  const names: Record<string, string> = {};
  const folder = join(inputDir, SUBFOLDER, id);
  try {
    await mkdir(folder, { recursive: true });
    for (const [index, [key, file]] of Object.entries(files).entries()) {
      const name = `${index}-${safeName(file.name)}`;
      await copyFile(file.path, join(folder, name));
      names[key] = [SUBFOLDER, id, name].join('/');
    }
  } catch (cause) {
    const detail = 'The files could not be put into the folder that the workers read.';
    throw new BackendError('the folder of inputs cannot be written', {
      type: 'unreachable',
      billed: 'no',
      detail,
      cause,
    });
  }
  return names;
}

export async function removeInputs(inputDir: string, id: string): Promise<void> {
  await rm(join(inputDir, SUBFOLDER, id), { recursive: true, force: true });
}

/**
 * Opens a file that a worker says it has written. The name comes from outside: it leads nowhere but into the folder, by
 * no `..` and by no link.
 * @returns undefined where it is not there, or not yet: a shared folder may take a while
 * @throws BackendError `unintelligible`
 */
export async function openOutput(
  outputDir: string,
  { filename, subfolder }: Omit<GivenFile, 'node'>,
): Promise<FileHandle | undefined> {
  const steps = [...subfolder.split('/'), filename].filter((step) => step !== '');
  const isPlain = (step: string) => step !== '.' && step !== '..' && !/[\0\\/]|^[a-z]:/i.test(step);
  if (!steps.every(isPlain)) throw outside();
  let file: FileHandle | undefined;
  try {
    const root = await realpath(outputDir);
    const path = await realpath(join(root, ...steps));
    if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) throw outside();
    // Without waiting, for a pipe would never be written to.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const opened = await file.stat();
    // A folder on the way may have become a link between the two look-ups.
    const found = (await realpath(path)) === path ? await lstat(path) : undefined;
    if (!opened.isFile() || found?.ino !== opened.ino || found.dev !== opened.dev) throw outside();
    const whole = file;
    file = undefined;
    return whole;
  } catch (error) {
    if (error instanceof BackendError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ESTALE') return undefined;
    if (code === 'ELOOP' || code === 'ENOTDIR' || code === 'ENXIO') throw outside(error);
    const detail = 'The results could not be read from the folder that the workers write.';
    throw new BackendError('the folder of results cannot be read', { type: 'cut', detail, cause: error });
  } finally {
    await file?.close();
  }
}

function outside(cause?: unknown): BackendError {
  return new BackendError('a result file outside the folder of results', { type: 'unintelligible', cause });
}
