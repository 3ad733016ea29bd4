/** Rows: what is wanted on the bus, one write per subject at a time (E5). */
import type { HostRecord } from '@virtscope/contracts';
import { entryFor, type HostFeed } from './feed-state.ts';
import type { DomainEntry } from './domain-entry.ts';
import type { FeedEffect, FeedInput, Now, RowKey } from './feed-io.ts';
import { presenceRow, tombstoneRow, type Speaker } from './row.ts';

/** Row writes in flight to the broker. */
const maxStores = 256;

/** The entry's row is to be written, as soon as nothing holds it back. */
export function wantRow(feed: HostFeed, entry: DomainEntry): void {
  entry.wantsRow = true;
  offerRow(feed, entry);
}

/** Puts a wanted row in the queue when what held it back is over. */
export function offerRow(feed: HostFeed, entry: DomainEntry): void {
  const held = entry.storing !== undefined || entry.awaitsConfig || entry.unacked > 0; // E1, E5
  if (entry.wantsRow && !held) feed.toStore.add(entry.uuid);
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
    presences: feed.entries.values().reduce((n, { truth }) => (truth ? n + 1 : n), 0),
    changedAt: new Date(now.wallMs).toISOString(),
  };
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
  // Nothing lies on the subject: there is nothing to end.
  if (entry.rowSeq === 0 && entry.storing === undefined) {
    feed.unsynced.delete(entry.uuid);
    feed.toStore.delete(entry.uuid);
    entry.wantsRow = false;
    feed.verification.settle(entry.uuid);
    return;
  }
  entry.ended = reason;
  wantRow(feed, entry);
}

export function onPublished(feed: HostFeed, seq: number): void {
  feed.verification.settleEvent(seq);
  const uuid = feed.unacked.get(seq);
  feed.unacked.delete(seq);
  const entry = uuid === undefined ? undefined : feed.entries.get(uuid);
  if (entry === undefined) return;
  entry.unacked--;
  offerRow(feed, entry);
}

export function onStored(feed: HostFeed, key: RowKey, writeId: string, seq: number): void {
  feed.upTo = Math.max(feed.upTo, seq);
  if (key === 'record') {
    if (feed.record.storing !== writeId) return;
    feed.record.storing = undefined;
    feed.record.seq = seq;
    return;
  }
  const entry = feed.entries.get(key.uuid);
  if (entry?.storing !== writeId) return;
  entry.storing = undefined;
  feed.stores--;
  entry.rowSeq = seq;
  offerRow(feed, entry);
  if (!entry.wantsRow) {
    feed.unsynced.delete(key.uuid);
    if (!entry.reading && !feed.toRead.has(key.uuid)) feed.verification.settle(key.uuid);
  }
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
  const entry = feed.entries.get(key.uuid);
  if (entry?.storing !== writeId) return;
  entry.storing = undefined;
  feed.stores--;
  entry.rowSeq = last?.seq ?? 0;
  wantRow(feed, entry);
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
  const entry = entryFor(feed, key.uuid, '');
  if (seq <= entry.rowSeq) return;
  effects.push({
    type: 'note',
    note: 'foreign-row',
    uuid: key.uuid,
    detail: `epoch ${epoch} at sequence ${seq} below our ${feed.epoch}`,
  });
  entry.rowSeq = seq;
  if (entry.truth === undefined) entry.ended = 'foreign';
  wantRow(feed, entry);
}

export function pumpStores(feed: HostFeed, effects: FeedEffect[], now: Now): void {
  for (const uuid of feed.toStore) {
    if (feed.stores >= maxStores) return;
    feed.toStore.delete(uuid);
    const entry = feed.entries.get(uuid);
    if (entry === undefined) continue;
    const by: Speaker = {
      host: feed.host,
      epoch: feed.epoch,
      seq: feed.seq,
      lastEvent: entry.lastEvent,
    };
    entry.wantsRow = false;
    if (entry.truth === undefined && entry.ended === undefined) continue;
    entry.storing = nextWriteId(feed);
    feed.stores++;
    effects.push({
      type: 'store',
      key: { uuid },
      body:
        entry.truth === undefined
          ? tombstoneRow(uuid, entry.name, by, entry.ended ?? 'gone', now.wallMs)
          : presenceRow(uuid, entry.truth, by),
      expected: entry.rowSeq,
      writeId: entry.storing,
    });
  }
}

/** The host's own record goes out whenever it does not say what is. */
export function pumpRecord(feed: HostFeed, effects: FeedEffect[], now: Now): void {
  if (feed.record.stored || feed.record.storing !== undefined) return;
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
