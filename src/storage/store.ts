import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { SQLInputValue } from 'node:sqlite';
import { z } from 'zod';
import { JOB_STATES, type Job } from '../jobs/job.ts';
import type { Recipe, StoredFile } from '../recipes/recipe.ts';
import { RecipeFile } from '../recipes/recipe-file.ts';
import { openDatabase } from './database.ts';
import { factsOf, readFacts, readStoredFiles, storedFilesOf } from './job-json.ts';

/**
 * What outlives the process: one SQLite file, and the only SQL. Every call is one transaction that is on the disk when it
 * returns (WAL with `synchronous=FULL`). Calls are synchronous, since a commit takes some 2 ms and SQLite has one writer.
 */
export interface Store {
  /** Writes a new job. @param turn its owner's place in the round @param changed another job that changes with it */
  accept(job: Job, turn: number, changed?: Job): void;
  /** Writes a job as it has become. */
  save(job: Job): void;
  /** The job, and the new place in the round of what else waits for the same user. */
  saveTurn(job: Job, turn: number): void;
  get(job: string): Job | undefined;
  /** Jobs that have not ended or whose end was not told, those that wait in the order of their turns. */
  open(): readonly OpenJob[];
  /** A person's jobs, the newest first. */
  jobsOf(user: string, most: number): readonly Job[];
  /** Jobs that ended and were told, oldest first. */
  ended(): readonly EndedJob[];
  /** Notes how much of the disk a job has. */
  saveBytes(job: string, bytes: number): void;
  forget(job: string): void;
  /** For a Discord that has forgotten everything itself. */
  forgetAll(): void;

  /** The last run times of a recipe on a backend, newest first. */
  runTimes(recipe: string, backend: string): readonly RunTime[];
  saveRunTime(recipe: string, backend: string, time: RunTime): void;

  /** A command that was answered "thinking" and is no job yet. */
  saveArrival(id: string, note: string): void;
  removeArrival(id: string): void;
  arrivals(): readonly { readonly id: string; readonly note: string }[];

  /** Keeps a command whose long texts are still to be typed. @param most of one user's: the oldest go */
  saveForm(form: Form, most: number): void;
  form(id: string): Form | undefined;
  removeForm(id: string): void;
  /** Removes the forms that were shown before then. */
  removeForms(before: number): void;
  /** Whether a job or a form has a file of this name. */
  hasFile(name: string): boolean;
  close(): void;
}

/** What a command gave before its modal was shown. */
export interface Form {
  /** of the job that it becomes */
  readonly id: string;
  readonly user: string;
  readonly recipe: Recipe;
  /** milliseconds since the epoch */
  readonly shownAt: number;
  readonly given: string;
  /** the files of the recipe's options that have a default, by address, as they were then */
  readonly defaults: ReadonlyMap<string, StoredFile>;
}

export interface OpenJob {
  readonly job: Job;
  readonly turn: number | undefined;
}

interface EndedJob {
  readonly id: string;
  readonly closedAt: number;
  /** undefined where it was not measured yet */
  readonly bytes: number | undefined;
}

/** milliseconds */
export interface RunTime {
  /** from the first sign of work to the end */
  readonly runMs: number;
  /** what a cold start took before; 0 where there was none */
  readonly coldMs: number;
}

/** Enough for a median that follows a backend that was made faster. */
const KEPT_RUN_TIMES = 30;

/** @throws StoreError when the database cannot be used, with what to do about it */
export function createStore(directory: string): Store {
  const db = openDatabase(join(directory, 'troupe.db'));
  // Prepared once; SQLite keeps them ready.
  const putRecipe = db.prepare('INSERT OR IGNORE INTO recipes (hash, recipe) VALUES (?, ?)');
  const putJob = db.prepare(
    `INSERT INTO jobs (id, user, recipe, state, turn, told, closed_at, note, facts)
     VALUES (:id, :user, :recipe, :state, :turn, :told, :closedAt, :note, :facts)
     ON CONFLICT (id) DO UPDATE SET state = :state, turn = coalesce(:turn, turn), told = :told, closed_at = :closedAt,
       note = :note, facts = :facts`,
  );
  const putTurn = db.prepare(`UPDATE jobs SET turn = ? WHERE user = ? AND state = 'waiting' AND told = 0`);
  const getRecipe = db.prepare('SELECT recipe FROM recipes WHERE hash = ?');
  const columns = 'id, user, recipe, state, turn, told, closed_at AS closedAt, bytes, note, facts';
  const getJob = db.prepare(`SELECT ${columns} FROM jobs WHERE id = ?`);
  const getOpen = db.prepare(`SELECT ${columns} FROM jobs WHERE told = 0 ORDER BY turn, seq`);
  const getOfUser = db.prepare(`SELECT ${columns} FROM jobs WHERE user = ? ORDER BY seq DESC LIMIT ?`);
  const getEnded = db.prepare(
    'SELECT id, closed_at AS closedAt, bytes FROM jobs WHERE told = 1 AND closed_at IS NOT NULL ORDER BY closed_at',
  );
  const putBytes = db.prepare('UPDATE jobs SET bytes = ? WHERE id = ?');
  const dropJob = db.prepare('DELETE FROM jobs WHERE id = ?');
  const getTimes = db.prepare(
    'SELECT run_ms AS runMs, cold_ms AS coldMs FROM run_times WHERE recipe = ? AND backend = ? ORDER BY seq DESC',
  );
  const putTime = db.prepare('INSERT INTO run_times (recipe, backend, run_ms, cold_ms) VALUES (?, ?, ?, ?)');
  const dropTimes = db.prepare(
    `DELETE FROM run_times WHERE recipe = :recipe AND backend = :backend AND seq <= (
       SELECT seq FROM run_times WHERE recipe = :recipe AND backend = :backend ORDER BY seq DESC
       LIMIT 1 OFFSET ${KEPT_RUN_TIMES})`,
  );
  const putArrival = db.prepare('INSERT OR REPLACE INTO arrivals (id, note) VALUES (?, ?)');
  const dropArrival = db.prepare('DELETE FROM arrivals WHERE id = ?');
  const getArrivals = db.prepare('SELECT id, note FROM arrivals');
  const putForm = db.prepare(
    'INSERT INTO forms (id, user, recipe, shown_at, given, defaults) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const getForm = db.prepare('SELECT id, user, recipe, shown_at AS shownAt, given, defaults FROM forms WHERE id = ?');
  const dropForm = db.prepare('DELETE FROM forms WHERE id = ?');
  const dropForms = db.prepare('DELETE FROM forms WHERE shown_at < ?');
  const dropMoreForms = db.prepare(
    `DELETE FROM forms WHERE user = :user AND seq <= (
       SELECT seq FROM forms WHERE user = :user ORDER BY seq DESC LIMIT 1 OFFSET :most)`,
  );
  const findFile = db.prepare(
    `SELECT 1 FROM jobs WHERE instr(facts, :name) UNION ALL SELECT 1 FROM forms WHERE instr(defaults, :name) LIMIT 1`,
  );
  /** Jobs of the same recipe share it. */
  let hashes = new WeakMap<Recipe, string>();
  const recipes = new Map<string, Recipe>();

  function hashOf(recipe: Recipe): string {
    let hash = hashes.get(recipe);
    if (hash === undefined) {
      const json = JSON.stringify(recipe);
      hash = createHash('sha256').update(json).digest('base64url');
      putRecipe.run(hash, json);
      hashes.set(recipe, hash);
    }
    return hash;
  }

  function recipeOf(hash: string): Recipe {
    let recipe = recipes.get(hash);
    if (!recipe) {
      recipe = RecipeFile.parse(JSON.parse(RecipeRow.parse(getRecipe.get(hash)).recipe));
      recipes.set(hash, recipe);
      hashes.set(recipe, hash);
    }
    return recipe;
  }

  function put(job: Job, turn: number | undefined): void {
    const row: Record<string, SQLInputValue> = {
      id: job.id,
      user: job.user,
      recipe: hashOf(job.recipe),
      state: job.state,
      turn: turn ?? null,
      told: job.told ? 1 : 0,
      closedAt: job.closedAt ?? null,
      note: job.note,
      facts: factsOf(job, directory),
    };
    putJob.run(row);
  }

  function readJob(row: unknown): OpenJob {
    const { recipe, turn, told, closedAt, facts, ...rest } = Row.parse(row);
    const job: Job = {
      ...rest,
      ...readFacts(facts, directory),
      recipe: recipeOf(recipe),
      told: told === 1,
      progress: {},
      ...(closedAt !== null && { closedAt }),
    };
    return { job, turn: turn ?? undefined };
  }

  function inTransaction(work: () => void): void {
    db.exec('BEGIN IMMEDIATE');
    try {
      work();
      db.exec('COMMIT');
    } catch (error) {
      // A full disk has rolled it back already.
      if (db.isTransaction) db.exec('ROLLBACK');
      // A recipe that was new in it is not there any more.
      hashes = new WeakMap();
      throw error;
    }
  }

  return {
    accept: (job, turn, changed) =>
      inTransaction(() => {
        put(job, turn);
        if (changed) put(changed, undefined);
      }),
    save: (job) => inTransaction(() => put(job, undefined)),
    saveTurn: (job, turn) =>
      inTransaction(() => {
        put(job, undefined);
        putTurn.run(turn, job.user);
      }),
    get(job) {
      const row = getJob.get(job);
      return row && readJob(row).job;
    },
    open: () => getOpen.all().map((row) => readJob(row)),
    jobsOf: (user, most) => getOfUser.all(user, most).map((row) => readJob(row).job),
    ended: () => z.array(EndedRow).parse(getEnded.all()),
    saveBytes: (job, bytes) => void putBytes.run(bytes, job),
    forget: (job) => void dropJob.run(job),
    forgetAll: () => db.exec('DELETE FROM jobs; DELETE FROM arrivals; DELETE FROM forms'),
    runTimes: (recipe, backend) => z.array(TimeRow).parse(getTimes.all(recipe, backend)),
    saveRunTime: (recipe, backend, { runMs, coldMs }) =>
      inTransaction(() => {
        putTime.run(recipe, backend, Math.round(runMs), Math.round(coldMs));
        dropTimes.run({ recipe, backend });
      }),
    saveArrival: (id, note) => void putArrival.run(id, note),
    removeArrival: (id) => void dropArrival.run(id),
    arrivals: () => z.array(ArrivalRow).parse(getArrivals.all()),
    saveForm: ({ id, user, recipe, shownAt, given, defaults }, most) =>
      inTransaction(() => {
        putForm.run(id, user, hashOf(recipe), shownAt, given, storedFilesOf(defaults, directory));
        dropMoreForms.run({ user, most });
      }),
    form(id) {
      const row = getForm.get(id);
      if (!row) return undefined;
      const { recipe, defaults, ...form } = FormRow.parse(row);
      return { ...form, recipe: recipeOf(recipe), defaults: readStoredFiles(defaults, directory) };
    },
    removeForm: (id) => void dropForm.run(id),
    removeForms: (before) => void dropForms.run(before),
    hasFile: (name) => findFile.get({ name }) !== undefined,
    close() {
      if (db.isOpen) db.close();
    },
  };
}

const RecipeRow = z.object({ recipe: z.string() });
const EndedRow = z.object({
  id: z.string(),
  closedAt: z.number(),
  bytes: z
    .number()
    .nullable()
    .transform((bytes) => bytes ?? undefined),
});
const TimeRow = z.object({ runMs: z.number(), coldMs: z.number() });
const ArrivalRow = z.object({ id: z.string(), note: z.string() });
const FormRow = z.object({
  id: z.string(),
  user: z.string(),
  recipe: z.string(),
  shownAt: z.number(),
  given: z.string(),
  defaults: z.string(),
});
const Row = z.object({
  id: z.string(),
  user: z.string(),
  recipe: z.string(),
  state: z.enum(JOB_STATES),
  turn: z.number().nullable(),
  told: z.number(),
  closedAt: z.number().nullable(),
  note: z.string(),
  facts: z.string(),
});
