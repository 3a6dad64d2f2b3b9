/** Times and how long things take, as people read them. */

/** So that what is said about a time does not change whenever it is measured anew. */
const GRID_MS = 30_000;

/** A moment on the grid, not before the given one; milliseconds since the epoch. */
export function rounded(ms: number): number {
  return Math.ceil(ms / GRID_MS) * GRID_MS;
}

export function aboutDuration(ms: number): string {
  if (ms < 55_000) return `${Math.max(5, Math.round(ms / 5000) * 5)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** Minutes; each is so far from the next that a few more measured runs seldom make another of it. */
const COARSE = [5, 10, 15, 20, 30, 45]
  .map((seconds) => seconds / 60)
  .concat(1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60);

export function coarseDuration(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes > 90) return `${Math.round(minutes / 60)} h`;
  const nearest = COARSE.reduce((best, step) => (Math.abs(step - minutes) < Math.abs(best - minutes) ? step : best));
  if (nearest === 60) return '1 h';
  return Number.isInteger(nearest) ? `${nearest} min` : `${Math.round(nearest * 60)} s`;
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
