/**
 * Which of the waiting calls goes out next. libvirtd stops reading a connection that has
 * `max_client_requests` (5) calls unanswered, keepalives included, so a session keeps to one less;
 * and because low-priority calls may hang behind one stuck domain, they may not take every slot.
 *
 * S1  At most `maxInFlight` calls hold a slot, of which at most `maxLowPriority` are low.
 * S2  A slot is given back by the answer or the end of the session alone: an abandoned call still
 *     occupies its worker in libvirtd.
 * S3  Calls of one priority leave in the order in which they came; a high one overtakes a low one
 *     only when the low one may not leave yet.
 */
export type SlotCall = { readonly serial: number; readonly priority: 'high' | 'low' };

export class CallSlots<Call extends SlotCall> {
  readonly #maxInFlight: number;
  readonly #maxLowPriority: number;
  // Sets keep their order and forget in constant time: a caller that gives up leaves no trace.
  readonly #waitingHigh = new Set<Call>();
  readonly #waitingLow = new Set<Call>();
  #inFlight = 0;
  #lowInFlight = 0;

  constructor(maxInFlight: number, maxLowPriority: number) {
    this.#maxInFlight = maxInFlight;
    this.#maxLowPriority = maxLowPriority;
  }

  get waiting(): number {
    return this.#waitingHigh.size + this.#waitingLow.size;
  }

  enqueue(call: Call): void {
    this.#waitingOf(call).add(call);
  }

  /** Takes a call that gave up out of the queue. */
  withdraw(call: Call): void {
    this.#waitingOf(call).delete(call);
  }

  /** Empties the queue: the session is over. */
  withdrawAll(): Call[] {
    const calls = [...this.#waitingHigh, ...this.#waitingLow];
    this.#waitingHigh.clear();
    this.#waitingLow.clear();
    return calls;
  }

  /** The next call that may go out; it holds a slot from here on. */
  take(): Call | undefined {
    if (this.#inFlight >= this.#maxInFlight) return undefined; // S1
    const high = first(this.#waitingHigh);
    const low = this.#lowInFlight < this.#maxLowPriority ? first(this.#waitingLow) : undefined;
    const call = high === undefined || (low !== undefined && low.serial < high.serial) ? low : high; // S3
    if (call === undefined) return undefined;
    this.withdraw(call);
    this.#inFlight += 1;
    if (call.priority === 'low') this.#lowInFlight += 1;
    return call;
  }

  /** The answer to `call` arrived. S2 */
  release(call: Call): void {
    this.#inFlight -= 1;
    if (call.priority === 'low') this.#lowInFlight -= 1;
  }

  #waitingOf(call: Call): Set<Call> {
    return call.priority === 'high' ? this.#waitingHigh : this.#waitingLow;
  }
}

function first<T>(set: Set<T>): T | undefined {
  for (const item of set) return item;
  return undefined;
}
