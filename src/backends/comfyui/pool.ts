import { z } from 'zod';
import { BackendError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Ask } from './ask.ts';
import type { Server } from './server.ts';

/** Several servers as one: the least busy healthy one takes a run. */
export interface Pool {
  readonly servers: readonly Server[];
  /**
   * Chooses a server, and counts the run as its own until `leave`.
   * @param without those that were tried already
   * @throws BackendError when none of the others answers, or none is left
   */
  take(signal: AbortSignal, without: ReadonlySet<Server>): Promise<Taken>;
  byId(id: string): Server | undefined;
}

interface Taken {
  readonly server: Server;
  /** The server has the run in its own count now, or never will. */
  leave(): void;
}

export interface PoolOptions {
  /** one at least */
  readonly servers: readonly Server[];
  readonly ask: Ask;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** One that takes longer to say how busy it is takes longer for everything. */
const PROBE_MS = 10_000;

const Remaining = z.object({ exec_info: z.object({ queue_remaining: z.number() }) });

export function createPool({ servers, ask, log }: PoolOptions): Pool {
  /** runs that were given to a server and are not in its queue yet */
  const onTheWay = new Map<Server, number>();
  return { servers, take, byId: (id) => servers.find((server) => server.id === id) };

  async function take(signal: AbortSignal, without: ReadonlySet<Server>): Promise<Taken> {
    const candidates = servers.filter((server) => !without.has(server));
    const [only] = candidates;
    if (!only) throw new BackendError('no server is left', { type: 'unreachable', retryable: true, billed: 'no' });
    // A single one is asked by the run itself.
    if (servers.length === 1) return occupy(only);
    const probes = await Promise.all(candidates.map((server) => probe(server, signal)));
    const healthy = probes.filter((found) => 'busy' in found);
    if (healthy.length === 0) throw worstOf(probes.flatMap((found) => ('error' in found ? [found.error] : [])));
    // From here on nothing is awaited, so that two runs at once do not choose the same free server.
    const [best] = healthy.toSorted((a, b) => loadOf(a) - loadOf(b));
    return occupy(best?.server ?? only);
  }

  function loadOf({ server, busy }: { server: Server; busy: number }): number {
    return busy + (onTheWay.get(server) ?? 0);
  }

  function occupy(server: Server): Taken {
    onTheWay.set(server, (onTheWay.get(server) ?? 0) + 1);
    let hasLeft = false;
    return {
      server,
      leave() {
        if (hasLeft) return;
        hasLeft = true;
        onTheWay.set(server, (onTheWay.get(server) ?? 0) - 1);
      },
    };
  }

  async function probe(
    server: Server,
    signal: AbortSignal,
  ): Promise<{ server: Server; busy: number } | { error: unknown }> {
    try {
      const answer = await ask({ server, path: 'prompt', withinMs: PROBE_MS, signal });
      const remaining = Remaining.safeParse(answer);
      if (remaining.success) return { server, busy: remaining.data.exec_info.queue_remaining };
      throw new BackendError('a server that is not ComfyUI', { type: 'unintelligible', cause: remaining.error });
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ error, server: server.id }, 'A ComfyUI server does not answer');
      return { error };
    }
  }
}

/** What a person can do something about says more than that somebody is away; nothing was sent in any case. */
function worstOf(errors: readonly unknown[]): BackendError {
  const known = errors.filter((error) => error instanceof BackendError);
  const telling = known.find(({ type }) => type === 'refused' || type === 'unintelligible');
  const type = telling?.type ?? 'unreachable';
  return new BackendError(telling?.message ?? 'none of the ComfyUI servers can be reached', {
    type,
    retryable: type === 'unreachable',
    billed: 'no',
    cause: errors,
  });
}
