import type { Clock } from '@virtscope/runtime';

/** Requests that may wait for the view at once; one more is refused. */
export const maxWaiters = 1_000;

/** Lets requests wait until the view has moved to where they want it. */
export class Movement {
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The view took something: everyone who waits looks again. */
  moved(): void {
    for (const look of this.#waiters) look();
  }

  get waiters(): number {
    return this.#waiters.size;
  }

  /** @returns whether the condition came true in time; `full` when too many wait already */
  async until(
    condition: () => boolean,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<boolean | 'full'> {
    if (condition()) return true;
    if (this.#waiters.size >= maxWaiters) return 'full';
    const done = new AbortController();
    const look = (): void => {
      if (condition()) done.abort();
    };
    this.#waiters.add(look);
    try {
      await this.#clock.sleep(timeoutMs, AbortSignal.any([done.signal, signal]));
      return condition();
    } catch {
      return done.signal.aborted;
    } finally {
      this.#waiters.delete(look);
    }
  }
}
