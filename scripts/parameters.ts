import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { UserError } from '../src/errors.ts';
import { flattenWritten } from '../src/recipes/workflow.ts';
import { readWorkflowSource, WorkflowFileError } from '../src/recipes/workflow-file.ts';
import { printWritten } from '../src/recipes/written-json.ts';

/**
 * `npm run parameters -- workflow_api.json [--out file]`: every parameter of a workflow with its value, as ViewComfy's own
 * tool prints them, to stdout or into a file. Exit code 2: there is no workflow to print.
 */
const USAGE = `npm run parameters -- workflow_api.json
  --out FILE   where the parameters go; default: stdout`;

try {
  await printParameters();
} catch (error) {
  if (!(error instanceof UserError) && !(error instanceof WorkflowFileError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

async function printParameters(): Promise<void> {
  const { path, out } = readArguments();
  const { written } = await readWorkflowSource(path);
  const parameters = `${printWritten(flattenWritten(written))}\n`;
  if (out === undefined) {
    process.stdout.write(parameters);
    return;
  }
  await writeFile(out, parameters).catch((cause: unknown) => {
    throw new UserError(`${out} cannot be written.`, { cause });
  });
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({ options: { out: { type: 'string' } }, allowPositionals: true });
    const [path, ...more] = positionals;
    if (path !== undefined && more.length === 0) return { path, out: values.out };
  } catch (cause) {
    throw new UserError(`${cause instanceof Error ? cause.message : ''}\n${USAGE}`, { cause });
  }
  throw new UserError(USAGE);
}
