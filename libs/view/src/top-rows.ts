/** The first rows of an order, of however many are offered: a heap whose root is the last of them. */
import { comparePlaces, type Order, type OrderValue, type Place } from './order.ts';
import type { Row } from './row.ts';

export type Placed = Place & { row: Row };

export class TopRows {
  readonly #order: Order;
  readonly #limit: number;
  readonly #heap: Placed[] = [];
  #refused = 0;

  constructor(order: Order, limit: number) {
    this.#order = order;
    this.#limit = limit;
  }

  /** `values` is copied when the row is taken. */
  offer(row: Row, values: readonly OrderValue[]): void {
    const { host, uuid } = row;
    const [root] = this.#heap;
    if (this.#heap.length < this.#limit) {
      this.#heap.push({ values: [...values], host, uuid, row });
      this.#rise(this.#heap.length - 1);
      return;
    }
    this.#refused++;
    if (root === undefined) return;
    // The place is made only for a row that stays: most of a large fleet do not.
    if (comparePlaces(this.#order, { values, host, uuid }, root) >= 0) return;
    this.#heap[0] = { values: [...values], host, uuid, row };
    this.#sink();
  }

  /** Whether there were more rows than the limit. */
  get more(): boolean {
    return this.#refused > 0;
  }

  inOrder(): Placed[] {
    return this.#heap.toSorted((a, b) => comparePlaces(this.#order, a, b));
  }

  #isAfter(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    return (
      first !== undefined && second !== undefined && comparePlaces(this.#order, first, second) > 0
    );
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }

  #rise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >>> 1;
      if (!this.#isAfter(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ;) {
      let last = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (this.#isAfter(child, last)) last = child;
      if (last === at) return;
      this.#swap(at, last);
      at = last;
    }
  }
}
