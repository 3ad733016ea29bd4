/**
 * Purges (bus rule 6): an end stays on the bus for a horizon, for whoever was away, and then its
 * message leaves the stream. A purge tells nobody, so the host's record says it first: E11 No end
 * is purged before a record that names it, or a later one, as purged was acked.
 */
import { tombstoneHorizonMs } from '@virtscope/contracts';
import type { FeedEffect, FeedInput, Now, RowKey } from './feed-io.ts';
import { slotFor, slotOfKey, type HostFeed } from './feed-state.ts';
import type { RowSlot } from './row-slot.ts';

/** Ends that come of age within so long go together: each purge costs a record. */
const batchMs = 60_000;

export type Purges = {
  /** When each end that lies on the bus comes of age, monotonic, by key. */
  due: Map<string, number>;
  /** The highest sequence that was, or is about to be, purged. */
  through: number;
  /** Wait for the record that says so. */
  readonly asked: { key: Exclude<RowKey, 'record'>; seq: number }[];
  /** A wake is under way. */
  armed: boolean;
};

export function openPurges(through: number): Purges {
  return { due: new Map(), through, asked: [], armed: false };
}

/** An earlier session wrote this end; its clock is not trusted far. */
export function inheritEnd(
  { purges }: HostFeed,
  key: string,
  endedAtMs: number,
  { wallMs, monotonicMs }: Now,
): void {
  const leftMs = Math.min(tombstoneHorizonMs, Math.max(0, endedAtMs + tombstoneHorizonMs - wallMs));
  purges.due.set(key, monotonicMs + leftMs);
}

/** What lies on the slot's subject has changed. */
export function noteLying({ purges }: HostFeed, { key, lies }: RowSlot, now: Now): void {
  if (lies === 'end') purges.due.set(key, now.monotonicMs + tombstoneHorizonMs);
  else purges.due.delete(key);
}

/** Wakes the feed when the next end comes of age. */
export function armPurge({ purges }: HostFeed, effects: FeedEffect[], now: Now): void {
  if (purges.armed || purges.due.size === 0) return;
  purges.armed = true;
  const first = Math.min(...purges.due.values());
  effects.push({ type: 'purgeLater', afterMs: Math.max(batchMs, first - now.monotonicMs) });
}

export function onPurgeDue(feed: HostFeed, now: Now): void {
  const { purges } = feed;
  purges.armed = false;
  if (feed.link !== 'synced' || purges.asked.length > 0) return;
  for (const [key, dueMs] of purges.due) {
    const slot = slotOfKey(feed, key);
    if (slot === undefined || dueMs > now.monotonicMs + batchMs || !isAtRest(feed, slot)) continue;
    purges.asked.push({ key: rowKeyOf(feed, key), seq: slot.rowSeq });
    purges.through = Math.max(purges.through, slot.rowSeq);
  }
  if (purges.asked.length > 0) feed.record.stored = false;
}

/** E11: the record that names them was acked. */
export function purgeAsked({ link, purges }: HostFeed, effects: FeedEffect[]): void {
  const asked = purges.asked.splice(0);
  // A session that is over leaves them to the next one.
  if (link !== 'synced') return;
  for (const { key, seq } of asked) effects.push({ type: 'purge', key, seq });
}

export function onPurged(
  feed: HostFeed,
  { key, seq, failed }: Extract<FeedInput, { type: 'purged' }>,
  now: Now,
): void {
  const slot = slotFor(feed, key);
  // It came back meanwhile: what lies there is newer.
  if (slot.rowSeq !== seq || slot.lies !== 'end') return;
  if (failed) {
    feed.purges.due.set(slot.key, now.monotonicMs + batchMs);
    return;
  }
  slot.rowSeq = 0;
  slot.lies = 'nothing';
  feed.purges.due.delete(slot.key);
  if (isAtRest(feed, slot)) forget(feed, slot);
}

/** Nothing is to be told or asked of it. */
function isAtRest(feed: HostFeed, slot: RowSlot): boolean {
  const { key } = slot;
  if (slot.storing !== undefined || slot.wantsRow || slot.unacked > 0) return false;
  if (feed.toRead.has(key) || feed.unsynced.has(key)) return false;
  const domain = feed.entries.get(key);
  if (domain !== undefined) {
    const { truth, unread, reading, untold, missing, settling } = domain;
    return !(truth ?? settling) && !unread && !reading && !untold && !missing;
  }
  const thing = feed.things.entries.get(key);
  if (thing === undefined) return false;
  const kind = feed.things.kinds.get(thing.thing.type);
  const isRead =
    kind !== undefined &&
    (kind.reading?.key === key || kind.toProve.has(key) || kind.toRead.has(key));
  return thing.truth === undefined && !thing.untold && !thing.missing && !isRead;
}

function forget(feed: HostFeed, { key, lastEvent }: RowSlot): void {
  feed.entries.delete(key);
  feed.things.entries.delete(key);
  feed.parted.remember(key, lastEvent);
}

function rowKeyOf(feed: HostFeed, key: string): Exclude<RowKey, 'record'> {
  const thing = feed.things.entries.get(key)?.thing;
  return thing === undefined ? { uuid: key } : { thing };
}
