import { createHash } from 'node:crypto';
import type { Clock } from '../../clock.ts';

export interface RateLimit {
  limit: number;
  windowMs: number;
}

/** The answer to one request: its headers, and how long to wait where it is over the limit. */
interface Verdict {
  headers: Record<string, string>;
  retryAfterMs: number | undefined;
  isGlobal: boolean;
}

export interface RateLimits {
  take(request: { bucket: string; major: string; limit: RateLimit; countsGlobally: boolean }): Verdict;
}

interface Window {
  used: number;
  resetAt: number;
}

/** Fixed windows per bucket and major parameter, and one over everything that the bot's own token does. */
export function createRateLimits({ clock, global }: { clock: Clock; global: RateLimit }): RateLimits {
  const windows = new Map<string, Window>();

  function take(key: string, { limit, windowMs }: RateLimit): { left: number; resetAt: number } {
    const now = clock.now();
    let window = windows.get(key);
    if (!window || window.resetAt <= now) {
      if (windows.size > 10_000) forgetPast(now);
      windows.set(key, (window = { used: 0, resetAt: now + windowMs }));
    }
    window.used += 1;
    return { left: limit - window.used, resetAt: window.resetAt };
  }

  function forgetPast(now: number) {
    for (const [key, { resetAt }] of windows) if (resetAt <= now) windows.delete(key);
  }

  return {
    take({ bucket, major, limit, countsGlobally }) {
      const now = clock.now();
      if (countsGlobally) {
        const { left, resetAt } = take('global', global);
        if (left < 0) {
          const retryAfterMs = resetAt - now;
          return {
            headers: { ...retryHeaders(retryAfterMs, 'global'), 'x-ratelimit-global': 'true' },
            retryAfterMs,
            isGlobal: true,
          };
        }
      }
      const { left, resetAt } = take(`${bucket} ${major}`, limit);
      const afterMs = resetAt - now;
      const headers = {
        'x-ratelimit-limit': String(limit.limit),
        'x-ratelimit-remaining': String(Math.max(left, 0)),
        'x-ratelimit-reset': (resetAt / 1000).toFixed(3),
        'x-ratelimit-reset-after': (afterMs / 1000).toFixed(3),
        'x-ratelimit-bucket': createHash('md5').update(bucket).digest('hex'),
      };
      if (left >= 0) return { headers, retryAfterMs: undefined, isGlobal: false };
      return { headers: { ...headers, ...retryHeaders(afterMs, 'user') }, retryAfterMs: afterMs, isGlobal: false };
    },
  };
}

export function retryHeaders(ms: number, scope: string): Record<string, string> {
  return { 'retry-after': String(Math.ceil(ms / 1000)), 'x-ratelimit-scope': scope };
}
