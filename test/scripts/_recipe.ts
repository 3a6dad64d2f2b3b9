import { fitRecipe, type Fitted } from '../../scripts/recipe/fit.ts';
import { draftFromForm } from '../../scripts/recipe/from-form.ts';
import { draftFromWorkflow } from '../../scripts/recipe/from-workflow.ts';
import { createRegistry, type Registry } from '../../src/playground/discord/registry.ts';
import { commandOf } from '../../src/recipes/commands.ts';
import { fill, type GivenAnswers, type Option, type Recipe } from '../../src/recipes/recipe.ts';
import { formsOf } from '../../src/recipes/view-comfy.ts';
import { fillWorkflow } from '../../src/recipes/workflow.ts';
import { workflowSource } from '../../src/recipes/workflow-file.ts';
import { parseWritten } from '../../src/recipes/written-json.ts';

/** The recipe that a workflow, or the nth form of a `view_comfy.json`, gives. */
export function recipeOf(text: string, form?: number): Fitted {
  const [json, written]: [unknown, ReturnType<typeof parseWritten>] = [JSON.parse(text), parseWritten(text)];
  if (form === undefined) {
    const source = workflowSource('the workflow', json, written);
    return fitRecipe('made', draftFromWorkflow(source), source);
  }
  const chosen = formsOf('the form', json, written)[form];
  if (!chosen?.source) throw new Error(`there is no form ${form} with a workflow`);
  return fitRecipe('made', draftFromForm(chosen, chosen.source), chosen.source);
}

/** Makes the command known to a local Discord, which is as strict as the real one. @throws DiscordError */
export function register(recipe: Recipe): void {
  let id = 0;
  const newId = () => String((id += 1));
  // As it goes over the wire.
  const bodies: Parameters<Registry['replace']>[0] = JSON.parse(JSON.stringify([commandOf(recipe)]));
  createRegistry({ applicationId: '1', newId, changed: () => undefined }).replace(bodies);
}

/** An answer to every option that is another value than any default. */
export function answersTo({ options }: Recipe): GivenAnswers {
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, answerTo(name, option)]));
}

function answerTo(name: string, option: Option) {
  switch (option.kind) {
    case 'text':
    case 'long-text':
      return `answer to ${name}`;
    case 'integer':
    case 'number':
      return option.default === option.max ? option.min : option.max;
    case 'choice':
      return Object.keys(option.choices).at(-1);
    case 'switch':
      return !option.default;
    case 'seed':
      return 42;
    case 'picture':
    case 'mask':
    case 'video':
    case 'audio':
      return { name: `${name}.png`, mediaType: 'image/png', path: `/${name}.png`, size: 1 };
  }
}

/**
 * The inputs that answers change: what a backend would run, beside what it runs without them, as `key: value`. Whatever
 * else is different is there too.
 */
export function changedBy(recipe: Recipe, answers: GivenAnswers): { changes: string[]; unknown: readonly string[] } {
  const { parameters, files, workflow = {} } = fill(recipe, answers);
  const names = Object.fromEntries(Object.entries(files).map(([key, { name }]) => [key, name]));
  const filled = fillWorkflow(workflow, { ...parameters, ...names });
  const changes = Object.entries(filled.workflow).flatMap(([node, { inputs }]) =>
    Object.entries(inputs).flatMap(([input, value]) => {
      const before = workflow[node]?.inputs[input];
      return JSON.stringify(before) === JSON.stringify(value)
        ? []
        : [`${node}-inputs-${input}: ${JSON.stringify(value)}`];
    }),
  );
  return { changes, unknown: filled.unknown };
}

/** What should be changed: every answer at its own parameters. */
export function expectedOf({ options }: Recipe, answers: GivenAnswers): string[] {
  return Object.entries(options).flatMap(([name, option]) => {
    const answer = answers[name];
    const sent = option.kind === 'choice' && typeof answer === 'string' ? option.choices[answer] : answer;
    const value = typeof sent === 'object' ? sent.name : sent;
    return option.parameters.map((key) => `${key}: ${JSON.stringify(value)}`);
  });
}
