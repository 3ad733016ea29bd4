/**
 * Settled stories: once a domain's lifecycle was quiet for `settleMs`, what came of the burst
 * is told as one event, so that a reboot (stopped, then started) scares nobody. What is to be told
 * stands in the row: the session that is there when the time has come tells it, or the next one.
 */
import { settledKind, settleMs, type EventData } from '@virtscope/contracts';
import type { Settling } from './base.ts';
import { hasLeft } from './departure.ts';
import type { DomainEntry } from './domain-entry.ts';
import type { FeedEffect, Now } from './feed-io.ts';
import { wantRow } from './feed-rows.ts';
import type { HostFeed } from './feed-state.ts';
import { publish } from './feed-telling.ts';

/** How long a story that is due waits for a read or a sync that is under way. */
const retrySettleMs = 1_000;
/** How long a story that is due waits for a domain that cannot be read; then it has no `after`. */
const maxUnreadMs = 60_000;

/** A lifecycle event of the domain was heard. */
export function unsettle(
  effects: FeedEffect[],
  entry: DomainEntry,
  before: EventData['before'],
  { wallMs, monotonicMs }: Now,
): void {
  entry.settling = {
    before: entry.settling === undefined ? (before ?? null) : entry.settling.before,
    atWallMs: wallMs + settleMs,
    dueMs: monotonicMs + settleMs,
  };
  wake(effects, entry, settleMs);
}

/** A new session takes over what an earlier one had still to tell; its clock is not trusted far. */
export function inheritSettling(
  effects: FeedEffect[],
  entry: DomainEntry,
  { before, atWallMs }: Settling,
  now: Now,
): void {
  const leftMs = Math.min(settleMs, Math.max(0, atWallMs - now.wallMs));
  entry.settling = { before, atWallMs, dueMs: now.monotonicMs + leftMs };
  wake(effects, entry, leftMs);
}

export function onSettleDue(feed: HostFeed, effects: FeedEffect[], uuid: string, now: Now): void {
  const entry = feed.entries.get(uuid);
  if (entry?.settling === undefined) return;
  entry.settleArmed = false;
  const leftMs = entry.settling.dueMs - now.monotonicMs;
  // A read that failed is made again: what nobody has read yet is neither there nor absent (E4).
  // The events of the story come first, or a bridge that dies leaves an end without a beginning.
  const busy =
    feed.link !== 'synced' || entry.unacked > 0 || (entry.unread && leftMs > -maxUnreadMs);
  if (leftMs > 0 || busy) {
    wake(effects, entry, leftMs > 0 ? leftMs : retrySettleMs);
    return;
  }
  const { truth, unread } = entry;
  publish(feed, effects, now, {
    kind: settledKind,
    uuid,
    name: entry.name,
    ...(hasLeft(entry) ? { detail: 'migrated' } : {}),
    before: entry.settling.before,
    ...(unread ? {} : { after: truth === undefined ? null : { state: truth.state, id: truth.id } }),
    prev: entry.lastEvent,
  });
  entry.lastEvent = { epoch: feed.epoch, seq: feed.seq };
  entry.settling = undefined;
  // The row forgets it only after the event is acked (E1): a bridge that dies before tells it again.
  const stands = truth !== undefined || entry.ended !== undefined;
  if (!stands || (entry.rowSeq === 0 && entry.storing === undefined)) return;
  feed.verification.unsettle(uuid, feed.seq);
  wantRow(feed, entry);
}

/** One wake for a domain at a time: a later one finds out how long is left. */
function wake(effects: FeedEffect[], entry: DomainEntry, afterMs: number): void {
  if (entry.settleArmed) return;
  entry.settleArmed = true;
  effects.push({ type: 'settleLater', uuid: entry.uuid, afterMs });
}
