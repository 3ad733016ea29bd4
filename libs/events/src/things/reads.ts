/** Hearing of things and reading them: an event makes a thing dirty, libvirt says what is (E2, N2). */
import type { ObjectEvent } from 'node-libvirt';
import type { FeedEffect, FeedInput, Now } from '../feed-io.ts';
import { wantRow } from '../feed-rows.ts';
import type { HostFeed } from '../feed-state.ts';
import { standingOf, thingBrief } from './base.ts';
import { thingKey, type ThingEntry } from './entry.ts';
import { thingEventOf } from './event.ts';
import type { ThingTruth } from './row.ts';
import { isSameStanding } from './standing.ts';
import { isTellable, thingFor, wantThingRead } from './state.ts';
import { endThing } from './sync.ts';
import { synthesiseThing, tellThing } from './telling.ts';

/** After so many void reads the event's word stands, and the next read waits. */
const maxVoids = 3;
/** How long after a read that failed, or was voided often, the next one waits. */
const retryReadMs = 10_000;

export function onThingOccurred(
  feed: HostFeed,
  effects: FeedEffect[],
  event: ObjectEvent,
  now: Now,
): void {
  feed.eventsHeard++;
  const { thing, name, kind, payload, lifecycle } = thingEventOf(event);
  if (!isTellable(effects, thing)) return;
  const entry = thingFor(feed, thing, name);
  const { truth } = entry;
  tellThing(feed, effects, entry, now, {
    kind,
    name,
    before: thingBrief(truth),
    ...(payload === undefined ? {} : { payload }),
  });
  entry.heard++;
  entry.confirmed = true;
  // The daemon has it again before its absence was proven; what came between is still to be told.
  entry.untold ||= entry.missing || entry.absent;
  entry.missing = false;
  entry.absent = false;
  const ofType = feed.things.kinds.get(thing.type);
  ofType?.heardWhileListing?.add(entry.key);
  if (lifecycle) rewriteByEvent(feed, entry, now);
  wantThingRead(feed.things, entry, 'event');
}

/** N2: the row says what the event says, marked, until libvirt was asked. */
function rewriteByEvent(feed: HostFeed, entry: ThingEntry, { wallMs }: Now): void {
  const { told, truth } = entry;
  // Nothing known of it stood on the bus, and it is already gone again.
  if (told === undefined && truth === undefined) return;
  entry.name = told?.name ?? entry.name;
  entry.ended = undefined;
  entry.truth = {
    autostart: truth?.autostart ?? null,
    config: truth?.config,
    name: entry.name,
    // "Undefined" is no proof of absence: the row stands until libvirt says so.
    active: told === undefined ? inactive(truth) : told.active,
    persistent: told === undefined ? false : (told.persistent ?? truth?.persistent ?? null),
    stateFrom: 'event',
    stateObservedMs: wallMs,
  };
  feed.verification.unsettle(entry.key, feed.seq);
  wantRow(feed, entry);
}

function inactive(truth: ThingTruth | undefined): boolean | null {
  return truth?.active === null ? null : false;
}

export function onThingRead(
  feed: HostFeed,
  effects: FeedEffect[],
  { thing, token, startedMs, outcome }: Extract<FeedInput, { type: 'thingRead' }>,
  now: Now,
): void {
  const key = thingKey(thing);
  const entry = feed.things.entries.get(key);
  const kind = feed.things.kinds.get(thing.type);
  if (entry === undefined || kind?.reading?.key !== key) return;
  const { reason } = kind.reading;
  kind.reading = undefined;
  if ('failed' in outcome) {
    effects.push({ type: 'note', note: 'read-failed', uuid: key, detail: outcome.failed });
    giveUpReading(feed, effects, entry);
    return;
  }
  if (entry.heard !== token) {
    // E2: an event overtook the answer, or the answer the event; nobody can say which is newer.
    entry.voids++;
    effects.push({ type: 'note', note: 'read-void', uuid: key, detail: `${entry.voids}` });
    if (entry.voids >= maxVoids) giveUpReading(feed, effects, entry);
    else wantThingRead(feed.things, entry, reason);
    return;
  }
  entry.voids = 0;
  kind.unproven.delete(key);
  // What was asked for meanwhile, without an event, is answered by this one.
  kind.toProve.delete(key);
  kind.toRead.delete(key);
  if (!outcome.found) {
    endThing(feed, effects, entry, now);
    return;
  }
  const { name, active, persistent, autostart, config } = outcome;
  if (config === undefined) {
    effects.push({ type: 'note', note: 'config-failed', uuid: key, detail: 'no readable XML' });
  }
  const before = entry.truth;
  const truth: ThingTruth = {
    name,
    active,
    persistent,
    autostart,
    stateFrom: 'read',
    stateObservedMs: startedMs,
    config: config ?? before?.config,
  };
  if (reason === 'audit' && before !== undefined && !isSameStanding(before, truth)) {
    effects.push({ type: 'note', note: 'state-mismatch', uuid: key, detail: words(before, truth) });
  }
  entry.name = name;
  entry.ended = undefined;
  entry.confirmed = true;
  entry.absent = false;
  entry.truth = truth;
  if (entry.missing || entry.untold || !kind.hasEvents) {
    synthesiseThing(feed, effects, entry, standingOf(truth), now);
  }
  entry.missing = false;
  feed.verification.unsettle(key, feed.seq);
  wantRow(feed, entry);
}

function words(before: ThingTruth, after: ThingTruth): string {
  const one = ({ active, persistent }: ThingTruth): string =>
    `active ${active}, persistent ${persistent}`;
  return `row: ${one(before)}; libvirt: ${one(after)}`;
}

/** N3: a sync does not wait for it any longer; its type is not complete until a read is answered. */
function giveUpReading(feed: HostFeed, effects: FeedEffect[], entry: ThingEntry): void {
  entry.voids = 0;
  const kind = feed.things.kinds.get(entry.thing.type);
  if (entry.missing || entry.untold) {
    kind?.unproven.add(entry.key);
    feed.unsynced.delete(entry.key);
  }
  effects.push({ type: 'retryThingLater', thing: entry.thing, afterMs: retryReadMs });
}

export function onRetryThing(
  feed: HostFeed,
  { thing }: Extract<FeedInput, { type: 'retryThing' }>,
): void {
  const entry = feed.things.entries.get(thingKey(thing));
  if (entry !== undefined) wantThingRead(feed.things, entry, 'event');
}

/** Asks for one thing that no event asked for, one after the other. */
export function auditNextThing(feed: HostFeed): void {
  if (feed.link !== 'synced') return;
  const { entries } = feed.things;
  const keys = [...entries.keys()];
  const start =
    feed.things.auditedLast === undefined ? 0 : keys.indexOf(feed.things.auditedLast) + 1;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[(start + i) % keys.length] ?? '';
    const entry = entries.get(key);
    // A type that the daemon does not have now can still have rows of another time.
    if (entry?.truth === undefined || !entry.confirmed) continue;
    feed.things.auditedLast = key;
    wantThingRead(feed.things, entry, 'audit');
    return;
  }
}

/** N1: one thing of each type at a time, in a sync only what the sync waits for. */
export function pumpThingReads(feed: HostFeed, effects: FeedEffect[]): void {
  for (const kind of feed.things.kinds.values()) {
    if (kind.reading !== undefined) continue;
    const line = kind.toProve.size > 0 || feed.link !== 'synced' ? kind.toProve : kind.toRead;
    const [next] = line;
    if (next === undefined) continue;
    const [key, reason] = next;
    line.delete(key);
    const entry = feed.things.entries.get(key);
    if (entry === undefined) continue;
    kind.reading = { key, reason };
    effects.push({ type: 'readThing', thing: entry.thing, token: entry.heard, reason });
  }
}
