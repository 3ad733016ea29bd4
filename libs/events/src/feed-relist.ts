/**
 * A driver that sends no lifecycle events is listed again at the host's own interval. What changed
 * between two lists is told as a net effect, synthesised; what the list lacks ends by the same proof
 * as in a sync. Its `verifiedAt` is a list's: a keepalive says nothing of what was never sent.
 */
import type { FeedEffect, FeedInput, ListedDomain, Now } from './feed-io.ts';
import { wantRow } from './feed-rows.ts';
import { entryFor, type HostFeed } from './feed-state.ts';
import { asksAgain } from './large-removal.ts';
import { synthesise } from './feed-telling.ts';
import { seenHere } from './departure.ts';
import { listedTruth } from './listed-truth.ts';
import type { Truth } from './row.ts';

/** The next list, when the daemon cannot tell what changes. */
export function relistLater({ relistMs }: HostFeed, effects: FeedEffect[]): void {
  if (relistMs !== undefined) effects.push({ type: 'list', afterMs: relistMs, reason: 'relist' });
}

export function onRelisted(
  feed: HostFeed,
  effects: FeedEffect[],
  input: Extract<FeedInput, { type: 'listed' }>,
  now: Now,
): void {
  const present = new Set(input.domains.map(({ uuid }) => uuid));
  const known = [...feed.entries.values()].filter(({ truth }) => truth !== undefined);
  const missing = known.filter(({ uuid }) => !present.has(uuid));
  const counts = { missing: missing.length, known: known.length };
  if (asksAgain(feed, effects, counts, 'relist')) return;
  for (const domain of input.domains) adoptChange(feed, effects, domain, input.startedMs, now);
  for (const entry of missing) {
    // This session's daemon had it: its own "no domain" is the other half of the proof.
    entry.untold = true;
    entry.departure ??= 'unseen';
    feed.verification.unsettle(entry.uuid, feed.seq);
    feed.toRead.add(entry.uuid);
  }
  feed.verification.roundTrip(input.startedMonotonicMs, feed.eventsHeard);
  relistLater(feed, effects);
}

function adoptChange(
  feed: HostFeed,
  effects: FeedEffect[],
  listed: ListedDomain,
  startedMs: number,
  now: Now,
): void {
  const entry = entryFor(feed, listed.uuid, listed.name);
  const next = listedTruth(listed, startedMs);
  if (entry.truth !== undefined && isSame(entry.truth, next)) return;
  const runsAnew = entry.truth?.id !== next.id || entry.truth.name !== next.name;
  entry.name = listed.name;
  entry.ended = undefined;
  seenHere(entry, listed.id);
  entry.truth = { ...next, config: entry.truth?.config };
  synthesise(feed, effects, entry, entry.truth, now);
  if (runsAnew) feed.toReadConfig.add(entry.uuid);
  feed.verification.unsettle(entry.uuid, feed.seq);
  wantRow(feed, entry);
}

const compared = [
  'name',
  'id',
  'state',
  'stateReason',
  'stateFrom',
  'persistent',
  'autostart',
  'managedSave',
] as const;

function isSame(held: Truth, listed: Omit<Truth, 'config'>): boolean {
  return compared.every((field) => held[field] === listed[field]);
}
