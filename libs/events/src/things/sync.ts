/** Lists of things: the sync's, and the slow ones of types without events (N3, N4). */
import type { ThingRowType } from '@virtscope/contracts';
import type { FeedEffect, FeedInput, ListedThing, Now, ReadReason } from '../feed-io.ts';
import { endRow, wantRow } from '../feed-rows.ts';
import type { HostFeed } from '../feed-state.ts';
import { changeIdentity } from '../feed-sync.ts';
import { isLargeRemoval, relistAfterMs } from '../large-removal.ts';
import { sameDaemon } from '../same-daemon.ts';
import { standingOf } from './base.ts';
import { thingKey, type ThingEntry } from './entry.ts';
import { isSameStanding } from './standing.ts';
import { isTellable, thingFor, wantThingRead, type ThingKind } from './state.ts';
import { synthesiseThing } from './telling.ts';

/** How often a type without events is listed, and one that could not be listed is tried again. */
export const relistPeriodMs = 60_000;

/** N1: once the domains are listed the things are. */
export function listThings(feed: HostFeed, effects: FeedEffect[]): void {
  if (!feed.listed || feed.things.asked) return;
  feed.things.asked = true;
  for (const { type } of feed.things.kinds.values()) {
    effects.push({ type: 'listThings', of: type, afterMs: 0, reason: 'sync' });
  }
}

export function onThingsListed(
  feed: HostFeed,
  effects: FeedEffect[],
  { of, outcome, startedMs }: Extract<FeedInput, { type: 'thingsListed' }>,
  now: Now,
): void {
  const kind = feed.things.kinds.get(of);
  if (kind?.heardWhileListing === undefined) return;
  const heard = kind.heardWhileListing;
  kind.heardWhileListing = undefined;
  if (outcome === 'unsupported') {
    kind.status = 'absent';
    return;
  }
  if ('failed' in outcome) {
    effects.push({ type: 'note', note: 'list-failed', detail: `${of}: ${outcome.failed}` });
    listAgain(kind, effects, 'failed', relistPeriodMs);
    return;
  }
  const things = outcome.things.filter(({ id }) => isTellable(effects, { type: of, id }));
  const present = new Set(things.map(({ id }) => thingKey({ type: of, id })));
  const known = entriesOf(feed, of).filter(({ truth }) => truth !== undefined);
  const missing = known.filter(({ key }) => !present.has(key));
  if (isLargeRemoval(missing.length, known.length) && !kind.largeRemovalSeen) {
    kind.largeRemovalSeen = true;
    const detail = `the list lacks ${missing.length} of ${known.length} of type ${of}; asking again`;
    effects.push({ type: 'note', note: 'large-removal', detail });
    listAgain(kind, effects, 'failed', relistAfterMs);
    return;
  }
  const reason = kind.status === 'listed' ? 'relist' : 'sync';
  const isSync = reason === 'sync';
  if (isSync) tellTheEnded(feed, effects, of, present, now);
  for (const listed of things) {
    const entry = thingFor(feed, { type: of, id: listed.id }, listed.name);
    entry.confirmed = true;
    // E2: the list and the events overtook each other, so libvirt is asked.
    if (heard.has(entry.key)) doubt(feed, entry, reason);
    else adoptListed(feed, effects, entry, { listed, startedMs, isSync, reason }, now);
  }
  for (const entry of missing) {
    // E4: absence from the list is half of the proof; libvirt's own word is the other.
    if (heard.has(entry.key)) entry.untold = true;
    else entry.missing = true;
    if (isSync) feed.unsynced.add(entry.key);
    wantThingRead(feed.things, entry, reason);
  }
  kind.largeRemovalSeen = false;
  if (kind.hasEvents) kind.status = 'listed';
  else listAgain(kind, effects, 'listed', relistPeriodMs);
}

function listAgain(
  kind: ThingKind,
  effects: FeedEffect[],
  status: ThingKind['status'],
  afterMs: number,
): void {
  kind.status = status;
  kind.heardWhileListing = new Set();
  const reason = status === 'listed' ? 'relist' : 'sync';
  effects.push({ type: 'listThings', of: kind.type, afterMs, reason });
}

/** Ends that were stored before they were told: a bridge died between the two. */
function tellTheEnded(
  feed: HostFeed,
  effects: FeedEffect[],
  of: ThingRowType,
  present: ReadonlySet<string>,
  now: Now,
): void {
  for (const entry of entriesOf(feed, of)) {
    if (entry.truth === undefined && entry.heard === 0 && !present.has(entry.key)) {
      synthesiseThing(feed, effects, entry, undefined, now);
    }
  }
}

function doubt(feed: HostFeed, entry: ThingEntry, reason: ReadReason): void {
  entry.untold = true;
  feed.unsynced.add(entry.key);
  wantThingRead(feed.things, entry, reason);
}

function adoptListed(
  feed: HostFeed,
  effects: FeedEffect[],
  entry: ThingEntry,
  by: { listed: ListedThing; startedMs: number; isSync: boolean; reason: ReadReason },
  now: Now,
): void {
  const { name, active, persistent, autostart } = by.listed;
  const before = entry.truth;
  const truth = {
    name,
    active,
    persistent,
    autostart,
    stateFrom: 'read' as const,
    stateObservedMs: by.startedMs,
    config: before?.config,
  };
  const isSame =
    before?.stateFrom === 'read' && before.autostart === autostart && isSameStanding(before, truth);
  if (isSame && !by.isSync) return;
  entry.name = name;
  entry.ended = undefined;
  entry.missing = false;
  entry.truth = truth;
  synthesiseThing(feed, effects, entry, standingOf(truth), now);
  if (by.isSync) feed.unsynced.add(entry.key);
  feed.verification.unsettle(entry.key, feed.seq);
  wantRow(feed, entry);
  wantThingRead(feed.things, entry, by.reason);
}

/** E4: libvirt does not have it: gone, once the daemon is known to be the same. */
export function endThing(feed: HostFeed, effects: FeedEffect[], entry: ThingEntry, now: Now): void {
  const kind = feed.things.kinds.get(entry.thing.type);
  const verdict = entry.confirmed
    ? 'same'
    : sameDaemon(feed.identityBy, feed.knownIdentity, feed.identity);
  if (verdict !== 'same') {
    // N3: domains do not wait for it.
    entry.absent = true;
    kind?.unproven.add(entry.key);
    feed.unsynced.delete(entry.key);
    if (verdict === 'another') changeIdentity(feed, effects, verdict);
    return;
  }
  if (entry.missing || entry.untold || kind?.hasEvents === false) {
    synthesiseThing(feed, effects, entry, undefined, now);
  }
  kind?.unproven.delete(entry.key);
  entry.truth = undefined;
  entry.told = undefined;
  entry.missing = false;
  entry.absent = false;
  entry.untold = false;
  entry.confirmed = false;
  endRow(feed, entry, 'gone');
}

/** The daemon said who it is: what waited for that is proven, or is not. */
export function onThingsIdentified(feed: HostFeed, effects: FeedEffect[], now: Now): void {
  if (feed.link === 'lost' || feed.link === 'identity-changed') return;
  for (const { unproven } of feed.things.kinds.values()) {
    for (const key of unproven) {
      const entry = feed.things.entries.get(key);
      if (entry?.absent === true) endThing(feed, effects, entry, now);
    }
  }
}

function entriesOf(feed: HostFeed, of: ThingRowType): ThingEntry[] {
  return [...feed.things.entries.values()].filter(({ thing }) => thing.type === of);
}
