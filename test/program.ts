import { accessSync, constants } from 'node:fs';

interface Program {
  /** the variable that names it where it is somewhere else */
  readonly variable: string;
  readonly usualPaths: readonly string[];
  /** how to get it, in whole sentences */
  readonly hint: string;
}

/**
 * The path of a program that some tests want; undefined, with the hint on stderr, where this machine has none.
 * Where `CI` is set that is an error: there these tests must run.
 */
export function findProgram({ variable, usualPaths, hint }: Program): string | undefined {
  const asked = process.env[variable];
  const found = (asked === undefined ? usualPaths : [asked]).find(isExecutable);
  if (found !== undefined) return found;
  if (process.env['CI'] !== undefined) throw new Error(hint);
  process.stderr.write(`${hint} They are left out.\n`);
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
