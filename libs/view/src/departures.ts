/**
 * Domains that left a host and may run on another one that this view has not heard of yet. A
 * migration ends with the source's word; the target's may still be on its way, or its host may not
 * be reachable at all. Until then nobody may say that the domain is stopped or absent (T6).
 */
import {
  isInactive,
  isTombstone,
  type DomainRow,
  type DomainUuid,
  type HostId,
} from '@virtscope/contracts';
import { forgetJson, type Row } from './row.ts';

/**
 * How many departures are remembered. At the bound the oldest is forgotten: of all it is the one
 * that the other hosts are likeliest to have been verified after.
 */
export const maxDepartures = 10_000;

/** What a domain that moves is answered as; libvirt has no such state. */
export const migratingState = 'migrating';

export type Departure = {
  host: HostId;
  uuid: DomainUuid;
  /** When its end was applied, monotonic: a host that was verified later has shown what it has. */
  sinceMs: number;
  /** The presence that left, as `migrating`; undefined where the view never saw it. */
  row: Row | undefined;
  /** libvirt said that it went to another host; else nobody watched how it ended. */
  migrated: boolean;
};

export class Departures {
  readonly #departed = new Map<DomainUuid, Departure>();

  get size(): number {
    return this.#departed.size;
  }

  get(uuid: DomainUuid): Departure | undefined {
    return this.#departed.get(uuid);
  }

  [Symbol.iterator](): Iterator<Departure> {
    return this.#departed.values();
  }

  /** A message of the stream was applied, where `before` lay. */
  applied(message: DomainRow, before: Row | undefined, nowMs: number): void {
    const { host, uuid } = message;
    if (!isTombstone(message)) {
      if (!isInactive(message.state)) this.forget(uuid);
      else if (isMigratedAway(message) && before !== undefined && !isInactive(before.state)) {
        this.#note({ host, uuid, sinceMs: nowMs, row: leaving(before), migrated: true });
      }
      return;
    }
    const { departure } = message.tombstone;
    // What had no process any more left when it stopped, and that was noted then.
    if (departure === undefined || (before !== undefined && isInactive(before.state))) return;
    const migrated = departure === 'migrated' && before !== undefined;
    this.#note({ host, uuid, sinceMs: nowMs, row: before && leaving(before), migrated });
  }

  /** A presence is not there any more, and nobody said how it ended. */
  vanished(row: Row, nowMs: number): void {
    if (isInactive(row.state)) return;
    const { host, uuid } = row;
    this.#note({ host, uuid, sinceMs: nowMs, row: leaving(row), migrated: false });
  }

  /** Takes over from the view of another stream what this one has not answered. */
  carryFrom(old: Departures, isAnswered: (uuid: DomainUuid) => boolean): void {
    for (const departure of old.#departed.values()) {
      if (!isAnswered(departure.uuid)) this.#note(departure);
    }
  }

  /** Forgets what `isOver` says. */
  prune(isOver: (departure: Departure) => boolean): void {
    for (const departure of this.#departed.values()) {
      if (isOver(departure)) this.forget(departure.uuid);
    }
  }

  forget(uuid: DomainUuid): void {
    const row = this.#departed.get(uuid)?.row;
    if (this.#departed.delete(uuid) && row !== undefined) forgetJson(row);
  }

  #note(departure: Departure): void {
    this.forget(departure.uuid);
    const [oldest] = this.#departed.size >= maxDepartures ? this.#departed.keys() : [];
    if (oldest !== undefined) this.forget(oldest);
    this.#departed.set(departure.uuid, departure);
  }
}

/** A definition that stayed behind when its process went to another host. */
export function isMigratedAway({
  state,
  stateReason,
}: Pick<Row, 'state' | 'stateReason'>): boolean {
  return state === 'shutoff' && stateReason === 'migrated';
}

function leaving(row: Row): Row {
  const state = migratingState;
  return { ...row, id: null, state, stateReason: 'migrated', json: undefined };
}
