import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openOutput, putInputs, removeInputs } from '../../src/backends/amqp/shared-folder.ts';
import { BackendError } from '../../src/errors.ts';
import { createFolders } from './_amqp.ts';

let folders: Awaited<ReturnType<typeof createFolders>>;
beforeEach(async () => {
  folders = await createFolders();
  await writeFile(join(folders.home, 'secret.png'), 'secret');
  await mkdir(join(folders.outputDir, 'sub', 'deep'), { recursive: true });
  await writeFile(join(folders.outputDir, 'sub', 'deep', 'a.png'), 'a picture');
});
afterEach(() => folders.clear());

async function read(filename: string, subfolder = ''): Promise<string | undefined> {
  const file = await openOutput(folders.outputDir, { filename, subfolder, type: 'output' });
  const text = await file?.readFile('utf8');
  await file?.close();
  return text;
}

async function refusalOf(filename: string, subfolder = ''): Promise<unknown> {
  return await read(filename, subfolder).catch((error: unknown) => error);
}

test('a result is read from where the worker says that it is', async () => {
  expect(await read('a.png', 'sub/deep')).toBe('a picture');
  expect(await read('a.png', 'sub//deep/')).toBe('a picture');
});

test('a result that is not there yet is waited for by whoever asks', async () => {
  expect(await read('b.png', 'sub')).toBeUndefined();
  expect(await read('a.png', 'elsewhere')).toBeUndefined();
});

test('a folder that is itself a link is no way out', async () => {
  await rename(folders.outputDir, join(folders.home, 'moved'));
  await symlink(join(folders.home, 'moved'), folders.outputDir);
  expect(await read('a.png', 'sub/deep')).toBe('a picture');
});

test.for([
  ['secret.png', '..'],
  ['../secret.png', ''],
  ['secret.png', 'sub/../..'],
  ['secret.png', 'sub/./../..'],
  ['..', 'sub'],
  ['.', ''],
  ['', ''],
  ['sub', ''],
  ['..\\secret.png', ''],
  ['C:secret.png', ''],
  ['a.png\0.txt', 'sub/deep'],
] as const)('%s in "%s" leads nowhere', async ([filename, subfolder]) => {
  const error = await refusalOf(filename, subfolder);
  expect(error).toBeInstanceOf(BackendError);
  expect(error).toMatchObject({ type: 'unintelligible' });
});

test('an absolute path is one below the folder, and so not there', async () => {
  expect(await read('secret.png', folders.home)).toBeUndefined();
});

test.for(['file', 'folder'] as const)('a link to a %s outside is not followed', async (what) => {
  if (what === 'file') await symlink(join(folders.home, 'secret.png'), join(folders.outputDir, 'link.png'));
  else await symlink(folders.home, join(folders.outputDir, 'away'));
  const error = await (what === 'file' ? refusalOf('link.png') : refusalOf('secret.png', 'away'));
  expect(error).toMatchObject({ type: 'unintelligible' });
});

test('a link to a result inside is as good as the result', async () => {
  await symlink(join(folders.outputDir, 'sub', 'deep', 'a.png'), join(folders.outputDir, 'latest.png'));
  expect(await read('latest.png')).toBe('a picture');
});

test('a pipe is no result, and nobody waits for it', async () => {
  execFileSync('mkfifo', [join(folders.outputDir, 'pipe.png')]);
  expect(await refusalOf('pipe.png')).toMatchObject({ type: 'unintelligible' });
});

test('pictures are put where the workflow finds them, and removed with the run', async () => {
  const file = { name: 'secret.png', mediaType: 'image/png', path: join(folders.home, 'secret.png'), size: 6 };
  const odd = { ...file, name: '../../x y.png' };
  const names = await putInputs(folders.inputDir, 'one', { '1-inputs-image': file, '2-inputs-image': odd });
  expect(names).toEqual({ '1-inputs-image': 'troupe/one/0-secret.png', '2-inputs-image': 'troupe/one/1-x_y.png' });
  for (const name of Object.values(names)) expect(await readFile(join(folders.inputDir, name), 'utf8')).toBe('secret');
  await putInputs(folders.inputDir, 'two', { '1-inputs-image': file });
  await removeInputs(folders.inputDir, 'one');
  expect(await readdir(join(folders.inputDir, 'troupe'))).toEqual(['two']);
  await removeInputs(folders.inputDir, 'never');
});

test('a folder of inputs that is none is told in a sentence, before anything was sent', async () => {
  const file = { name: 'a.png', mediaType: 'image/png', path: join(folders.home, 'secret.png'), size: 6 };
  const put = putInputs(join(folders.home, 'secret.png'), 'one', { '1-inputs-image': file });
  await expect(put).rejects.toMatchObject({ type: 'unreachable', billed: 'no' });
});
