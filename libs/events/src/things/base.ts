import {
  isBefore,
  isThingTombstone,
  type EventData,
  type Position,
  type ThingId,
} from '@virtscope/contracts';
import type { BusBase } from '../base.ts';
import { whatLies } from '../row-slot.ts';
import { newThing, thingKey, type ThingEntry } from './entry.ts';
import { thingTruthOf, type ThingTruth } from './row.ts';
import { toldThing, type ThingStanding } from './standing.ts';

/** What the bus says of a thing when a session begins; see `DomainBase`. */
export type ThingBase = {
  thing: ThingId;
  rowSeq: number;
  /** Undefined for a tombstone. */
  truth: ThingTruth | undefined;
  told: ThingStanding | undefined;
  lastEvent: Position | null;
  /** When the tombstone was written, by its writer's clock; undefined where none lies. */
  endedAtMs: number | undefined;
};

/** The base of each thing, rows and events together, as `domainBases` makes it of domains. */
export function thingBases({ things, events }: BusBase): Map<string, ThingBase> {
  const bases = new Map<string, ThingBase>();
  for (const { seq, body: row } of things) {
    const thing = { type: row.type, id: row.id };
    const truth = isThingTombstone(row) ? undefined : thingTruthOf(row);
    bases.set(thingKey(thing), {
      thing,
      rowSeq: seq,
      truth,
      told: truth && standingOf(truth),
      lastEvent: row.lastEvent ?? null,
      endedAtMs: isThingTombstone(row) ? Date.parse(row.tombstone.at) : undefined,
    });
  }
  const believed = new Map<string, ThingStanding | undefined>();
  const newer = new Set<string>();
  for (const event of events.toSorted((a, b) => (isBefore(a, b) ? -1 : 1))) {
    const { thing, kind, name = '', epoch, seq } = event;
    if (thing === undefined) continue;
    const key = thingKey(thing);
    const base = bases.get(key) ?? emptyBase(thing);
    bases.set(key, base);
    const before = believed.has(key) ? believed.get(key) : base.told;
    believed.set(key, toldThing(before, { type: thing.type, kind, name }));
    if (base.lastEvent === null || isBefore(base.lastEvent, event)) {
      base.lastEvent = { epoch, seq };
      newer.add(key);
    }
  }
  for (const [key, standing] of believed) {
    const base = bases.get(key);
    if (base === undefined) continue;
    // Where both say the same, the row knows more.
    if (newer.has(key) || standing?.active !== base.told?.active) base.told = standing;
  }
  return bases;
}

export function thingEntryOf(base: ThingBase): ThingEntry {
  return {
    ...newThing(base.thing, base.truth?.name ?? base.told?.name ?? ''),
    truth: base.truth,
    told: base.told,
    rowSeq: base.rowSeq,
    lies: whatLies(base),
    lastEvent: base.lastEvent,
  };
}

function emptyBase(thing: ThingId): ThingBase {
  return {
    thing,
    rowSeq: 0,
    truth: undefined,
    told: undefined,
    lastEvent: null,
    endedAtMs: undefined,
  };
}

export function standingOf({ name, active, persistent }: ThingTruth): ThingStanding {
  return { name, active, persistent };
}

/** A thing's standing in the words of an event's `before` and `after`. */
export function thingBrief(
  standing: ThingStanding | undefined,
): NonNullable<EventData['before']> | null {
  if (standing === undefined) return null;
  const { active } = standing;
  return { state: active === null ? 'defined' : active ? 'active' : 'inactive', id: null };
}
