import type { Workflow } from '../../src/recipes/workflow.ts';
import { nameFrom } from './names.ts';

/** What people call their nodes, and what ComfyUI calls them where nobody did. */

/** What ComfyUI's page calls nodes by itself: it says nothing about what this one is for. */
const USUAL_TITLE =
  /^(load (image|video|audio).*|clip text ?encode.*|(positive|negative)?\s*prompt|text( |_)?(multiline|string)?|string( literal)?|primitive.*|reroute|note)$/i;

export function isUsualTitle(title: string): boolean {
  return USUAL_TITLE.test(title.trim());
}

/** A title that somebody gave a node to tell it from the others; undefined where it is ComfyUI's own. */
export function ownTitle(workflow: Workflow, id: string): string | undefined {
  const { class_type: kind = '', _meta: { title = '' } = {} } = workflow[id] ?? {};
  const bare = (words: string) => words.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
  return nameFrom(title) === undefined || isUsualTitle(title) || bare(title) === bare(kind) ? undefined : title;
}

/** ViewComfy's marks in front of a title: where any node has one, its author wants people to see those nodes alone. */
const MARK = /^\s*VC_(BASIC|ADV)(ANCED)?[\s_:-]*/;

/** The nodes that are marked, and the workflow without the marks. */
export function readMarks(workflow: Workflow): { workflow: Workflow; marked: ReadonlySet<string> } {
  const marked = new Set(Object.keys(workflow).filter((id) => MARK.test(workflow[id]?._meta?.title ?? '')));
  if (marked.size === 0) return { workflow, marked };
  const nodes = Object.entries(workflow).map(([id, node]) => {
    const title = (node._meta?.title ?? '').replace(MARK, '');
    return [id, marked.has(id) ? { ...node, _meta: { title } } : node] as const;
  });
  return { workflow: Object.fromEntries(nodes), marked };
}
