/**
 * The queue between callbacks and a mind's loop: many push, one iterates, in order. Bounded: at
 * `capacity` a push is refused and the pusher must say what that means (a gap, a skipped turn).
 */
export class Mailbox<T> implements AsyncIterable<T> {
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

  /** What nobody iterated over any more, after the signal aborted. */
  rest(): T[] {
    return this.#items.splice(0);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.#ended()) {
      // Taken as a whole: shifting one by one moves all the others each time.
      const batch = this.#items.splice(0);
      for (const [i, item] of batch.entries()) {
        if (this.#ended()) {
          this.#items.unshift(...batch.slice(i));
          return;
        }
        yield item;
      }
      if (this.#items.length > 0) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      if (!this.#ended() && this.#items.length === 0) await promise;
      this.#wake = undefined;
    }
  }

  // A method, as the compiler takes a property's first answer for ever.
  #ended(): boolean {
    return this.#signal.aborted;
  }
}
