import type { StoredFile } from '../../recipes/recipe.ts';
import type { Workflow } from '../../recipes/workflow.ts';
import type { BackendCapabilities, BackendEvent } from '../backend.ts';
import type { Http } from '../http.ts';
import type { Patience } from '../patience.ts';
import type { ResultOutput } from '../result-files.ts';
import type { Server } from './server.ts';

/** One way to have a ComfyUI server run a workflow. Both methods end with what the run gave, one file at least. */
export interface Mode {
  readonly capabilities: BackendCapabilities;
  /** A `retryable` error says that this server has certainly not begun the run: another one may. */
  run(order: Order, session: Session): AsyncGenerator<BackendEvent, ResultOutput[]>;
  resume(promptId: string, session: Session): AsyncGenerator<BackendEvent, ResultOutput[]>;
  /** Resolves when nothing is under way any more; runs have been ended by their patience before. */
  close(): Promise<void>;
}

/** What is to be run, checked: it only lacks the names that the server gives to the files. */
export interface Order {
  readonly workflow: Workflow;
  /** by parameter key; every key names an input of the workflow */
  readonly files: Readonly<Record<string, StoredFile>>;
}

/** What one run has for itself, at one server. */
export interface Session {
  readonly server: Server;
  readonly http: Http;
  readonly patience: Patience;
  /** The server has taken the run, which is in its own count from now on. */
  taken(): void;
}

/** A run is found again at its server only. */
export function handleOf(server: Server, promptId: string): string {
  return `${server.id}#${promptId}`;
}

export function readHandle(handle: string): { readonly serverId: string; readonly promptId: string } | undefined {
  const at = handle.lastIndexOf('#');
  if (at < 0) return undefined;
  return { serverId: handle.slice(0, at), promptId: handle.slice(at + 1) };
}
