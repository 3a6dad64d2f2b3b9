import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
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

/**
 * @param directory holds a folder for each process that uses it; what processes that are gone have left is removed, as
 * jobs do not outlive their process
 */
export async function createSpool(directory: string): Promise<Spool> {
  await mkdir(directory, { recursive: true });
  // Only what has a process's number is ours to remove. Another process that starts now may do the same: hence `force`.
  const processes = (await readdir(directory)).filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
  for (const pid of processes) {
    if (pid === process.pid || !isAlive(pid)) await rm(join(directory, String(pid)), { recursive: true, force: true });
  }
  const own = join(directory, String(process.pid));
  return {
    newJobId: () => randomBytes(9).toString('base64url'),
    async folder(job, part) {
      const path = join(own, job, part);
      try {
        await mkdir(path, { recursive: true });
      } catch (cause) {
        throw new UserError('The bot cannot write to its disk. Please tell the person who runs it.', { cause });
      }
      return path;
    },
    remove: (job) => rm(join(own, job), { recursive: true, force: true }),
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
