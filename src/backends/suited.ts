import { BackendError } from '../errors.ts';
import type { Backend, RunRequest } from './backend.ts';

/** A run goes only to a backend that can run its recipe. */
export function suits({ kind }: Pick<Backend, 'kind'>, { kinds }: Pick<RunRequest, 'kinds'>): boolean {
  return kind === undefined || kinds === undefined || kinds.includes(kind);
}

/** For a job of a time when there was another backend. */
export function unsuited({ kinds = [] }: Pick<RunRequest, 'kinds'>): BackendError {
  const which = new Intl.ListFormat('en', { type: 'disjunction' }).format(kinds);
  return new BackendError(`the recipe runs only on ${which}, and none is configured`, {
    type: 'unsuited',
    billed: 'no',
  });
}

/** One backend, which is not asked for what it cannot run. */
export function onlySuited(backend: Backend): Backend {
  return { ...backend, run };

  async function* run(request: RunRequest) {
    if (!suits(backend, request)) throw unsuited(request);
    yield* backend.run(request);
  }
}
