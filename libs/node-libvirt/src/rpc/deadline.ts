/** Waiting for somebody else's promise with an end of our own. */
import { DeadlineExceededError } from '../errors.ts';

export type Deadline = { timeoutMs: number; signal: AbortSignal | undefined };

/** Longest delay that Node's timers know. */
const maxTimeoutMs = 2_147_483_647;

export function checkedTimeout(timeoutMs: number): number {
  if (!(timeoutMs > 0 && timeoutMs <= maxTimeoutMs)) {
    throw new RangeError(`a deadline of ${timeoutMs} ms: must be above 0 and at most 2^31 - 1`);
  }
  return timeoutMs;
}

/**
 * What `promise` gives, unless the deadline or the signal comes first. The promise itself goes on.
 *
 * @throws {DeadlineExceededError} naming `procedure`
 */
export function within<T>(promise: Promise<T>, procedure: string, deadline: Deadline): Promise<T> {
  const { timeoutMs, signal } = deadline;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      reject(new DeadlineExceededError(procedure, timeoutMs, true));
    }, checkedTimeout(timeoutMs));
    const abort = (): void => {
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    });
  });
}
