import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Workflow } from './workflow.ts';

/** A file that is not what it should be. The message says what it is, and how to get the right one. */
export class WorkflowFileError extends Error {
  override name = 'WorkflowFileError';
}

/** What "Save (API Format)" writes; values and links are ComfyUI's to judge. */
export const Graph = z.record(
  z.string(),
  z.object({
    class_type: z.string(),
    inputs: z.record(z.string(), z.unknown()),
    _meta: z.object({ title: z.string().exactOptional() }).exactOptional(),
  }),
) satisfies z.ZodType<Workflow>;

/** The canvas of ComfyUI's page: nodes in a list, with places and sizes. */
const UiFormat = z.object({ nodes: z.array(z.unknown()), links: z.array(z.unknown()) });
const ViewComfyForm = z.object({ file_type: z.literal('view_comfy') });

const HOW_TO_EXPORT = 'In ComfyUI: Workflow, Export (API).';

/** Reads a workflow in API format. @throws WorkflowFileError */
export async function readWorkflowFile(path: string): Promise<Workflow> {
  const json = await readJson(path);
  const graph = Graph.safeParse(json);
  if (graph.success && Object.keys(graph.data).length > 0) return graph.data;
  if (UiFormat.safeParse(json).success) {
    throw new WorkflowFileError(
      `${path} is a workflow as ComfyUI's page saves it, not in API format. ${HOW_TO_EXPORT}`,
    );
  }
  if (ViewComfyForm.safeParse(json).success) {
    throw new WorkflowFileError(`${path} is the form of a ViewComfy app, not a workflow. ${HOW_TO_EXPORT}`);
  }
  throw new WorkflowFileError(`${path} is no workflow in API format. ${HOW_TO_EXPORT}`);
}

/** Where answers go: keys of parameters by option. @throws WorkflowFileError */
export async function readParameterMap(path: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const map = z.record(z.string(), z.array(z.string())).safeParse(await readJson(path));
  if (map.success) return map.data;
  throw new WorkflowFileError(`${path} must name parameters by option, such as {"prompt": ["6-inputs-text"]}.`);
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new WorkflowFileError(`${path} cannot be read.`, { cause });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : '';
    throw new WorkflowFileError(`${path} is not JSON: ${reason}`, { cause });
  }
}
