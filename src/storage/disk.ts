import { UserError } from '../errors.ts';

/** What the disk refuses, and for which reason: in the words of the system, of SQLite, and of people. */
export type DiskTrouble = 'full' | 'read-only' | 'damaged' | 'broken';

const BY_CODE: ReadonlyMap<string, DiskTrouble> = new Map([
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EROFS', 'read-only'],
  ['EACCES', 'read-only'],
  ['EPERM', 'read-only'],
  ['EIO', 'broken'],
  // Something else lies where our folder should be.
  ['ENOTDIR', 'broken'],
]);

/** https://sqlite.org/rescode.html; the low byte is the primary code. */
const BY_SQLITE_CODE: ReadonlyMap<number, DiskTrouble> = new Map([
  [8, 'read-only'],
  [10, 'broken'],
  [11, 'damaged'],
  [13, 'full'],
  [14, 'read-only'],
  [26, 'damaged'],
]);

const SENTENCES: Readonly<Record<DiskTrouble, string>> = {
  full: 'The disk of the bot is full, so nothing could be kept. Please tell the person who runs it; it goes on by itself once there is room.',
  'read-only': 'The bot may not write to its disk, so nothing could be kept. Please tell the person who runs it.',
  damaged: "The bot's database is damaged, so nothing could be kept. Please tell the person who runs it.",
  broken: 'The disk of the bot does not work, so nothing could be kept. Please tell the person who runs it.',
};

/** undefined for what is no trouble of the disk */
export function diskTrouble(error: unknown): DiskTrouble | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('errcode' in error && typeof error.errcode === 'number') return BY_SQLITE_CODE.get(error.errcode & 0xff);
  if ('code' in error && typeof error.code === 'string') {
    const trouble = BY_CODE.get(error.code);
    if (trouble) return trouble;
  }
  return diskTrouble(error.cause);
}

/** What a person is told of the disk's trouble; every other error as it is. */
export function diskFailure(cause: unknown): Error {
  const trouble = cause instanceof UserError ? undefined : diskTrouble(cause);
  if (trouble) return new UserError(SENTENCES[trouble], { cause });
  return cause instanceof Error ? cause : new Error('Something that is no error was thrown', { cause });
}

/** Does what writes to the disk. @throws UserError that tells the disk's trouble; every other error as it is */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskFailure(error);
  }
}
