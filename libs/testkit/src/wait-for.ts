import { setTimeout as delay } from 'node:timers/promises';

export type WaitOptions = {
  /** What is waited for, as the error will say it: `waited 5000 ms for ${what}`. */
  what: string;
  /** Default 10 s. */
  timeoutMs?: number;
  /** Pause between two tries, default 25 ms. */
  intervalMs?: number;
  /** Ends the wait with the signal's reason. */
  signal?: AbortSignal;
};

/** The condition did not come true before the deadline. `cause` is what its last try threw. */
export class WaitTimeoutError extends Error {
  override readonly name = 'WaitTimeoutError';
}

/**
 * Tries `condition` until it gives something other than `undefined`, `null` or `false`, and
 * gives that. A try that throws counts as "not yet": its error becomes the cause when time runs
 * out. A try that never ends is left behind at the deadline.
 *
 * @throws {WaitTimeoutError} the deadline passed
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, undefined | null | false | void>> {
  const { what, timeoutMs = 10_000, intervalMs = 25, signal } = options;
  const deadlineMs = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    signal?.throwIfAborted();
    const leftMs = deadlineMs - performance.now();
    const answer = await oneTry(condition, leftMs);
    if (answer.type === 'value') {
      lastError = undefined;
      if (answer.value !== undefined && answer.value !== null && answer.value !== false) {
        return answer.value as Exclude<T, undefined | null | false | void>;
      }
    } else if (answer.type === 'error') {
      lastError = answer.error;
    }
    if (performance.now() + intervalMs >= deadlineMs) {
      const last = lastError instanceof Error ? `: ${lastError.message}` : '';
      throw new WaitTimeoutError(`waited ${timeoutMs} ms for ${what}${last}`, { cause: lastError });
    }
    await pause(intervalMs, signal);
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    signal?.throwIfAborted(); // the caller's reason says more than "aborted"
  }
}

type Answer<T> = { type: 'value'; value: T } | { type: 'error'; error: unknown } | { type: 'late' };

async function oneTry<T>(condition: () => T | Promise<T>, leftMs: number): Promise<Answer<T>> {
  const timer = new AbortController();
  const late = delay(Math.max(leftMs, 0), { type: 'late' } as const, {
    signal: timer.signal,
  }).catch(() => ({ type: 'late' }) as const);
  const tried = (async (): Promise<Answer<T>> => {
    try {
      return { type: 'value', value: await condition() };
    } catch (error) {
      return { type: 'error', error };
    }
  })();
  try {
    return await Promise.race([tried, late]);
  } finally {
    timer.abort();
  }
}
