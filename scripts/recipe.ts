import { access, mkdir, realpath, writeFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { UserError } from '../src/errors.ts';
import { JOBS_COMMAND } from '../src/recipes/commands.ts';
import { NAME, NAME_WORDS } from '../src/recipes/limits.ts';
import type { Recipe } from '../src/recipes/recipe.ts';
import { COMMANDS_DIRECTORY, shownPath } from '../src/recipes/recipe-loader.ts';
import { readViewComfyFile, type Form } from '../src/recipes/view-comfy.ts';
import { readWorkflowSource, WorkflowFileError } from '../src/recipes/workflow-file.ts';
import { printWritten } from '../src/recipes/written-json.ts';
import { fitRecipe } from './recipe/fit.ts';
import { draftFromForm } from './recipe/from-form.ts';
import { draftFromWorkflow } from './recipe/from-workflow.ts';
import { oneLine, shorten } from './recipe/names.ts';
import { printRecipe } from './recipe/print.ts';
import { optionTable } from './recipe/table.ts';

/**
 * `npm run recipe -- workflow_api.json --name portrait`: makes a command of a workflow, or of the form that a ViewComfy
 * app has for it. What is written goes to stdout, what was guessed to stderr. Exit code 2: nothing was written, and why.
 */
const USAGE = `npm run recipe -- workflow_api.json --name portrait
npm run recipe -- view_comfy.json --name portrait
  --name NAME       the command's name: ${NAME_WORDS}
  --workflow FILE   the workflow, where the form has another one or none
  --form NUMBER     which form, where view_comfy.json has several
  --dry-run         prints what would be asked, and writes nothing
  --commands DIR    where the recipe goes, such as your COMMANDS_DIR; default: commands
  --force           writes over a recipe of this name`;

const RECIPE_MODULE = fileURLToPath(new URL('../src/recipes/recipe.ts', import.meta.url));

/** More is not read by anybody. */
const MOST_NOTES = 30;

try {
  await makeRecipe();
} catch (error) {
  if (!(error instanceof UserError) && !(error instanceof WorkflowFileError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

async function makeRecipe(): Promise<void> {
  const { path, name, values } = readArguments();
  const folder = values.commands ?? COMMANDS_DIRECTORY;
  const files = { recipe: join(folder, `${name}.ts`), workflow: join(folder, `${name}.workflow.json`) };
  if (!values['dry-run'] && !values.force) await refuseExisting(Object.values(files));
  const { form, source } = await readInput(path, values.form, values.workflow);

  const draft = form ? draftFromForm(form, source) : draftFromWorkflow(source);
  const { recipe, written, reasons, notes } = fitRecipe(name, draft, source);
  for (const [option, reason] of reasons) say(`${option}: ${reason}.`);
  for (const note of notes.slice(0, MOST_NOTES)) say(note);
  if (notes.length > MOST_NOTES) say(`And ${notes.length - MOST_NOTES} more of these.`);
  say(`The result: ${resultOf(recipe)}.`);
  process.stdout.write(optionTable(recipe));
  if (values['dry-run']) {
    say('Nothing is written: leave out --dry-run to have the recipe.');
    return;
  }

  const flag = values.force ? 'w' : 'wx';
  try {
    await mkdir(folder, { recursive: true });
    const text = printRecipe(recipe, {
      workflowFile: `./${name}.workflow.json`,
      // From where the folder is, not from where a link to it is.
      recipeModule: moduleFrom(await realpath(folder)),
      about: [draft.title, draft.description].filter((words) => words.trim() !== '').join(': '),
    });
    // The workflow first: a recipe without one would stop the bot from starting.
    await writeFile(files.workflow, `${printWritten(written)}\n`, { flag });
    await writeFile(files.recipe, text, { flag });
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new UserError(`${files.recipe} cannot be written.`, { cause });
  }
  const isOurs = resolve(folder) === COMMANDS_DIRECTORY;
  process.stdout.write(
    `${Object.values(files).map(shownPath).join(' and ')} are written; edit the first as you like. ` +
      `${isOurs ? 'npm start' : `A bot with COMMANDS_DIR=${resolve(folder)}`} offers /${name}.\n`,
  );
}

function resultOf({ outputs: { main } }: Recipe): string {
  const files = main.filter((name) => typeof name === 'string');
  const nodes = main.flatMap((name) => (typeof name === 'string' ? [] : [name.node]));
  const all = [
    ...(files.length > 0 ? [`files whose names begin with ${files.join(', ')}`] : []),
    ...(nodes.length > 0 ? [`what comes of the node ${nodes.join(', ')}`] : []),
  ];
  return all.length > 0 ? all.join(', and ') : 'every file that comes';
}

async function readInput(path: string, formNumber: string | undefined, workflowPath: string | undefined) {
  const forms = await readViewComfyFile(path);
  if (!forms) {
    if (formNumber !== undefined) throw new UserError(`${path} has no forms: leave out --form.`);
    return { form: undefined, source: await readWorkflowSource(workflowPath ?? path) };
  }
  const form = chooseForm(path, forms, formNumber);
  const source = workflowPath === undefined ? form.source : await readWorkflowSource(workflowPath);
  if (source) return { form, source };
  throw new UserError(`${path} has a form without its workflow. Name the workflow with --workflow workflow_api.json.`);
}

function chooseForm(path: string, forms: readonly Form[], formNumber: string | undefined): Form {
  const [only] = forms;
  const chosen = formNumber === undefined ? (forms.length === 1 ? only : undefined) : forms[Number(formNumber) - 1];
  if (chosen) return chosen;
  const list = forms.map(({ title }, index) => `--form ${index + 1} ${oneLine(title)}`);
  throw new UserError(`${path} has ${forms.length} forms. Choose one:\n  ${list.join('\n  ')}`);
}

async function refuseExisting(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) throw new UserError(`${path} is there already. Give another --name, or --force to write over it.`);
  }
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: {
        name: { type: 'string' },
        workflow: { type: 'string' },
        form: { type: 'string' },
        commands: { type: 'string' },
        'dry-run': { type: 'boolean' },
        force: { type: 'boolean' },
      },
      allowPositionals: true,
    });
    const [path, ...more] = positionals;
    const { name } = values;
    if (path !== undefined && more.length === 0 && name !== undefined) {
      checkName(name);
      return { path, name, values };
    }
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`${cause instanceof Error ? cause.message : ''}\n${USAGE}`, { cause });
  }
  throw new UserError(USAGE);
}

function checkName(name: string): void {
  if (!NAME.test(name)) {
    throw new UserError(`Discord takes no command named ${JSON.stringify(name)}: ${NAME_WORDS}.`);
  }
  if (name === JOBS_COMMAND) throw new UserError(`/${JOBS_COMMAND} is Troupe's own command. Give another --name.`);
}

function moduleFrom(folder: string): string {
  const path = relative(folder, RECIPE_MODULE).split(sep).join('/');
  return path.startsWith('.') ? path : `./${path}`;
}

function say(line: string): void {
  // Titles come from outside, and may hold what a terminal obeys.
  process.stderr.write(`${shorten(oneLine(line), 400)}\n`);
}
