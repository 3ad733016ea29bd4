import type { ThingId } from '@virtscope/contracts';
import { newSlot, type RowSlot } from '../row-slot.ts';
import type { ThingTruth } from './row.ts';
import type { ThingStanding } from './standing.ts';

/** A network, pool, node device or secret that one session knows, or once knew. */
export type ThingEntry = RowSlot & {
  readonly thing: ThingId;
  name: string;
  /** Undefined when it is not there, or nothing is known of it yet. */
  truth: ThingTruth | undefined;
  /** What subscribers were told last. */
  told: ThingStanding | undefined;
  /** Events of it heard in this session: a read during which it moves is void. */
  heard: number;
  /** Reads in a row that an event voided. */
  voids: number;
  /** This session's daemon said that it is there: its own "not found" needs no other proof. */
  confirmed: boolean;
  /** In the base but not in the list: gone only when proven. */
  missing: boolean;
  /** libvirt does not have it; the proof lacks the daemon's identity. */
  absent: boolean;
  /** The net effect of the unwatched time is still to be told, after the next read. */
  untold: boolean;
};

/** The key of a thing in the feed. No domain's: a UUID has no slash. */
export function thingKey({ type, id }: ThingId): string {
  return `${type}/${id}`;
}

export function newThing(thing: ThingId, name: string): ThingEntry {
  return {
    ...newSlot(thingKey(thing)),
    thing,
    name,
    truth: undefined,
    told: undefined,
    heard: 0,
    voids: 0,
    confirmed: false,
    missing: false,
    absent: false,
    untold: false,
  };
}
