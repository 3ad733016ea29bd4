/** The sync: list, compare with the bus, prove what is missing, and say when all stands. */
import { gapKind } from '@virtscope/contracts';
import { entryFor, setLink, type HostFeed } from './feed-state.ts';
import { publish, synthesise } from './feed-telling.ts';
import { wantRow, end } from './feed-rows.ts';
import { seenHere } from './departure.ts';
import type { DomainEntry } from './domain-entry.ts';
import type { FeedEffect, FeedInput, Identity, ListedDomain, Now } from './feed-io.ts';
import { onRelisted, relistLater } from './feed-relist.ts';
import { listedTruth } from './listed-truth.ts';
import { asksAgain } from './large-removal.ts';
import { sameDaemon } from './same-daemon.ts';
import { allAnswered } from './things/state.ts';

export function onListed(
  feed: HostFeed,
  effects: FeedEffect[],
  input: Extract<FeedInput, { type: 'listed' }>,
  now: Now,
): void {
  if (feed.listed && feed.relistMs !== undefined) {
    if (feed.link === 'synced' || feed.link === 'syncing') onRelisted(feed, effects, input, now);
    return;
  }
  if (feed.listed || feed.link !== 'syncing') return;
  const present = new Set(input.domains.map(({ uuid }) => uuid));
  // Heard while listing: the list and the events overtook each other, so libvirt is asked (E2).
  for (const entry of feed.entries.values()) {
    if (entry.heard === 0) continue;
    entry.untold = true;
    feed.toRead.add(entry.uuid);
    feed.toReadConfig.add(entry.uuid);
  }
  const known = [...feed.entries.values()].filter(({ truth }) => truth !== undefined);
  const missing = known.filter(({ uuid }) => !present.has(uuid));
  const counts = { missing: missing.length, known: known.length };
  if (asksAgain(feed, effects, counts, 'sync')) return;
  feed.listed = true;
  for (const entry of feed.entries.values()) {
    // Its end was stored before its events were told: a bridge died between the two.
    if (entry.truth === undefined && entry.heard === 0 && !present.has(entry.uuid)) {
      synthesise(feed, effects, entry, undefined, now);
    }
  }
  for (const domain of input.domains) adoptListed(feed, effects, domain, input.startedMs, now);
  for (const entry of missing) {
    // E4: absence from the list is half of the proof; libvirt's own word is the other.
    entry.missing = true;
    feed.unsynced.add(entry.uuid);
    feed.verification.unsettle(entry.uuid, feed.seq);
    feed.toRead.add(entry.uuid);
  }
  feed.verification.roundTrip(input.startedMonotonicMs, feed.eventsHeard);
  relistLater(feed, effects);
}

function adoptListed(
  feed: HostFeed,
  effects: FeedEffect[],
  listed: ListedDomain,
  startedMs: number,
  now: Now,
): void {
  const entry = entryFor(feed, listed.uuid, listed.name);
  entry.name = listed.name;
  entry.ended = undefined;
  seenHere(entry, listed.id);
  entry.truth = { ...listedTruth(listed, startedMs), config: entry.truth?.config };
  if (!entry.untold) synthesise(feed, effects, entry, entry.truth, now);
  entry.awaitsConfig = true;
  feed.toReadConfig.add(entry.uuid);
  feed.unsynced.add(entry.uuid);
  wantRow(feed, entry);
  feed.verification.unsettle(entry.uuid, feed.seq);
}

/** E4: a missing domain's absence is proven once the daemon is known to be the same. */
export function endMissing(
  feed: HostFeed,
  effects: FeedEffect[],
  entry: DomainEntry,
  now: Now,
): void {
  const verdict = sameDaemon(feed.identityBy, feed.knownIdentity, feed.identity);
  if (verdict === 'same') {
    feed.awaitingIdentity.delete(entry.uuid);
    synthesise(feed, effects, entry, undefined, now);
    end(feed, entry, 'gone');
  } else {
    feed.awaitingIdentity.add(entry.uuid);
    if (verdict !== 'unknown yet') changeIdentity(feed, effects, verdict);
  }
}

export function onIdentified(
  feed: HostFeed,
  effects: FeedEffect[],
  identity: Identity | { failed: string },
  now: Now,
): void {
  feed.identity = identity;
  if (feed.link === 'lost' || feed.link === 'identity-changed') return;
  const verdict = sameDaemon(feed.identityBy, feed.knownIdentity, feed.identity);
  if (verdict === 'another' && feed.inherited) {
    changeIdentity(feed, effects, verdict);
    return;
  }
  feed.record.stored = false;
  for (const uuid of feed.awaitingIdentity) {
    const entry = feed.entries.get(uuid);
    if (entry !== undefined) endMissing(feed, effects, entry, now);
  }
}

export function changeIdentity(
  feed: HostFeed,
  effects: FeedEffect[],
  verdict: 'another' | 'unknowable',
): void {
  const known = feed.knownIdentity[feed.identityBy === 'uuid' ? 'hostUuid' : 'hostname'];
  setLink(
    feed,
    effects,
    'identity-changed',
    verdict === 'another'
      ? `another daemon answers than the one with ${feed.identityBy} ${known ?? 'unknown'}: take the host out of the inventory and add it again if that is meant`
      : `the daemon does not say who it is, so that nothing can be proven gone: set "identity: hostname" for this host if its host name identifies it`,
  );
}

/** E6: says `synced` once every presence, and every listed thing, stands under this epoch. */
export function finishSync(feed: HostFeed, effects: FeedEffect[], now: Now): void {
  if (!feed.listed || feed.unsynced.size > 0 || !allAnswered(feed.things)) return;
  publish(feed, effects, now, { kind: gapKind, phase: 'end', prev: null });
  setLink(feed, effects, 'synced', undefined);
}
