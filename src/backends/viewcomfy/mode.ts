import type { BackendCapabilities, BackendEvent, RunRequest } from '../backend.ts';
import type { Http } from '../http.ts';
import type { Patience } from '../patience.ts';
import type { ResultFiles } from '../result-files.ts';
import type { Result } from './result.ts';

/** One way to have ViewComfy run a workflow. Both methods end with the run's result, whatever it says. */
export interface Mode {
  readonly capabilities: BackendCapabilities;
  run(request: RunRequest, session: Session): AsyncGenerator<BackendEvent, Result>;
  resume(handle: string, session: Session): AsyncGenerator<BackendEvent, Result>;
  /** Resolves when nothing is under way any more; runs have been ended by their patience before. */
  close(): Promise<void>;
}

/** What one run has for itself. */
export interface Session {
  readonly http: Http;
  readonly patience: Patience;
  readonly files: ResultFiles;
}
