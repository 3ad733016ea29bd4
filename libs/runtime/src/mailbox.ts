import { setImmediate as turn } from 'node:timers/promises';

/**
 * The queue between callbacks and a mind's loop: many push, one iterates, in order and in batches:
 * all that was pushed since the one before. Bounded: at `capacity` a push is refused and the pusher
 * must say what that means (a gap, a skipped turn).
 */
export class Mailbox<T> implements AsyncIterable<readonly T[]> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  readonly #signal: AbortSignal;
  #wake: (() => void) | undefined;

  /** Iteration ends, without an error, once `signal` aborts. */
  constructor(capacity: number, signal: AbortSignal) {
    this.#capacity = capacity;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  /** @returns false when the mailbox is full: nothing was taken */
  push(item: T): boolean {
    if (this.#items.length >= this.#capacity) return false;
    this.#items.push(item);
    this.#wake?.();
    return true;
  }

  get size(): number {
    return this.#items.length;
  }

  /** What was in no batch, after the signal aborted. */
  rest(): T[] {
    return this.#items.splice(0);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly T[]> {
    while (!this.#ended()) {
      if (this.#items.length > 0) {
        yield this.#items.splice(0);
        continue;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = undefined;
      // The others that this turn of the event loop brings: what one batch leads to leaves in few
      // writes, so that a burst makes the loop faster and not slower.
      if (!this.#ended()) await turn();
    }
  }

  // A method, as the compiler takes a property's first answer for ever.
  #ended(): boolean {
    return this.#signal.aborted;
  }
}
