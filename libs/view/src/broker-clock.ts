/**
 * What time the broker has now, without ever comparing its clock with ours: an age is the
 * difference of two readings of the broker's own clock. The estimate is never behind the truth,
 * so that an age is never too young.
 */
export class BrokerClock {
  #offsetMs: number | undefined;

  /** The broker said its time in the answer to a request that we began at `startedMs`. */
  said(brokerMs: number, startedMs: number): void {
    this.#offsetMs = brokerMs - startedMs;
  }

  /** A message that the broker stamped was here at `arrivedMs`. */
  saw(brokerMs: number, arrivedMs: number): void {
    const offsetMs = brokerMs - arrivedMs;
    if (this.#offsetMs !== undefined && offsetMs > this.#offsetMs) this.#offsetMs = offsetMs;
  }

  /** How long ago, at our monotonic `nowMs`, the broker's clock read `brokerMs`. */
  ageMs(brokerMs: number, nowMs: number): number | undefined {
    if (this.#offsetMs === undefined) return undefined;
    return Math.max(0, this.#offsetMs + nowMs - brokerMs);
  }
}
