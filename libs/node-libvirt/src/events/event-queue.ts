/**
 * A bounded queue between the reader of a connection and one consumer of events. The reader never
 * waits: at the bound the queue closes itself, and after what it holds the consumer is told of the
 * gap.
 */
import { EventGapError } from '../errors.ts';

type Waiter<Event> = PromiseWithResolvers<IteratorResult<Event, undefined>>;

export class EventQueue<Event> implements AsyncIterator<Event, undefined> {
  readonly capacity: number;
  readonly #items: (Event | undefined)[] = [];
  #head = 0;
  #received = 0;
  #waiter: Waiter<Event> | undefined;
  /** Set once no event will follow. `error` is thrown after what is buffered. */
  #end: { error: Error | undefined } | undefined;

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`an event stream's capacity is a whole number above 0, not ${capacity}`);
    }
    this.capacity = capacity;
  }

  /** Events taken in, delivered or still here. */
  get received(): number {
    return this.#received;
  }

  push(event: Event): void {
    if (this.#end !== undefined) return;
    if (this.#items.length - this.#head >= this.capacity) {
      this.end(new EventGapError(this.capacity));
      return;
    }
    this.#received += 1;
    const waiter = this.#waiter;
    if (waiter === undefined) {
      this.#items.push(event);
    } else {
      this.#waiter = undefined;
      waiter.resolve({ done: false, value: event });
    }
  }

  /** No event follows; the first reason stands. */
  end(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (error === undefined) waiter?.resolve({ done: true, value: undefined });
    else waiter?.reject(error);
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    if (this.#waiter !== undefined) {
      throw new Error('an event stream has one reader: its last next() is still under way');
    }
    if (this.#head < this.#items.length) {
      return Promise.resolve({ done: false, value: this.#shift() });
    }
    const end = this.#end;
    if (end === undefined) {
      this.#waiter = Promise.withResolvers();
      return this.#waiter.promise;
    }
    const { error } = end;
    // Thrown once; then the iterator is at its end, as the protocol of iterators wants.
    this.#end = { error: undefined };
    return error === undefined
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(error);
  }

  #shift(): Event {
    const event = this.#items[this.#head] as Event;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      // Moving half the array away once in so many events costs each of them next to nothing.
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return event;
  }
}
