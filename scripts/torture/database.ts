import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { wordOf } from './card.ts';

export interface JobRow {
  readonly id: string;
  readonly word: string;
  readonly state: string;
}

export interface DatabaseReport {
  readonly jobs: readonly JobRow[];
  /** sentences; none where all is well */
  readonly problems: readonly string[];
}

const Row = z.object({ id: z.string(), state: z.string(), told: z.number(), facts: z.string() });
const Facts = z.object({ answers: z.object({ prompt: z.string() }) });
const Check = z.array(z.object({ integrity_check: z.string() }));

/** Looks into what a bot has left behind that ended by itself. */
export async function readDatabase(dataDir: string): Promise<DatabaseReport> {
  const problems: string[] = [];
  const path = join(dataDir, 'troupe.db');
  if (!existsSync(path)) return { jobs: [], problems: ['There is no database'] };
  const db = new DatabaseSync(path);
  try {
    for (const { integrity_check: verdict } of Check.parse(db.prepare('PRAGMA integrity_check').all())) {
      if (verdict !== 'ok') problems.push(`integrity_check: ${verdict}`);
    }
    const rows = z.array(Row).parse(db.prepare('SELECT id, state, told, facts FROM jobs ORDER BY seq').all());
    for (const { id, state, told } of rows) {
      const hasEnded = ['done', 'failed', 'cancelled', 'interrupted'].includes(state);
      if (!hasEnded || told !== 1) problems.push(`job ${id} is ${state}, ${told === 1 ? '' : 'not '}told`);
    }
    const arrivals = db.prepare('SELECT id FROM arrivals').all();
    if (arrivals.length > 0) problems.push(`${arrivals.length} arrivals are left`);
    const ids = new Set(rows.map(({ id }) => id));
    for (const part of ['inputs', 'results']) {
      for (const name of await readdir(join(dataDir, part))) {
        if (!ids.has(name)) problems.push(`the folder ${part}/${name} belongs to no job`);
      }
    }
    const jobs = rows.map(({ id, state, facts }) => {
      const { prompt } = Facts.parse(JSON.parse(facts)).answers;
      return { id, state, word: wordOf(prompt) ?? '' };
    });
    return { jobs, problems };
  } finally {
    db.close();
  }
}
