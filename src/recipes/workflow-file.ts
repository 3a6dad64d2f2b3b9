import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Workflow } from './workflow.ts';
import { parseWritten, type Written } from './written-json.ts';

/** A file that is not what it should be. The message says what it is, and how to get the right one. */
export class WorkflowFileError extends Error {
  override name = 'WorkflowFileError';
}

/** The canvas of ComfyUI's page: nodes in a list, with places and sizes. */
const UiFormat = z.object({ nodes: z.array(z.unknown()), links: z.array(z.unknown()) });
const ViewComfyForm = z.object({ file_type: z.literal('view_comfy') });

const HOW_TO_EXPORT = 'In ComfyUI: Workflow, Export (API).';
const NO_WORKFLOW = `is no workflow in API format. ${HOW_TO_EXPORT}`;

/** What "Save (API Format)" writes; values and links are ComfyUI's to judge. What people take for it is told as what it is. */
export const Graph = z
  .unknown()
  .check(({ value, issues }) => {
    const message = otherFormat(value);
    if (message !== undefined) issues.push({ code: 'custom', message, input: value });
  })
  .pipe(
    z.record(
      z.string(),
      z.object({
        class_type: z.string(),
        inputs: z.record(z.string(), z.unknown()),
        _meta: z.object({ title: z.string().exactOptional() }).exactOptional(),
      }),
    ),
  ) satisfies z.ZodType<Workflow>;

/** Read after what is meant. */
function otherFormat(json: unknown): string | undefined {
  if (UiFormat.safeParse(json).success) {
    return `is a workflow as ComfyUI's page saves it, not in API format. ${HOW_TO_EXPORT}`;
  }
  if (isViewComfyForm(json)) return `is the form of a ViewComfy app, not a workflow. ${HOW_TO_EXPORT}`;
  return typeof json === 'object' && json !== null && Object.keys(json).length === 0 ? NO_WORKFLOW : undefined;
}

/** A workflow, and what its file says to the last digit. */
export interface WorkflowSource {
  readonly workflow: Workflow;
  readonly written: Map<string, Written>;
}

/** Reads a workflow in API format. @throws WorkflowFileError */
export async function readWorkflowFile(path: string): Promise<Workflow> {
  return workflowOf(path, parseJson(path, await readText(path, HOW_TO_EXPORT), HOW_TO_EXPORT));
}

/** The same, as it is written. @throws WorkflowFileError */
export async function readWorkflowSource(path: string): Promise<WorkflowSource> {
  const { json, written } = await readWritten(path);
  return workflowSource(path, json, written);
}

/**
 * @param place what the message calls it
 * @throws WorkflowFileError for anything but a workflow in API format
 */
export function workflowSource(place: string, json: unknown, written: Written | undefined): WorkflowSource {
  const workflow = workflowOf(place, json);
  if (written instanceof Map) return { workflow, written };
  throw new WorkflowFileError(`${place} ${NO_WORKFLOW}`);
}

/** Any JSON, read in both ways. @throws WorkflowFileError */
export async function readWritten(path: string): Promise<{ json: unknown; written: Written }> {
  const text = await readText(path, HOW_TO_EXPORT);
  const json = parseJson(path, text, HOW_TO_EXPORT);
  try {
    return { json, written: parseWritten(text) };
  } catch (cause) {
    throw new WorkflowFileError(`${path} is no workflow in API format: it is nested too deep. ${HOW_TO_EXPORT}`, {
      cause,
    });
  }
}

export function isViewComfyForm(json: unknown): boolean {
  return ViewComfyForm.safeParse(json).success;
}

function workflowOf(place: string, json: unknown): Workflow {
  const graph = Graph.safeParse(json);
  if (graph.success) return graph.data;
  throw new WorkflowFileError(`${place} ${otherFormat(json) ?? NO_WORKFLOW}`);
}

/** Where answers go: keys of parameters by option. @throws WorkflowFileError */
export async function readParameterMap(path: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const map = z.record(z.string(), z.array(z.string())).safeParse(parseJson(path, await readText(path)));
  if (map.success) return map.data;
  throw new WorkflowFileError(`${path} must name parameters by option, such as {"prompt": ["6-inputs-text"]}.`);
}

async function readText(path: string, advice = ''): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new WorkflowFileError(`${path} cannot be read. ${advice}`.trim(), { cause });
  });
  // Some editors put the mark of a byte order first, which is no JSON.
  return text.replace(/^\uFEFF/, '');
}

function parseJson(path: string, text: string, advice = ''): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : '';
    throw new WorkflowFileError(`${path} is not JSON: ${[reason, advice].join('. ').trim()}`, { cause });
  }
}
