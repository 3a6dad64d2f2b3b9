import { vi } from 'vitest';

/** Waits until the check passes. What is awaited comes in milliseconds; a busy machine may take its time all the same. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 10_000, interval: 10 });
}
