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
import { WaitingLine, type Waiting } from './waiting-line.ts';

export interface SlotCall<Call> extends Waiting<Call> {
  readonly serial: number;
  readonly priority: 'high' | 'low';
}

export class CallSlots<Call extends SlotCall<Call>> {
  readonly #maxInFlight: number;
  readonly #maxLowPriority: number;
  readonly #high = new WaitingLine<Call>();
  readonly #low = new WaitingLine<Call>();
  #inFlight = 0;
  #lowInFlight = 0;

  constructor(maxInFlight: number, maxLowPriority: number) {
    this.#maxInFlight = maxInFlight;
    this.#maxLowPriority = maxLowPriority;
  }

  get waiting(): number {
    return this.#high.length + this.#low.length;
  }

  enqueue(call: Call): void {
    this.#lineOf(call).add(call);
  }

  /** Takes a call that gave up out of the queue. */
  withdraw(call: Call): void {
    this.#lineOf(call).remove(call);
  }

  /** All calls that wait. */
  queued(): Call[] {
    const calls: Call[] = [];
    for (const line of [this.#high, this.#low]) {
      for (let call = line.first; call !== undefined; call = call.behind) calls.push(call);
    }
    return calls;
  }

  /** Empties the queue: the session is over. */
  withdrawAll(): Call[] {
    const calls = this.queued();
    for (const call of calls) this.withdraw(call);
    return calls;
  }

  /** The next call that may go out; it holds a slot from here on. */
  take(): Call | undefined {
    if (this.#inFlight >= this.#maxInFlight) return undefined; // S1
    const high = this.#high.first;
    const low = this.#lowInFlight < this.#maxLowPriority ? this.#low.first : undefined;
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

  #lineOf(call: Call): WaitingLine<Call> {
    return call.priority === 'high' ? this.#high : this.#low;
  }
}
