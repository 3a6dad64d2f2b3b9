import { z } from 'zod';
import { BackendError } from '../../errors.ts';
import { fillWorkflow, placeOf } from '../../recipes/workflow.ts';
import type { RunRequest } from '../backend.ts';
import { jsonOf } from '../parameters.ts';
import type { Order } from './mode.ts';

/** As much of a workflow as ComfyUI itself insists on. */
const ApiFormat = z.record(z.string(), z.object({ class_type: z.string(), inputs: z.record(z.string(), z.unknown()) }));

/**
 * Puts a request's parameters into its workflow, and tells what had no place there.
 * @throws BackendError `invalid`, before anything is sent
 */
export function readOrder({ workflow, parameters, files }: Pick<RunRequest, 'workflow' | 'parameters' | 'files'>): {
  order: Order;
  warnings: string[];
} {
  if (!workflow) throw invalid('a ComfyUI server has no workflow of its own: the recipe must bring one');
  const format = ApiFormat.safeParse(workflow);
  if (!format.success || Object.keys(workflow).length === 0) {
    throw invalid('the workflow is not in API format: save it in ComfyUI with "Save (API Format)"', format.error);
  }
  if (Object.keys(parameters).length > 0) jsonOf({ parameters, files });
  const filled = fillWorkflow(workflow, parameters);
  const known = Object.entries(files).filter(([key]) => placeOf(workflow, key) !== undefined);
  const unknown = [...filled.unknown, ...Object.keys(files).filter((key) => placeOf(workflow, key) === undefined)];
  return {
    order: { workflow: filled.workflow, files: Object.fromEntries(known) },
    warnings: unknown.map((key) => `The workflow has no input ${key}, so it was left out.`),
  };
}

function invalid(detail: string, cause?: unknown): BackendError {
  return new BackendError(detail, { type: 'invalid', billed: 'no', detail, cause });
}
