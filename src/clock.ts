/** Time as a value, so that tests can move it. */
export interface Clock {
  /** milliseconds since the epoch */
  now(): number;
  /** Calls `callback` once, `ms` from now, unless the returned function is called first. Never keeps the process alive. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: Date.now,
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
