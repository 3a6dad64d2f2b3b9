import type { BackendKind, StoredFile, Wish } from '../recipes/recipe.ts';

/**
 * A backend runs a workflow and reports events. This file is the whole seam: it holds types only, and the core knows
 * nothing else about a backend.
 */
export interface Backend {
  /** what people read, for example `ViewComfy` */
  readonly name: string;
  /** what recipes call it; one without runs every recipe */
  readonly kind?: BackendKind;
  /** what it is made of, in the order in which they are wanted, where it is several */
  readonly members?: readonly Pick<Backend, 'name' | 'kind'>[];
  readonly capabilities: BackendCapabilities;
  /**
   * Runs once. The iteration ending is success, a `BackendError` thrown is failure. Aborting `request.signal` cancels the
   * run (the iteration then throws a `BackendError` of type `cancelled`); leaving the loop early cancels it too.
   */
  run(request: RunRequest): AsyncIterable<BackendEvent>;
  /**
   * Finds a run again by the last handle it was assigned, and goes on reporting its events: all rules of `run` hold, but
   * no run is ever begun. Only where `capabilities.resume`.
   */
  resume?(handle: string, request: ResumeRequest): AsyncIterable<BackendEvent>;
  /**
   * How it does, as far as it has been heard; where it is not told, the runs tell.
   */
  health?(): readonly BackendHealth[];
  /**
   * Ends every connection. Runs that are under way fail with a `BackendError` of type `cancelled`; those that were
   * assigned a handle are left to go on, so that they can be found again.
   */
  close(): Promise<void>;
}

/** For whoever runs the bot: nothing in it is secret. */
export interface BackendHealth {
  readonly name: string;
  /** `resting`: it failed so often that it is left alone for a while; `starting`: it cannot be asked yet */
  readonly state: 'up' | 'failing' | 'resting' | 'starting' | 'down';
  /** a few words more */
  readonly detail?: string;
}

export interface BackendCapabilities {
  readonly progress: boolean;
  readonly preview: boolean;
  /** whether a running job can be stopped at the backend, and not only left alone */
  readonly cancel: boolean;
  /** whether a run that was assigned a handle can be found again by it */
  readonly resume: boolean;
  /** whether nothing is begun before its handle was told and the next event asked for: a run without one costs nothing */
  readonly handleFirst: boolean;
}

export interface ResumeRequest {
  /**
   * An existing directory that belongs to this run alone. The backend writes every result file into it, under a name of
   * its own choice, and reports it with `file-ready` once it is whole. Files go to disk and not through the events, so
   * that a result never has to be in memory and may be written by another thread.
   */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** how long this recipe is waited for, where the backend's own times do not fit it */
  readonly timeouts?: {
    /** how long nothing may be heard */
    readonly idleMs?: number;
    /** how long the run may take in all */
    readonly totalMs?: number;
  };
}

/** Every value is valid JSON. */
export interface RunRequest extends ResumeRequest, Wish {
  /** what can run its recipe; everything where it is absent */
  readonly kinds?: readonly BackendKind[];
  /** by parameter key: the option that people know it by */
  readonly labels?: Readonly<Record<string, string>>;
}

export type BackendEvent =
  /** what to store so that the run can be found again after a restart; a later handle takes the place of an earlier one */
  | { readonly type: 'handle-assigned'; readonly handle: string }
  /** one of several backends takes the run; before everything else that is told of it */
  | { readonly type: 'backend-chosen'; readonly name: string; readonly canStop: boolean }
  /** how many runs the backend does before this one; 0 when this one has begun */
  | { readonly type: 'queue-changed'; readonly ahead: number }
  /** one line as the backend wrote it: untrusted text, no line breaks */
  | { readonly type: 'log-line'; readonly line: string }
  | { readonly type: 'progress-changed'; readonly done: number; readonly total: number; readonly node?: string }
  | { readonly type: 'preview-ready'; readonly mediaType: string; readonly body: Uint8Array }
  /** something asked for that this backend cannot honour; a sentence that may be shown */
  | { readonly type: 'warning-raised'; readonly warning: string }
  /** a result file, whole, inside `request.folder`; `name` is the backend's own, made safe, for people to read */
  | ({ readonly type: 'file-ready' } & StoredFile);
