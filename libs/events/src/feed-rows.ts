/** Rows: what is wanted on the bus, one write per subject at a time (E5). */
import { hash } from 'node:crypto';
import {
  presencesDigestText,
  type DomainRow,
  type HostRecord,
  type ThingRow,
} from '@virtscope/contracts';
import { slotFor, slotOfKey, type HostFeed } from './feed-state.ts';
import type { DomainEntry } from './domain-entry.ts';
import type { FeedEffect, FeedInput, Now, RowKey } from './feed-io.ts';
import { noteLying, purgeAsked } from './feed-purge.ts';
import { presenceRow, tombstoneRow, type Speaker } from './row.ts';
import type { RowSlot } from './row-slot.ts';
import { thingPresenceRow, thingTombstoneRow } from './things/row.ts';
import { incompleteTypes } from './things/state.ts';

/** Row writes in flight to the broker. */
const maxStores = 256;

/** The entry's row is to be written, as soon as nothing holds it back. */
export function wantRow(feed: HostFeed, slot: RowSlot): void {
  slot.wantsRow = true;
  offerRow(feed, slot);
}

/** Puts a wanted row in the queue when what held it back is over. */
export function offerRow(feed: HostFeed, slot: RowSlot): void {
  if (slot.wantsRow && !isHeld(slot)) feed.toStore.add(slot.key);
}

/** E1, E5 */
function isHeld({ storing, awaitsConfig, unacked }: RowSlot): boolean {
  return storing !== undefined || awaitsConfig || unacked > 0;
}

/** The host's own record, as it stands. */
export function hostRecord(feed: HostFeed, now: Pick<Now, 'wallMs'>): HostRecord {
  const identity =
    feed.identity === undefined || 'failed' in feed.identity ? feed.knownIdentity : feed.identity;
  return {
    v: 1,
    type: 'host',
    host: feed.host,
    epoch: feed.epoch,
    sync: feed.link,
    ...(feed.problem === undefined ? {} : { problem: feed.problem }),
    ...identity,
    ...feed.facts,
    ...missingKinds(feed),
    presences: feed.entries.values().reduce((n, { truth }) => (truth ? n + 1 : n), 0),
    ...digest(feed),
    ...(feed.purges.through === 0 ? {} : { purgedThrough: feed.purges.through }),
    changedAt: new Date(now.wallMs).toISOString(),
  };
}

/** Of the presences that lie on the bus, when that is exactly known. */
function digest(feed: HostFeed): Pick<HostRecord, 'digest'> {
  if (feed.link !== 'synced' || feed.stores > 0) return {};
  const lying: { uuid: string; seq: number }[] = [];
  for (const { uuid, lies, rowSeq } of feed.entries.values()) {
    if (lies === 'unknown') return {};
    if (lies === 'presence') lying.push({ uuid, seq: rowSeq });
  }
  return { digest: hash('sha256', presencesDigestText(lying), 'base64url') };
}

/** The event kinds that the daemon does not send, and the types whose rows are not complete. */
function missingKinds({ facts, things, unsynced }: HostFeed): Pick<HostRecord, 'missingKinds'> {
  const missing = [...(facts.missingKinds ?? []), ...incompleteTypes(things, unsynced)];
  return missing.length === 0 ? {} : { missingKinds: missing };
}

/** The record goes out again when the types that it calls incomplete are other ones. */
export function tellIncomplete(feed: HostFeed): void {
  if (feed.link !== 'synced') return;
  const says = incompleteTypes(feed.things, feed.unsynced).join();
  if (says === feed.things.recordSays) return;
  feed.things.recordSays = says;
  feed.record.stored = false;
}

export function end(
  feed: HostFeed,
  entry: DomainEntry,
  reason: NonNullable<DomainEntry['ended']>,
): void {
  entry.truth = undefined;
  entry.told = undefined;
  entry.missing = false;
  entry.awaitsConfig = false;
  feed.toReadConfig.delete(entry.uuid);
  endRow(feed, entry, reason);
}

/** The row, if there is one, is to end. */
export function endRow(feed: HostFeed, slot: RowSlot, reason: NonNullable<RowSlot['ended']>): void {
  // Nothing lies on the subject: there is nothing to end.
  if (slot.rowSeq === 0 && slot.storing === undefined) {
    feed.unsynced.delete(slot.key);
    feed.toStore.delete(slot.key);
    slot.wantsRow = false;
    feed.verification.settle(slot.key);
    return;
  }
  slot.ended = reason;
  wantRow(feed, slot);
}

export function onPublished(feed: HostFeed, seq: number): void {
  feed.verification.settleEvent(seq);
  const key = feed.unacked.get(seq);
  feed.unacked.delete(seq);
  const slot = key === undefined ? undefined : slotOfKey(feed, key);
  if (slot === undefined) return;
  slot.unacked--;
  offerRow(feed, slot);
}

export function onStored(
  feed: HostFeed,
  effects: FeedEffect[],
  { key, writeId, seq }: Extract<FeedInput, { type: 'stored' }>,
  now: Now,
): void {
  feed.upTo = Math.max(feed.upTo, seq);
  if (key === 'record') {
    if (feed.record.storing !== writeId) return;
    feed.record.storing = undefined;
    feed.record.seq = seq;
    // Else what was asked for since is still to be written.
    if (feed.record.stored) purgeAsked(feed, effects);
    return;
  }
  const slot = slotFor(feed, key);
  if (slot.storing?.writeId !== writeId) return;
  slot.lies = slot.storing.ends ? 'end' : 'presence';
  slot.storing = undefined;
  feed.stores--;
  slot.rowSeq = seq;
  noteLying(feed, slot, now);
  offerRow(feed, slot);
  if (slot.wantsRow) return;
  if (!isUnproven(feed, slot.key)) feed.unsynced.delete(slot.key);
  if (!isBeingRead(feed, slot.key)) feed.verification.settle(slot.key);
}

/** A domain's row is settled by what was read; a thing's by its event's own word (N2). */
function isBeingRead({ entries, toRead }: HostFeed, key: string): boolean {
  return entries.get(key)?.reading === true || toRead.has(key);
}

/** A thing of which the sync still has to tell or to prove something stays in the sync. */
function isUnproven({ things }: HostFeed, key: string): boolean {
  const entry = things.entries.get(key);
  return entry !== undefined && (entry.missing || entry.untold);
}

export function onRefused(
  feed: HostFeed,
  effects: FeedEffect[],
  { key, writeId, last }: Extract<FeedInput, { type: 'refused' }>,
): void {
  if (last !== undefined && last.epoch > feed.epoch) {
    effects.push({ type: 'fenced', byEpoch: last.epoch }); // E5
    return;
  }
  if (key === 'record') {
    if (feed.record.storing !== writeId) return;
    feed.record = { seq: last?.seq ?? 0, stored: false, storing: undefined };
    return;
  }
  const slot = slotFor(feed, key);
  if (slot.storing?.writeId !== writeId) return;
  slot.storing = undefined;
  feed.stores--;
  slot.rowSeq = last?.seq ?? 0;
  slot.lies = last === undefined ? 'nothing' : 'unknown';
  wantRow(feed, slot);
}

export function onStrayed(
  feed: HostFeed,
  effects: FeedEffect[],
  key: RowKey,
  seq: number,
  epoch: number,
): void {
  if (epoch > feed.epoch) {
    effects.push({ type: 'fenced', byEpoch: epoch }); // E5
    return;
  }
  if (key === 'record') {
    if (seq <= feed.record.seq) return;
    feed.record = { ...feed.record, seq, stored: false };
    return;
  }
  const slot = slotFor(feed, key);
  if (seq <= slot.rowSeq) return;
  effects.push({
    type: 'note',
    note: 'foreign-row',
    uuid: slot.key,
    detail: `epoch ${epoch} at sequence ${seq} below our ${feed.epoch}`,
  });
  slot.rowSeq = seq;
  slot.lies = 'unknown';
  if (truthOf(feed, slot.key) === undefined) slot.ended = 'foreign';
  wantRow(feed, slot);
}

function truthOf({ entries, things }: HostFeed, key: string): object | undefined {
  return (entries.get(key) ?? things.entries.get(key))?.truth;
}

export function pumpStores(feed: HostFeed, effects: FeedEffect[], now: Now): void {
  if (isRecordDue(feed)) return;
  for (const key of feed.toStore) {
    if (feed.stores >= maxStores) return;
    feed.toStore.delete(key);
    const slot = slotOfKey(feed, key);
    // Held back since it was offered, it is offered again when that is over.
    if (slot === undefined || isHeld(slot)) continue;
    slot.wantsRow = false;
    const row = rowOf(feed, slot, now);
    if (row === undefined) continue;
    const writeId = nextWriteId(feed);
    slot.storing = { writeId, ends: 'tombstone' in row.body };
    feed.stores++;
    effects.push({ type: 'store', ...row, expected: slot.rowSeq, writeId });
  }
}

/** What is to be written; undefined when there is neither a truth nor an end to tell. */
function rowOf(
  feed: HostFeed,
  { key, lastEvent }: RowSlot,
  { wallMs }: Now,
): { key: RowKey; body: DomainRow | ThingRow } | undefined {
  const by: Speaker = { host: feed.host, epoch: feed.epoch, seq: feed.seq, lastEvent };
  const domain = feed.entries.get(key);
  if (domain !== undefined) {
    const { uuid, name, truth, ended, departure, settling } = domain;
    const speaker = { ...by, settling };
    if (truth !== undefined) return { key: { uuid }, body: presenceRow(uuid, truth, speaker) };
    if (ended === undefined) return undefined;
    const how = { reason: ended, ...(ended === 'gone' && departure && { departure }) };
    return { key: { uuid }, body: tombstoneRow(uuid, name, speaker, how, wallMs) };
  }
  const entry = feed.things.entries.get(key);
  if (entry === undefined) return undefined;
  const { thing, name, truth, ended } = entry;
  if (truth !== undefined) return { key: { thing }, body: thingPresenceRow(thing, truth, by) };
  return ended && { key: { thing }, body: thingTombstoneRow(thing, name, by, ended, wallMs) };
}

/**
 * A record of a synced host says exactly what lies on the bus, so it goes out while no row does:
 * the rows wait until it is acked.
 */
function isRecordDue({ link, record }: HostFeed): boolean {
  return link === 'synced' && (!record.stored || record.storing !== undefined);
}

/** The host's own record goes out whenever it does not say what is. */
export function pumpRecord(feed: HostFeed, effects: FeedEffect[], now: Now): void {
  if (feed.record.stored || feed.record.storing !== undefined) return;
  if (isRecordDue(feed) && feed.stores > 0) return;
  feed.record.stored = true;
  feed.record.storing = nextWriteId(feed);
  effects.push({
    type: 'store',
    key: 'record',
    body: hostRecord(feed, now),
    expected: feed.record.seq,
    writeId: feed.record.storing,
  });
}

/** Unique to the write, never an event's id: the broker drops a repeated id. */
function nextWriteId(feed: HostFeed): string {
  return `event-bridge:${feed.host}:${feed.epoch}:w${feed.writes++}`;
}
