/** The first retry comes within half a second, later ones within a window that doubles. */
const firstWindowMs = 500;
export const maxBackoffMs = 30_000;

/** A session that lived this long was healthy: the next failure starts from the first window. */
export const healthyAfterMs = 30_000;

/**
 * How long to wait before the next attempt. Full jitter: anything from 0 to the window, so that a
 * thousand hosts that were lost together do not come back together.
 *
 * @param failures how many attempts failed in a row, at least 1
 * @param random01 a number in [0, 1)
 */
export function backoffMs(failures: number, random01: number): number {
  const windowMs = Math.min(maxBackoffMs, firstWindowMs * 2 ** Math.min(failures - 1, 20));
  return Math.floor(random01 * windowMs);
}
