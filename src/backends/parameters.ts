import { BackendError } from '../errors.ts';
import { flattenWorkflow } from '../recipes/workflow.ts';
import type { RunRequest } from './backend.ts';

/** `<nodeId>-inputs-<name>`: no form field of a backend's own is named so. */
const KEY = /^[^-].*-inputs-./s;

/**
 * The parameters as JSON, exactly. What JSON or a JSON reader would change in silence is refused: NaN becomes null, a
 * Buffer a list of numbers, an integer beyond 2^53 another integer.
 * @throws BackendError `invalid`, before anything is sent
 */
export function jsonOf({
  parameters,
  files,
  workflow = {},
}: Pick<RunRequest, 'parameters' | 'files' | 'workflow'>): string {
  for (const key of [...Object.keys(parameters), ...Object.keys(files)]) {
    if (!KEY.test(key)) throw invalid(key, 'is no key of a parameter');
  }
  for (const [key, value] of Object.entries<unknown>(parameters)) {
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw invalid(key, 'is not a number');
      if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw invalid(key, 'is larger than 2^53 - 1');
    } else if (typeof value !== 'string' && typeof value !== 'boolean') {
      throw invalid(key, 'is no text, number or boolean');
    }
  }
  if (Object.keys(parameters).length > 0) return JSON.stringify(parameters);
  // ViewComfy takes no run without parameters. A file's own key takes the name that the workflow would see anyway.
  const [first] = Object.entries(files);
  if (first) return JSON.stringify({ [first[0]]: first[1].name });
  // Of a workflow that is sent, one of its own values changes nothing.
  const own = Object.entries(flattenWorkflow(workflow)).find(([, value]) => typeof value !== 'number');
  if (own) return JSON.stringify(Object.fromEntries([own]));
  throw new BackendError('a run without parameters', { type: 'invalid', billed: 'no', detail: 'no parameters' });
}

/** What is asked of a backend that runs the workflow that it has deployed, unless the recipe wants its own to be run. */
export function forDeployed(request: RunRequest): RunRequest {
  const { deployed, workflow: _, ...rest } = request;
  return deployed ? { ...rest, ...deployed } : request;
}

function invalid(key: string, problem: string): BackendError {
  const detail = `${key} ${problem}`;
  return new BackendError(detail, { type: 'invalid', billed: 'no', detail, parameters: [key] });
}
