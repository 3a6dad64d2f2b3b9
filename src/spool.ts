import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from './errors.ts';

/**
 * Where pictures are while they are ours: one folder a job, `in` for what came from the person and `out` for what came
 * from the backend. Everything passes through here, so that no picture has to be in memory for longer than its check.
 */
export interface Spool {
  /** A name that no other job has and that is safe as a folder's name and in a Discord custom id. */
  newJobId(): string;
  /** Makes the folder and answers its absolute path. @throws UserError when the disk does not take it */
  folder(job: string, part: 'in' | 'out'): Promise<string>;
  /** Removes all that is kept of a job. */
  remove(job: string): Promise<void>;
}

/** @param directory is emptied: jobs do not outlive the process, so nothing in it belongs to anybody */
export async function createSpool(directory: string): Promise<Spool> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  return {
    newJobId: () => randomBytes(9).toString('base64url'),
    async folder(job, part) {
      const path = join(directory, job, part);
      try {
        await mkdir(path, { recursive: true });
      } catch (cause) {
        throw new UserError('The bot cannot write to its disk. Please tell the person who runs it.', { cause });
      }
      return path;
    },
    remove: (job) => rm(join(directory, job), { recursive: true, force: true }),
  };
}
