import { randomBytes } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { cp, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { onDisk } from './disk.ts';

/**
 * Where pictures are while they are ours: two folders a job, `inputs/<job>` for what came from the person and
 * `results/<job>` for what came from the backend. They are files and not rows, so that no picture has to be in memory
 * for longer than its check, and apart, so that the results can be served to people and the inputs cannot.
 */
export interface Spool {
  /** A name that no other job has, that nobody guesses, and that is safe as a folder's name and in a Discord custom id. */
  newJobId(): string;
  /** Makes the folder and answers its absolute path. @throws UserError when the disk does not take it */
  folder(job: string, part: SpoolPart): Promise<string>;
  /** Makes sure that what is in the folder is there after a loss of power. @throws UserError when the disk does not take it */
  secure(job: string, part: SpoolPart): Promise<void>;
  /** Leaves the folder empty. */
  clear(job: string, part: SpoolPart): Promise<void>;
  /** Copies what came from the person to another job, and answers its folder. @throws UserError when the disk does not take it */
  copyInputs(from: string, to: string): Promise<string>;
  /** Whether the result of one more run has a place on the disk. */
  hasRoom(): boolean;
  /** bytes of all that is kept of a job */
  sizeOf(job: string): Promise<number>;
  /** Removes all that is kept of a job. */
  remove(job: string): Promise<void>;
  /** every job that has something here */
  jobs(): Promise<ReadonlySet<string>>;
}

type SpoolPart = 'inputs' | 'results';

const PARTS = ['inputs', 'results'] as const;

/** The largest result that is taken by default (128 MiB), made to fit beside itself. */
const ROOM_BYTES = 256 * 1024 * 1024;

/** 72 bits. */
const ID_BYTES = 9;

/** @param directory an absolute path; it belongs to this process alone (the store's lock sees to it) */
export async function createSpool(directory: string): Promise<Spool> {
  for (const part of PARTS) await mkdir(join(directory, part), { recursive: true, mode: 0o700 });

  function pathOf(job: string, part: SpoolPart): string {
    return join(directory, part, job);
  }

  async function folder(job: string, part: SpoolPart): Promise<string> {
    const path = pathOf(job, part);
    // Not `recursive`: on a disk that may not be written to, that says the folder above is missing.
    await onDisk(() => mkdir(path).catch(unlessThere));
    return path;
  }

  return {
    newJobId: () => randomBytes(ID_BYTES).toString('base64url'),
    folder,
    async secure(job, part) {
      // A job without pictures has none.
      const path = await folder(job, part);
      await onDisk(async () => {
        for (const name of await readdir(path)) await syncFile(join(path, name));
        // The names are in the folder, and the folder's name is in the one above.
        await syncFolder(path);
        await syncFolder(join(directory, part));
      });
    },
    async clear(job, part) {
      await rm(pathOf(job, part), { recursive: true, force: true });
      await folder(job, part);
    },
    async copyInputs(from, to) {
      const path = await folder(to, 'inputs');
      await onDisk(() => cp(pathOf(from, 'inputs'), path, { recursive: true, force: true }));
      return path;
    },
    hasRoom() {
      const { bavail, bsize, blocks } = statfsSync(directory);
      // Some network file systems count nothing.
      return blocks === 0 || bavail * bsize >= ROOM_BYTES;
    },
    async sizeOf(job) {
      const sizes = await Promise.all(PARTS.map((part) => sizeOfFolder(pathOf(job, part))));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    async remove(job) {
      for (const part of PARTS) await rm(pathOf(job, part), { recursive: true, force: true });
    },
    async jobs() {
      const names = await Promise.all(PARTS.map((part) => readdir(join(directory, part))));
      return new Set(names.flat());
    },
  };
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.sync();
}

/** Windows opens no folders, and keeps their entries by itself. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using folder = await open(path, 'r');
  await folder.sync();
}

async function sizeOfFolder(path: string): Promise<number> {
  const names = await readdir(path).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(path, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
