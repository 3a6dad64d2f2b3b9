import { accessSync, constants, existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { diskTrouble, type DiskTrouble } from './disk.ts';

/** The database's file: checked, locked and made as this version has it. */

/** What stops the start: a sentence for the person who runs the bot. */
export class StoreError extends Error {
  override name = 'StoreError';
}

/** Forward only: a migration that was released is never changed, the next one is added below it. */
const MIGRATIONS = [
  `CREATE TABLE recipes (hash TEXT PRIMARY KEY, recipe TEXT NOT NULL) STRICT;
   CREATE TABLE jobs (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     user TEXT NOT NULL,
     recipe TEXT NOT NULL REFERENCES recipes (hash),
     state TEXT NOT NULL,
     turn INTEGER,
     told INTEGER NOT NULL,
     closed_at INTEGER,
     bytes INTEGER,
     note TEXT NOT NULL,
     facts TEXT NOT NULL
   ) STRICT;
   CREATE INDEX jobs_of_user ON jobs (user, seq);
   CREATE INDEX jobs_open ON jobs (turn, seq) WHERE told = 0;
   CREATE INDEX jobs_ended ON jobs (closed_at) WHERE told = 1;
   CREATE TABLE run_times (
     seq INTEGER PRIMARY KEY, recipe TEXT NOT NULL, backend TEXT NOT NULL, run_ms INTEGER NOT NULL, cold_ms INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX run_times_of ON run_times (recipe, backend, seq);
   CREATE TABLE arrivals (id TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT;`,
  `CREATE TABLE forms (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     user TEXT NOT NULL,
     recipe TEXT NOT NULL REFERENCES recipes (hash),
     shown_at INTEGER NOT NULL,
     given TEXT NOT NULL
   ) STRICT;
   CREATE INDEX forms_of_user ON forms (user, seq);`,
  `ALTER TABLE forms ADD COLUMN defaults TEXT NOT NULL DEFAULT '[]';`,
];

/** How long a process that is about to end is waited for, before the start is refused. */
const LOCK_MS = 3000;
const SQLITE_BUSY = 5;

/** @throws StoreError when it cannot be used, with what to do about it */
export function openDatabase(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    // SQLite's own word for a disk that may not be written to is an error of the disk.
    if (existsSync(path)) accessSync(path, constants.W_OK);
    db = new DatabaseSync(path, { timeout: LOCK_MS });
    // Before the first access: the lock is then never given back, and belongs to this process until it ends.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    const { quick_check: verdict } = CheckRow.parse(db.prepare('PRAGMA quick_check(1)').get());
    if (verdict !== 'ok') throw new StoreError(`${path} ${TROUBLE_AT_START.damaged} (${verdict})`);
    migrate(db);
    return db;
  } catch (cause) {
    db?.close();
    if (isBusy(cause)) {
      throw new StoreError(
        `Another Troupe works with ${path}. Two must not share a DATA_DIR: stop that one, or give this one its own.`,
        { cause },
      );
    }
    const trouble = diskTrouble(cause);
    if (!trouble) throw cause;
    throw new StoreError(`${path} ${TROUBLE_AT_START[trouble]}`, { cause });
  }
}

const TROUBLE_AT_START = {
  full: 'cannot be used: the disk is full. Make room on it and start again; no job is lost.',
  'read-only': 'cannot be opened for writing. DATA_DIR must be a folder that the bot may write to.',
  damaged:
    'is damaged. Put a backup in its place, or move it away to begin with an empty one: finished results stay in the folder results beside it.',
  broken: 'cannot be read: the disk reports an error.',
} satisfies Record<DiskTrouble, string>;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function migrate(db: DatabaseSync): void {
  const { user_version: version } = VersionRow.parse(db.prepare('PRAGMA user_version').get());
  if (version > MIGRATIONS.length) {
    throw new StoreError(
      'The database in DATA_DIR was made by a newer Troupe. Start that one, or take another DATA_DIR.',
    );
  }
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index < version) continue;
    db.exec(`BEGIN IMMEDIATE; ${migration} PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}

const CheckRow = z.object({ quick_check: z.string() });
const VersionRow = z.object({ user_version: z.int() });
