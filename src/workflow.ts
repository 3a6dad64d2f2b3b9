/**
 * A workflow is a ComfyUI graph in API format: what "Save (API Format)" writes. Nothing here knows a backend.
 */
export type Workflow = Readonly<Record<string, WorkflowNode>>;

interface WorkflowNode {
  readonly class_type: string;
  /** a value, or a link `[nodeId, slot]` to another node's output */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly _meta?: { readonly title?: string };
}
