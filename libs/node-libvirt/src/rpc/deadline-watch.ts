/**
 * The deadlines of a connection's calls, under one timer. Nearly every call is answered long before
 * its deadline, and a timer of its own would be made and unmade for nothing; so the timer is set for
 * the earliest deadline known, is left alone when that call is answered, and looks around when it
 * fires.
 */
export type Expiring = {
  /** On the clock of `performance.now()`. */
  readonly deadlineMs: number;
};

/** Node's timers may be this much early. */
const earlyMs = 1;

export class DeadlineWatch<Call extends Expiring> {
  readonly #waiting: () => Call[];
  readonly #expire: (call: Call) => void;
  #timer: NodeJS.Timeout | undefined;
  #setForMs = Infinity;

  /** @param waiting all calls that still have a deadline; asked when the timer fires */
  constructor(waiting: () => Call[], expire: (call: Call) => void) {
    this.#waiting = waiting;
    this.#expire = expire;
  }

  /** A call has begun at `nowMs`. */
  add(call: Call, nowMs: number): void {
    if (call.deadlineMs < this.#setForMs) this.#set(call.deadlineMs, nowMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #set(deadlineMs: number, nowMs: number): void {
    clearTimeout(this.#timer);
    this.#setForMs = deadlineMs;
    this.#timer = setTimeout(() => {
      this.#look();
    }, deadlineMs - nowMs);
    // The socket keeps the process alive while calls are under way; afterwards this must not.
    this.#timer.unref();
  }

  #look(): void {
    this.#setForMs = Infinity;
    const nowMs = performance.now();
    const calls = this.#waiting();
    const expired = calls.filter(({ deadlineMs }) => deadlineMs <= nowMs + earlyMs);
    const nextMs = calls.reduce(
      (least, { deadlineMs }) =>
        deadlineMs > nowMs + earlyMs && deadlineMs < least ? deadlineMs : least,
      Infinity,
    );
    if (nextMs < Infinity) this.#set(nextMs, nowMs);
    for (const call of expired) this.#expire(call);
  }
}
