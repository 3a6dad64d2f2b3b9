import { createHash } from 'node:crypto';
import type { PlaygroundRequests } from '../api.ts';
import type { BotRoute } from './rest.ts';
import { routeName } from './router.ts';

/** How often the bot has asked what, and how often it was refused what it had been refused before. */
export interface RequestCounts {
  note(route: BotRoute, params: Readonly<Record<string, string>>, status: number, code: number | undefined): void;
  list(): PlaygroundRequests[];
}

// A refusal takes about a hundred bytes; the oldest are forgotten.
const MOST_REFUSALS = 100_000;

export function createRequestCounts(): RequestCounts {
  const counts = new Map<string, PlaygroundRequests>();
  const refusals = new Set<string>();

  /** Whether the same was refused before; remembers it. */
  function isRepeat(route: BotRoute, params: Readonly<Record<string, string>>, code: number): boolean {
    // A dead interaction token is dead on every route; what the bot's own token may not do depends on the whole path.
    const subject = params['token'] ?? `${routeName(route)} ${Object.values(params).join(' ')}`;
    const refusal = createHash('sha1').update(`${code} ${subject}`).digest('base64');
    if (refusals.has(refusal)) return true;
    refusals.add(refusal);
    for (const oldest of refusals) {
      if (refusals.size <= MOST_REFUSALS) break;
      refusals.delete(oldest);
    }
    return false;
  }

  return {
    note(route, params, status, code) {
      const name = routeName(route);
      const key = `${name} ${status} ${code}`;
      const count = counts.get(key) ?? {
        route: name,
        status,
        ...(code === undefined ? {} : { code }),
        times: 0,
        repeats: 0,
      };
      counts.set(key, count);
      count.times += 1;
      if (code !== undefined && isRepeat(route, params, code)) count.repeats += 1;
    },
    list: () => [...counts.values()].map((count) => ({ ...count })),
  };
}
