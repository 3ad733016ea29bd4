import { heartbeatTtlMs, type HostId } from '@virtscope/contracts';
import { memberFor } from './assignment.ts';

/** A new member says hello and is answered at once: what did not answer by then is not there. */
export const helloMs = 1_000;

/**
 * Which hosts are this member's, from what it hears of the others. Pure: time comes as a value.
 * A member that lost the bus for a while keeps what it holds and takes nothing new for one TTL
 * (plus its jitter): the others may well live, and it could not hear them.
 */
export class Membership {
  readonly #self: string;
  readonly #heardMs = new Map<string, number>();
  #takesFromMs: number;

  constructor(self: string, nowMs: number) {
    this.#self = self;
    this.#takesFromMs = nowMs + helloMs;
  }

  /** Another member beat. @returns whether it is new: then it is answered at once */
  heard(member: string, nowMs: number): boolean {
    const before = this.#heardMs.get(member);
    this.#heardMs.set(member, nowMs);
    return before === undefined || nowMs - before > heartbeatTtlMs;
  }

  /** A member said that it goes. */
  left(member: string): void {
    this.#heardMs.delete(member);
  }

  /** @param jitter01 in [0, 1): members that lost the bus together do not take together */
  reconnected(nowMs: number, jitter01: number): void {
    this.#takesFromMs = nowMs + heartbeatTtlMs * (1 + jitter01 / 2);
  }

  /** This member and all that were heard within a TTL, in order. */
  live(nowMs: number): string[] {
    const others = [...this.#heardMs].filter(([, heardMs]) => nowMs - heardMs < heartbeatTtlMs);
    return [this.#self, ...others.map(([member]) => member)].toSorted();
  }

  /** The member that does what only one does. */
  isLowest(nowMs: number): boolean {
    return this.live(nowMs)[0] === this.#self;
  }

  /** Of the wanted hosts, those that this member should hold now. */
  mine<H extends { id: HostId }>(
    wanted: readonly H[],
    held: ReadonlySet<HostId>,
    nowMs: number,
  ): H[] {
    const live = this.live(nowMs);
    const mayTake = nowMs >= this.#takesFromMs;
    return wanted.filter(
      ({ id }) => (mayTake || held.has(id)) && (!mayTake || memberFor(id, live) === this.#self),
    );
  }
}
