/** Time as a value, so that tests can move it. */
export interface Clock {
  /** milliseconds since the epoch */
  now(): number;
  /** Calls `callback` once, `ms` from now, unless the returned function is called first. It keeps the process alive till then. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: Date.now,
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
