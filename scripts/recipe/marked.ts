import { linkOf, nodeName, parameterKey, type Workflow } from '../../src/recipes/workflow.ts';
import type { WorkflowSource } from '../../src/recipes/workflow-file.ts';
import { writtenAt } from '../../src/recipes/written-json.ts';
import type { Candidate } from './draft.ts';
import { describe, sentenceFrom } from './names.ts';
import { digitsOf, isAskable, SEED, SEED_DESCRIPTION, spanOf } from './numbers.ts';
import { WORDS } from './prompts.ts';
import { ownTitle } from './titles.ts';

/** What is asked of a workflow whose author has marked the nodes that people are to see. */

/** Of what was found, the inputs of marked nodes. */
export function keepMarked(
  workflow: Workflow,
  candidates: readonly Candidate[],
  marked: ReadonlySet<string>,
): Candidate[] {
  const keys = keysOf(workflow, marked);
  const kept = new Map<Candidate, Candidate>();
  for (const candidate of candidates) {
    const { option, of } = candidate;
    const parameters = option.parameters.filter((key) => keys.has(key));
    const picture = of && kept.get(of);
    if (parameters.length === 0 && (option.parameters.length > 0 || !picture)) continue;
    const { of: _, ...rest } = candidate;
    kept.set(candidate, { ...rest, option: { ...option, parameters }, ...(picture && { of: picture }) });
  }
  return [...kept.values()];
}

/** Their other inputs: numbers, switches and words. What is one of a list, the workflow does not tell. */
export function inputsOfMarked(
  source: WorkflowSource,
  found: readonly Candidate[],
  marked: ReadonlySet<string>,
): { candidates: Candidate[]; notes: string[] } {
  const { workflow } = source;
  const asked = new Set(found.flatMap(({ option }) => option.parameters));
  const notes: string[] = [];
  const candidates = [...marked].flatMap((node) =>
    Object.entries(workflow[node]?.inputs ?? {}).flatMap(([input, value]): Candidate[] => {
      const key = parameterKey(node, input);
      if (asked.has(key) || linkOf(value)) return [];
      const option = optionOf(source, node, input, value);
      if (option) {
        const title = ownTitle(workflow, node) ?? '';
        const reason = `the ${input} of ${nodeName(workflow, node)}${'min' in option ? `; ${option.min} to ${option.max} is guessed` : ''}`;
        return [{ names: [input, `${title} ${input}`], option: { ...option, parameters: [key] }, reason }];
      }
      if (typeof value === 'string') {
        notes.push(`${input} of ${nodeName(workflow, node)} keeps the workflow's own value: it may be one of a list.`);
      }
      return [];
    }),
  );
  return { candidates, notes };
}

function optionOf({ workflow, written }: WorkflowSource, node: string, input: string, value: unknown) {
  const title = ownTitle(workflow, node);
  const words = sentenceFrom(title === undefined ? input : `${title}: ${input}`);
  if (typeof value === 'boolean') {
    return { kind: 'switch' as const, description: describe(words, value), default: value };
  }
  if (typeof value === 'string') {
    if (!WORDS.test(input)) return undefined;
    return { kind: 'text' as const, description: describe(words, value), ...(value !== '' && { default: value }) };
  }
  const digits = digitsOf(writtenAt(written, node, 'inputs', input));
  if (digits === undefined) return undefined;
  if (SEED.test(input)) return { kind: 'seed' as const, description: SEED_DESCRIPTION };
  if (!isAskable(digits)) return undefined;
  const standing = Number(digits) + 0;
  return { ...spanOf(input, digits, {}), description: describe(words, standing), default: standing };
}

function keysOf(workflow: Workflow, nodes: ReadonlySet<string>): ReadonlySet<string> {
  return new Set(
    [...nodes].flatMap((node) => Object.keys(workflow[node]?.inputs ?? {}).map((input) => parameterKey(node, input))),
  );
}
