import type { Clock } from '../clock.ts';
import { BackendError, type BackendErrorType } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Backend, BackendEvent, BackendHealth, ResumeRequest, RunRequest } from './backend.ts';
import { suits, unsuited } from './suited.ts';

interface FailoverDependencies {
  clock: Clock;
  log: Pick<Logger, 'debug' | 'warn'>;
}

/** What says something of the backend itself, and not of what it was asked for. */
const ILL: ReadonlySet<BackendErrorType> = new Set<BackendErrorType>([
  'unreachable',
  'refused',
  'cut',
  'timeout',
  'unintelligible',
]);

/** After so many failures in a row a backend is left alone, for a time that doubles with each further one. */
const FAILURES = 3;
const SHORTEST_REST_MS = 30_000;
const LONGEST_REST_MS = 10 * 60_000;

interface Member {
  readonly backend: Backend;
  failures: number;
  restsUntil: number;
}

/**
 * Several backends in the order in which they are wanted: the next one takes a run only when it is certain that nothing
 * was run or billed at the one before. Those that cannot run its recipe are passed over. A backend that fails again and
 * again is asked last until it has rested.
 * @param backends two at least, each with a name of its own
 */
export function createFailover(backends: readonly Backend[], { clock, log }: FailoverDependencies): Backend {
  const members = backends.map((backend): Member => ({ backend, failures: 0, restsUntil: 0 }));

  function inOrder(): Member[] {
    const now = clock.now();
    const rested = members.filter(({ restsUntil }) => restsUntil <= now);
    return [...rested, ...members.filter((member) => !rested.includes(member))];
  }

  function judge(member: Member, error: unknown): void {
    if (!(error instanceof BackendError) || !ILL.has(error.type)) return;
    member.failures += 1;
    const restMs =
      member.failures < FAILURES ? 0 : Math.min(SHORTEST_REST_MS * 2 ** (member.failures - FAILURES), LONGEST_REST_MS);
    member.restsUntil = clock.now() + Math.max(restMs, Math.min(error.retryAfterMs ?? 0, LONGEST_REST_MS));
    log.warn({ backend: member.backend.name, failures: member.failures, restMs, error }, 'A backend failed');
  }

  async function* watch(member: Member, events: AsyncIterable<BackendEvent>): AsyncGenerator<BackendEvent> {
    const { name } = member.backend;
    try {
      for await (const event of events) {
        yield event.type === 'handle-assigned' ? { ...event, handle: handleOf(name, event.handle) } : event;
      }
      member.failures = 0;
      member.restsUntil = 0;
    } catch (error) {
      judge(member, error);
      throw error;
    }
  }

  async function* run(request: RunRequest): AsyncGenerator<BackendEvent> {
    const candidates = inOrder().filter(({ backend }) => suits(backend, request));
    if (candidates.length === 0) throw unsuited(request);
    for (const [index, member] of candidates.entries()) {
      const { name, capabilities } = member.backend;
      yield { type: 'backend-chosen', name, canStop: capabilities.cancel };
      try {
        yield* watch(member, member.backend.run(request));
        return;
      } catch (error) {
        if (index === candidates.length - 1 || !mayMoveOn(error, request.signal)) throw error;
        log.warn({ backend: name, error }, 'A run goes to the next backend');
      }
    }
  }

  async function* resume(handle: string, request: ResumeRequest): AsyncGenerator<BackendEvent> {
    const [name = '', ...rest] = handle.split(' ');
    const member = members.find(({ backend }) => encodeURIComponent(backend.name) === name);
    const events = member?.backend.resume?.(rest.join(' '), request);
    if (!member || !events) {
      throw new BackendError('the backend of this run is not there any more', { type: 'unknown' });
    }
    yield* watch(member, events);
  }

  return {
    name: new Intl.ListFormat('en', { type: 'disjunction' }).format(backends.map(({ name }) => name)),
    members: backends.map(({ name, kind }) => ({ name, ...(kind && { kind }) })),
    capabilities: {
      progress: backends.some(({ capabilities }) => capabilities.progress),
      preview: backends.some(({ capabilities }) => capabilities.preview),
      cancel: backends.every(({ capabilities }) => capabilities.cancel),
      resume: true,
      handleFirst: backends.every(({ capabilities }) => capabilities.handleFirst),
    },
    run,
    resume,
    health: () =>
      members.flatMap(({ backend, restsUntil, failures }): readonly BackendHealth[] => {
        const state = restsUntil > clock.now() ? 'resting' : failures > 0 ? 'failing' : 'up';
        return backend.health?.() ?? [{ name: backend.name, state }];
      }),
    async close() {
      await Promise.all(backends.map((backend) => backend.close()));
    },
  };
}

/** Which backend's it is, and its own. */
function handleOf(name: string, handle: string): string {
  return `${encodeURIComponent(name)} ${handle}`;
}

function mayMoveOn(error: unknown, signal: AbortSignal): boolean {
  return error instanceof BackendError && error.billed === 'no' && ILL.has(error.type) && !signal.aborted;
}
