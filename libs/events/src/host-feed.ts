/**
 * The mind of one host's feed: one libvirt session under one epoch, from its first list to its
 * end. It keeps these promises, and the lines that keep them cite them:
 *
 * - E1 Each event is published at once, with the next seq and its domain's `prev`; it waits for
 *   nothing. A row waits until the events that it includes are acked: a bridge that dies between
 *   the two leaves an event without its row, which the next session finds, and never the reverse.
 * - E2 A row is true or marked: a read during which an event of the same domain arrives is void
 *   and made again; the (event, detail) table serves only when reading fails, without an id.
 * - E3 STOPPED takes the id from the row at once.
 * - E4 A row ends only by proof: libvirt's own "no domain", asked after the last event heard of
 *   it; in a sync also its absence from a complete list of the same daemon.
 * - E5 One write per subject in flight, the newest truth wins, each expects what lies there; a
 *   higher epoch on one of our subjects ends the session.
 * - E6 `synced` is said only after every presence stands under this epoch.
 * - E7 What happened unwatched is told between two `gap` marks, synthesised, as a net effect.
 * - E8 `verifiedAt` is the start of a round trip after which all that was queued is stored.
 * - E9 What has no event is found by the audit, told as a mismatch, and repaired.
 * - E10 A burst of lifecycle events is followed by one `settled` event, whichever session tells it.
 * - E11 An end is purged after a horizon, and never before the host's record says so.
 *
 * State is owned by the caller's loop and changed in place: a host has thousands of domains, and
 * copying them for each event would be the cost of the service.
 */
import { gapKind, type HostPulse } from '@virtscope/contracts';
import { setLink, type HostFeed, type FeedOptions } from './feed-state.ts';
import { publish } from './feed-telling.ts';
import {
  onPublished,
  onStored,
  onRefused,
  onStrayed,
  pumpStores,
  pumpRecord,
  tellIncomplete,
} from './feed-rows.ts';
import { auditNext, onSampled } from './feed-audit.ts';
import { onConfig, onLifecycle, onOccurred, onRead, pumpReads } from './feed-reads.ts';
import { inheritSettling, onSettleDue } from './feed-settling.ts';
import { armPurge, inheritEnd, onPurgeDue, onPurged, openPurges } from './feed-purge.ts';
import { onListed, onIdentified, finishSync } from './feed-sync.ts';
import { onHinted } from './incarnation.ts';
import { domainBases } from './base.ts';
import { entryOf } from './domain-entry.ts';
import type { FeedEffect, FeedInput, Now } from './feed-io.ts';
import { Parted } from './parted.ts';
import {
  auditNextThing,
  onRetryThing,
  onThingOccurred,
  onThingRead,
  pumpThingReads,
} from './things/reads.ts';
import { thingBases } from './things/base.ts';
import { openThings } from './things/state.ts';
import { listThings, onThingsIdentified, onThingsListed } from './things/sync.ts';
import { Verification } from './verification.ts';

/** Begins the feed of a session that has registered for events; the list comes as an input. */
export function openFeed(options: FeedOptions, now: Now): [HostFeed, FeedEffect[]] {
  const known = options.base.record?.body;
  const bases = domainBases(options.base);
  const thingsBefore = thingBases(options.base);
  const things = openThings(thingsBefore, options.things);
  const feed: HostFeed = {
    host: options.host,
    epoch: options.epoch,
    identityBy: options.identityBy,
    facts: options.facts,
    relistMs: options.relistMs,
    knownIdentity: {
      ...options.identity,
      ...(known?.hostUuid === undefined ? {} : { hostUuid: known.hostUuid }),
      ...(known?.hostname === undefined ? {} : { hostname: known.hostname }),
    },
    link: 'syncing',
    problem: undefined,
    identity: options.identity,
    inherited: [...bases.values(), ...things.entries.values()].some(
      ({ truth }) => truth !== undefined,
    ),
    seq: 0,
    listed: false,
    largeRemovalSeen: false,
    entries: new Map(bases.entries().map(([uuid, base]) => [uuid, entryOf(base)])),
    things,
    unsynced: new Set(),
    awaitingIdentity: new Set(),
    toRead: new Set(),
    toReadConfig: new Set(),
    auditedLast: undefined,
    toStore: new Set(),
    reads: 0,
    configReads: 0,
    stores: 0,
    writes: 1,
    record: { seq: options.recordSeq, stored: true, storing: undefined },
    purges: openPurges(known?.purgedThrough ?? 0),
    parted: new Parted(),
    upTo: options.recordSeq,
    unacked: new Map(),
    eventsHeard: 0,
    verification: new Verification(),
  };
  const effects: FeedEffect[] = [];
  publish(feed, effects, now, { kind: gapKind, phase: 'begin', cause: options.cause, prev: null });
  for (const { uuid, settling } of bases.values()) {
    const entry = feed.entries.get(uuid);
    if (entry !== undefined && settling !== undefined)
      inheritSettling(effects, entry, settling, now);
  }
  for (const [key, { endedAtMs }] of [...bases, ...thingsBefore]) {
    if (endedAtMs !== undefined) inheritEnd(feed, key, endedAtMs, now);
  }
  armPurge(feed, effects, now);
  return [feed, effects];
}

/** One input in, the wishes that follow from it out. */
export function step(feed: HostFeed, input: FeedInput, now: Now): [HostFeed, FeedEffect[]] {
  const effects: FeedEffect[] = [];
  switch (input.type) {
    case 'listed':
      onListed(feed, effects, input, now);
      listThings(feed, effects); // N1
      break;
    case 'lifecycle':
      onLifecycle(feed, effects, input, now);
      break;
    case 'occurred':
      onOccurred(feed, effects, input.event, now);
      break;
    case 'sampled':
      onSampled(feed, effects, input.states);
      break;
    case 'thingOccurred':
      onThingOccurred(feed, effects, input.event, now);
      break;
    case 'thingsListed':
      onThingsListed(feed, effects, input, now);
      break;
    case 'thingRead':
      onThingRead(feed, effects, input, now);
      break;
    case 'retryThing':
      onRetryThing(feed, input);
      break;
    case 'hinted':
      onHinted(feed, effects, input, now);
      break;
    case 'auditDue':
      auditNext(feed);
      auditNextThing(feed);
      break;
    case 'read':
      onRead(feed, effects, input, now);
      break;
    case 'config':
      onConfig(feed, effects, input, now);
      break;
    case 'stored':
      onStored(feed, effects, input, now);
      break;
    case 'refused':
      onRefused(feed, effects, input);
      break;
    case 'published':
      onPublished(feed, input.seq);
      break;
    case 'strayed':
      onStrayed(feed, effects, input.key, input.seq, input.epoch);
      break;
    case 'pong':
      // Without events a round trip proves nothing about the domains: their lists do.
      if (feed.relistMs === undefined) {
        feed.verification.roundTrip(input.startedMonotonicMs, input.eventsReceived);
      }
      break;
    case 'identified':
      onIdentified(feed, effects, input.identity, now);
      onThingsIdentified(feed, effects, now);
      break;
    case 'retryRead':
      if (feed.entries.get(input.uuid)?.reading === false) feed.toRead.add(input.uuid);
      break;
    case 'settleDue':
      onSettleDue(feed, effects, input.uuid, now);
      break;
    case 'purgeDue':
      onPurgeDue(feed, now);
      break;
    case 'purged':
      onPurged(feed, input, now);
      break;
    case 'lost':
      setLink(feed, effects, 'lost', input.problem);
      break;
  }
  if (feed.link === 'syncing') finishSync(feed, effects, now);
  tellIncomplete(feed);
  pump(feed, effects, now);
  armPurge(feed, effects, now);
  feed.verification.advance(feed.eventsHeard, feed.link === 'synced');
  return [feed, effects];
}

/** What the replica's heartbeat says of this host. */
export function pulse(feed: HostFeed, now: Pick<Now, 'monotonicMs'>): HostPulse {
  const { verifiedMs } = feed.verification;
  return {
    epoch: feed.epoch,
    link: feed.link,
    verifiedAgeMs: verifiedMs === undefined ? null : Math.max(0, now.monotonicMs - verifiedMs),
    seq: feed.verification.settledSeq(feed.seq),
    upTo: feed.upTo,
  };
}

/** Turns what is wanted into calls and writes, as far as the bounds allow. */
function pump(feed: HostFeed, effects: FeedEffect[], now: Now): void {
  if (feed.link !== 'lost' && feed.link !== 'identity-changed') {
    pumpReads(feed, effects);
    pumpThingReads(feed, effects);
    pumpStores(feed, effects, now);
  }
  pumpRecord(feed, effects, now);
}
