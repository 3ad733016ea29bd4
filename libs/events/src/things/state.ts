/**
 * The mind's part for networks, storage pools, node devices and secrets. It shares the feed of the
 * domains (one seq, one epoch, rows fenced alike) and keeps E1 to E8 of `host-feed.ts` for things,
 * with what follows from their being less urgent:
 *
 * - N1 Domains come first: things are listed after the domains, at most one thing of each type is
 *   read at a time, and in a sync only what must be proven or told.
 * - N2 A lifecycle event rewrites its row at once, by its own word and marked so: a driver that hangs
 *   in a read holds up neither `verifiedAt` nor the answers about domains.
 * - N3 `synced` waits for the things that libvirt has listed. A type that it does not have, does not
 *   list in time, or whose absences lack a proof, stands in the record's `missingKinds` instead: its
 *   rows then say nothing about what is absent.
 * - N4 A type without events is listed again at a slow pace; what changed is told as synthesised.
 */
import { maxThingIdLength, type ThingId, type ThingRowType } from '@virtscope/contracts';
import type { FeedEffect, ReadReason } from '../feed-io.ts';
import { thingEntryOf, type ThingBase } from './base.ts';
import { newThing, thingKey, type ThingEntry } from './entry.ts';
import type { Parted } from '../parted.ts';

/** What the session found out about a type before it opened the feed. */
export type ThingSource = { type: ThingRowType; hasEvents: boolean };

export type ThingKind = ThingSource & {
  /** `awaited` until the session's first list is answered; `failed` lists are tried again. */
  status: 'awaited' | 'listed' | 'absent' | 'failed';
  /** Things of which events arrived since the list under way was asked for, by key. */
  heardWhileListing: Set<string> | undefined;
  largeRemovalSeen: boolean;
  /** Reads that a sync waits for, and those that can wait; each with what it is billed under. */
  toProve: Map<string, ReadReason>;
  toRead: Map<string, ReadReason>;
  /** The read under way. */
  reading: { key: string; reason: ReadReason } | undefined;
  /** Things whose absence is not proven, or of which no read was answered. */
  unproven: Set<string>;
};

export type Things = {
  readonly kinds: ReadonlyMap<ThingRowType, ThingKind>;
  readonly entries: Map<string, ThingEntry>;
  /** The sync asked for the lists. */
  asked: boolean;
  /** The thing that the audit read last. */
  auditedLast: string | undefined;
  /** The types that the record names as missing. */
  recordSays: string;
};

export function openThings(
  bases: ReadonlyMap<string, ThingBase>,
  sources: readonly ThingSource[],
): Things {
  const entries = bases.entries().map(([key, each]) => [key, thingEntryOf(each)] as const);
  return {
    kinds: new Map(sources.map((source) => [source.type, newKind(source)])),
    entries: new Map(entries),
    asked: false,
    auditedLast: undefined,
    recordSays: '',
  };
}

function newKind(source: ThingSource): ThingKind {
  return {
    ...source,
    status: 'awaited',
    heardWhileListing: new Set(),
    largeRemovalSeen: false,
    toProve: new Map(),
    toRead: new Map(),
    reading: undefined,
    unproven: new Set(),
  };
}

export function thingFor(
  { things, parted }: { things: Things; parted: Parted },
  thing: ThingId,
  name: string,
): ThingEntry {
  const key = thingKey(thing);
  let entry = things.entries.get(key);
  if (entry === undefined) {
    entry = { ...newThing(thing, name), lastEvent: parted.lastEvent(key) };
    things.entries.set(key, entry);
  }
  return entry;
}

/** A thing whose id no subject takes is not told of; it is noted instead. */
export function isTellable(effects: FeedEffect[], { type, id }: ThingId): boolean {
  if (id.length > 0 && id.length <= maxThingIdLength) return true;
  const detail = `a ${type} with an id of ${id.length} characters`;
  effects.push({ type: 'note', note: 'thing-refused', detail });
  return false;
}

/** The thing is to be read: soon when a sync waits for it, else when there is time. */
export function wantThingRead(things: Things, entry: ThingEntry, reason: ReadReason): void {
  const kind = things.kinds.get(entry.thing.type);
  if (kind === undefined) return;
  const line = entry.missing || entry.untold ? kind.toProve : kind.toRead;
  if (!line.has(entry.key)) line.set(entry.key, reason);
}

/** N3: every type has answered, if only by not answering in time. */
export function allAnswered({ kinds }: Things): boolean {
  return [...kinds.values()].every(({ status }) => status !== 'awaited');
}

/** N3: the types whose rows are not complete under this epoch. */
export function incompleteTypes(things: Things, unsynced: ReadonlySet<string>): ThingRowType[] {
  return [...things.kinds.values()]
    .filter(
      ({ type, status, unproven }) =>
        status !== 'listed' ||
        unproven.size > 0 ||
        unsynced.values().some((key) => key.startsWith(`${type}/`)),
    )
    .map(({ type }) => type);
}
