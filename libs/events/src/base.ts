import {
  isBefore,
  isTombstone,
  lifecycleKinds,
  settledKind,
  settleMs,
  type DepartureKind,
  type DomainRow,
  type EventData,
  type HostRecord,
  type Position,
  type StateBrief,
  type ThingRow,
  type Tombstone,
} from '@virtscope/contracts';
import type { Standing } from './net-effects.ts';
import type { Truth } from './row.ts';

/** One message of VIRT_STATE or VIRT_EVENTS with its stream sequence. */
export type Stored<T> = { seq: number; body: T };

/** What the bus says of a host when a session begins: the base that a sync is compared with. */
export type BusBase = {
  /** Every row of the host's domains, and its record. */
  rows: readonly Stored<DomainRow>[];
  /** Those of networks, pools, node devices and secrets. */
  things: readonly Stored<ThingRow>[];
  record: Stored<HostRecord> | undefined;
  /** The last event of every subject of the host. */
  events: readonly EventData[];
};

export type DomainBase = {
  uuid: string;
  rowSeq: number;
  /** Undefined for a tombstone. */
  truth: Truth | undefined;
  /** What subscribers were told last, which may be more than the row says. */
  told: Standing | undefined;
  lastEvent: Position | null;
  /** Why the row ended, of a tombstone. */
  ended: Tombstone['tombstone']['reason'] | undefined;
  settling: Settling | undefined;
  /** When the tombstone was written, by its writer's clock; undefined where none lies. */
  endedAtMs: number | undefined;
  /** Of a tombstone: whether the domain may run elsewhere. */
  departure: DepartureKind | undefined;
};

/** A story that is still to be told: the state before it, and when it is due by the wall's clock. */
export type Settling = { before: StateBrief | null; atWallMs: number };

/**
 * The base of each domain. `told` is what a reader of the events believes, which can differ from
 * the row both ways when a bridge died: it left an event without its row, or a row that a read
 * made newer than the last event that was heard. The sync tells the difference between `told` and
 * libvirt, so that neither a transition is lost nor one told twice (bus rule 2).
 */
export function domainBases({ rows, events }: BusBase): Map<string, DomainBase> {
  const bases = new Map<string, DomainBase>();
  for (const { seq, body: row } of rows) {
    const truth = isTombstone(row) ? undefined : truthOf(row);
    bases.set(row.uuid, {
      uuid: row.uuid,
      rowSeq: seq,
      truth,
      // A state that an event alone announced stands without its id: not known, not "none".
      told: truth && { ...truth, id: truth.stateFrom === 'event' ? undefined : truth.id },
      lastEvent: row.lastEvent ?? null,
      ended: isTombstone(row) ? row.tombstone.reason : undefined,
      settling: row.settling && {
        before: row.settling.before,
        atWallMs: Date.parse(row.settling.at),
      },
      endedAtMs: isTombstone(row) ? Date.parse(row.tombstone.at) : undefined,
      departure: isTombstone(row) ? row.tombstone.departure : undefined,
    });
  }
  for (const [uuid, ofDomain] of byDomain(events)) {
    const base = bases.get(uuid) ?? {
      uuid,
      rowSeq: 0,
      truth: undefined,
      told: undefined,
      lastEvent: null,
      ended: undefined,
      settling: undefined,
      endedAtMs: undefined,
      departure: undefined,
    };
    bases.set(uuid, base);
    base.settling = settlingAfter(base, ofDomain);
    const last = ofDomain.at(-1) as EventData;
    const isNewer = base.lastEvent === null || isBefore(base.lastEvent, last);
    if (isNewer) base.lastEvent = { epoch: last.epoch, seq: last.seq };
    // Started from the row: of events that the stream no longer holds, the row is the memory. Of a
    // domain that was defined where none was, it holds them all: the row may know more by a read.
    const believed = ofDomain.reduce(told, ofDomain.some(isFirst) ? undefined : base.told);
    // The row knows the id, so it is kept where both say the same.
    if (isNewer || believed?.state !== base.told?.state) base.told = believed;
  }
  return bases;
}

/** What the events that are newer than the row change in the story that it had still to tell. */
function settlingAfter(
  { lastEvent, settling }: DomainBase,
  events: readonly EventData[],
): Settling | undefined {
  let open = settling;
  for (const event of events) {
    if (lastEvent !== null && !isBefore(lastEvent, event)) continue;
    const { kind, synthesised, before = null, observedAt } = event;
    if (kind === settledKind) open = undefined;
    else if (synthesised !== true && isLifecycle(kind)) {
      open = {
        before: open === undefined ? before : open.before,
        atWallMs: Date.parse(observedAt) + settleMs,
      };
    }
  }
  return open;
}

/** Defined where none was. */
const isFirst = ({ kind, before }: EventData): boolean => kind === 'defined' && before === null;

const isLifecycle = (kind: string): boolean => (lifecycleKinds as readonly string[]).includes(kind);

/** The events of each domain, in the order in which they were told. */
function byDomain(events: readonly EventData[]): Map<string, EventData[]> {
  const domains = new Map<string, EventData[]>();
  for (const event of events.toSorted((a, b) => (isBefore(a, b) ? -1 : 1))) {
    if (event.uuid === undefined) continue;
    const list = domains.get(event.uuid);
    if (list === undefined) domains.set(event.uuid, [event]);
    else list.push(event);
  }
  return domains;
}

/** The highest epoch that the streams hold for the host. */
export function highestEpoch({ rows, things, record, events }: BusBase): number {
  let highest = record?.body.epoch ?? 0;
  for (const { body } of [...rows, ...things]) highest = Math.max(highest, body.epoch);
  for (const { epoch } of events) highest = Math.max(highest, epoch);
  return highest;
}

/** What a subscriber believes after an event. */
export function told(before: Standing | undefined, event: EventData): Standing | undefined {
  const { kind, name = before?.name ?? '', detail = 'unknown' } = event;
  const standing = before ?? {
    name,
    state: 'shutoff',
    stateReason: 'unknown',
    id: null,
    persistent: null,
  };
  switch (kind) {
    case 'defined':
      return { ...standing, name, persistent: true };
    case 'undefined':
      if (detail === 'renamed') return standing;
      return before !== undefined && before.state !== 'shutoff'
        ? { ...before, persistent: false }
        : undefined;
    case 'started':
    case 'resumed':
      return { ...standing, name, state: 'running', stateReason: detail, id: undefined };
    case 'suspended':
      return { ...standing, name, state: 'paused', stateReason: detail, id: undefined };
    case 'pmsuspended':
    case 'crashed':
      return { ...standing, name, state: kind, stateReason: detail, id: undefined };
    case 'stopped':
      return standing.persistent === false
        ? undefined
        : { ...standing, name, state: 'shutoff', stateReason: detail, id: null };
    case settledKind:
      // A transient domain's end is told by this alone: `stopped` does not say that it was one.
      return event.after === null ? undefined : before;
    default:
      return before;
  }
}

function truthOf(row: Exclude<DomainRow, { tombstone: unknown }>): Truth {
  return {
    name: row.name,
    id: row.id,
    state: row.state,
    stateReason: row.stateReason,
    stateFrom: row.stateFrom,
    stateObservedMs: Date.parse(row.stateObservedAt),
    persistent: row.persistent,
    autostart: row.autostart,
    managedSave: row.managedSave,
    config: row.config,
  };
}
