import { nodeName, type Workflow } from '../../recipes/workflow.ts';
import type { BackendEvent } from '../backend.ts';
import type { Hint, Steps } from './frames.ts';

/** Turns hints into what is told: each node once by its name, its steps as a bar, no step twice. */
export interface Progress {
  take(hint: Hint): BackendEvent[];
}

/** @param workflow for the names of its nodes; without one they have none */
export function createProgress(workflow: Workflow | undefined): Progress {
  let bar: { readonly node: string; readonly done: number; readonly total: number } | undefined;
  let named: string | undefined;
  let hasWhole = false;
  return { take };

  function take(hint: Hint): BackendEvent[] {
    switch (hint.type) {
      case 'node-started':
        return name(hint.node);
      case 'steps':
        hasWhole ||= hint.whole;
        // The newer frame comes before the older one that says the same.
        if (hasWhole && !hint.whole) return [];
        return hint.nodes.flatMap(step);
      case 'preview':
        return [{ type: 'preview-ready', mediaType: hint.mediaType, body: hint.body }];
      case 'started':
        return [{ type: 'queue-changed', ahead: 0 }];
      case 'ended':
      case 'queue-moved':
        return [];
    }
  }

  function name(node: string): BackendEvent[] {
    const line = workflow && nodeName(workflow, node);
    if (line === undefined || line === named) return [];
    named = line;
    return [{ type: 'log-line', line }];
  }

  function step({ node, done, total, running }: Steps): BackendEvent[] {
    // What has one step is done before anybody has read of it.
    if (!(total > 1) || !(done >= 0 && done <= total)) return [];
    const isSame = bar?.node === node;
    // Every frame repeats the nodes that have ended.
    if (isSame ? bar?.done === done && bar.total === total : !running) return [];
    const hasBegunAnew = !isSame || done < (bar?.done ?? 0);
    const isBroken = bar !== undefined && bar.done < bar.total;
    bar = { node, done, total };
    const about = { type: 'progress-changed', total, ...(workflow && { node: nodeName(workflow, node) }) } as const;
    return [...(hasBegunAnew && isBroken && done > 0 ? [{ ...about, done: 0 }] : []), { ...about, done }];
  }
}
