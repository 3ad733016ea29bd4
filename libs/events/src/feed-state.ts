/** The state of a host's feed, and the few changes that every part of the mind makes. */
import type { HostRecord, HostSyncState } from '@virtscope/contracts';
import type { BusBase } from './base.ts';
import { newEntry, type DomainEntry } from './domain-entry.ts';
import type { FeedEffect, Identity, RowKey } from './feed-io.ts';
import type { Parted } from './parted.ts';
import type { Purges } from './feed-purge.ts';
import type { RowSlot } from './row-slot.ts';
import { thingFor, type Things, type ThingSource } from './things/state.ts';
import { Verification } from './verification.ts';

export type HostFacts = Pick<
  HostRecord,
  'driver' | 'libvirtVersion' | 'hypervisorVersion' | 'missingKinds'
>;

export type FeedOptions = {
  host: string;
  epoch: number;
  base: BusBase;
  /** The sequence of the `syncing` record that this epoch already wrote. */
  recordSeq: number;
  /** Why nobody watched until now: for the `gap` mark. */
  cause: string;
  identityBy: 'uuid' | 'hostname';
  /**
   * Already learned, when the bus had none: the first rows of a host go out beside the identity
   * of their daemon, or nothing could ever be proven gone after an early crash.
   */
  identity?: Identity | undefined;
  facts: HostFacts;
  /** How often the domains are listed again, where the daemon sends no lifecycle events. */
  relistMs?: number | undefined;
  /** The types of things beside domains that are to be told of. */
  things: readonly ThingSource[];
};

export type HostFeed = {
  readonly host: string;
  readonly epoch: number;
  readonly identityBy: 'uuid' | 'hostname';
  readonly facts: HostFacts;
  readonly relistMs: number | undefined;
  /** The daemon that the bus's rows came from. */
  readonly knownIdentity: Identity;
  link: HostSyncState;
  problem: string | undefined;
  identity: Identity | { failed: string } | undefined;
  /** Presences that another session wrote: only they can be mistaken for another daemon's. */
  readonly inherited: boolean;
  /** The last event's seq. */
  seq: number;
  listed: boolean;
  largeRemovalSeen: boolean;
  entries: Map<string, DomainEntry>;
  things: Things;
  /** Domains and things, by key, whose row must stand under this epoch before `synced`. */
  unsynced: Set<string>;
  /** Missing domains whose absence is proven but for the daemon's identity. */
  awaitingIdentity: Set<string>;
  toRead: Set<string>;
  toReadConfig: Set<string>;
  /** The domain whose configuration the audit read last. */
  auditedLast: string | undefined;
  toStore: Set<string>;
  reads: number;
  configReads: number;
  stores: number;
  writes: number;
  record: { seq: number; stored: boolean; storing: string | undefined };
  purges: Purges;
  /** The last events of what was forgotten after its end, by key. */
  parted: Parted;
  /** The highest acked sequence of VIRT_STATE. */
  upTo: number;
  /** Published events of domains and things that the broker has not acked: seq → key. */
  unacked: Map<number, string>;
  eventsHeard: number;
  verification: Verification;
};

export function entryFor(feed: HostFeed, uuid: string, name: string): DomainEntry {
  let entry = feed.entries.get(uuid);
  if (entry === undefined) {
    entry = { ...newEntry(uuid, name), lastEvent: feed.parted.lastEvent(uuid) };
    feed.entries.set(uuid, entry);
  }
  return entry;
}

/** Of a key that a write or a stray names: it has an entry from then on. */
export function slotFor(feed: HostFeed, key: Exclude<RowKey, 'record'>): RowSlot {
  return 'uuid' in key ? entryFor(feed, key.uuid, '') : thingFor(feed, key.thing, '');
}

export function slotOfKey(feed: HostFeed, key: string): RowSlot | undefined {
  return feed.entries.get(key) ?? feed.things.entries.get(key);
}

export function setLink(
  feed: HostFeed,
  effects: FeedEffect[],
  link: HostSyncState,
  problem: string | undefined,
): void {
  feed.link = link;
  feed.problem = problem;
  feed.record.stored = false;
  effects.push({ type: 'linkChanged', link });
}
