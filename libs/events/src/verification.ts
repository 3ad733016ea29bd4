/** Round trips that wait for their proof; beyond it the oldest is forgotten. */
const maxCandidates = 16;

type Candidate = {
  startedMs: number;
  /** Events that had been received when it ended: all of them must have been taken in. */
  events: number;
  /** Work with a ticket up to this one must be settled; set once the events are in. */
  ticket: number | undefined;
};

/**
 * Keeps `verifiedAt` (T2): the start of the last round trip on the event connection after which
 * all that was queued had been applied. Work gets a growing ticket when it becomes unsettled and
 * leaves when the broker has acked it, so that the first entry of each map is the oldest.
 */
export class Verification {
  /** Monotonic start of the newest proven round trip. */
  verifiedMs: number | undefined;
  #ticket = 0;
  readonly #domains = new Map<string, { ticket: number; seq: number }>();
  readonly #events = new Map<number, number>();
  #candidates: Candidate[] = [];

  /** The domain's row does not yet say what is known; `seq` is the event that it lacks. */
  unsettle(uuid: string, seq: number): void {
    if (!this.#domains.has(uuid)) this.#domains.set(uuid, { ticket: ++this.#ticket, seq });
  }

  settle(uuid: string): void {
    this.#domains.delete(uuid);
  }

  unsettleEvent(seq: number): void {
    this.#events.set(seq, ++this.#ticket);
  }

  settleEvent(seq: number): void {
    this.#events.delete(seq);
  }

  roundTrip(startedMs: number, events: number): void {
    this.#candidates.push({ startedMs, events, ticket: undefined });
    if (this.#candidates.length > maxCandidates) this.#candidates.shift();
  }

  /** Looks whether a round trip is proven now. */
  advance(eventsHeard: number, synced: boolean): void {
    for (const candidate of this.#candidates) {
      if (candidate.ticket === undefined && eventsHeard >= candidate.events) {
        candidate.ticket = this.#ticket;
      }
    }
    if (!synced) return;
    const oldest = Math.min(
      first(this.#domains)?.ticket ?? Number.POSITIVE_INFINITY,
      first(this.#events) ?? Number.POSITIVE_INFINITY,
    );
    const open: Candidate[] = [];
    for (const candidate of this.#candidates) {
      if (candidate.ticket !== undefined && candidate.ticket < oldest) {
        this.verifiedMs = Math.max(this.verifiedMs ?? 0, candidate.startedMs);
      } else {
        open.push(candidate);
      }
    }
    this.#candidates = open;
  }

  /** Every event up to the answer has its row acked, given that `last` was the last one. */
  settledSeq(last: number): number {
    const oldest = first(this.#domains);
    return oldest === undefined ? last : Math.max(0, oldest.seq - 1);
  }
}

function first<K, V>(map: Map<K, V>): V | undefined {
  const { value } = map.values().next();
  return value;
}
