import type { Clock } from '@virtscope/runtime';
import type { Sliced } from '@virtscope/view';
import { setImmediate } from 'node:timers/promises';

/** How long a question may keep everybody else waiting. */
export const maxSliceMs = 2;

/** Questions that may wait for their next slice at once; one more is refused. */
export const maxLongQuestions = 200;

/**
 * Runs long questions in slices, one slice between two looks at the network, however many run:
 * a look-up waits for one slice, never for a question.
 */
export class Slices {
  readonly #clock: Clock;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** @returns `busy` when too many run already */
  async run<T>(question: Sliced<T>, signal: AbortSignal): Promise<T | 'busy'> {
    let startedMs = this.#clock.monotonicMs();
    for (let slices = 1; ;) {
      const step = question.next();
      if (step.done === true) return step.value;
      if (this.#clock.monotonicMs() - startedMs < maxSliceMs) continue;
      if (slices++ === 1 && this.#waiting >= maxLongQuestions) return 'busy';
      await this.next(signal);
      startedMs = this.#clock.monotonicMs();
    }
  }

  /** Waits for a turn: everybody's network is looked at before it comes. */
  async next(signal: AbortSignal): Promise<void> {
    this.#waiting++;
    try {
      const before = this.#turn;
      const mine = (async () => {
        await before;
        await setImmediate();
      })();
      this.#turn = mine;
      await mine;
    } finally {
      this.#waiting--;
    }
    signal.throwIfAborted();
  }
}
