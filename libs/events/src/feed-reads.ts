/** Hearing and reading: an event makes a domain dirty, libvirt says what is (E2, E3). */
import { lifecycleKinds, type EventData } from '@virtscope/contracts';
import {
  VIR_DOMAIN_EVENT_STOPPED,
  domainStateName,
  domainStateReasonName,
  lifecycleDetailName,
  lifecycleEventName,
} from 'node-libvirt/constants';
import { entryFor, type HostFeed } from './feed-state.ts';
import { publish, synthesise } from './feed-telling.ts';
import { unsettle } from './feed-settling.ts';
import { end, offerRow, wantRow } from './feed-rows.ts';
import { endMissing } from './feed-sync.ts';
import { told } from './base.ts';
import type { DomainEntry } from './domain-entry.ts';
import { departureBy, seenHere } from './departure.ts';
import { configMismatch } from './feed-audit.ts';
import { configChangedBy, payloadOf, type OtherEvent } from './event-payload.ts';
import type { ConfigOutcome, FeedEffect, FeedInput, Now, ReadOutcome } from './feed-io.ts';
import { compareRuns } from './incarnation.ts';
import type { Truth } from './row.ts';
import { stateByEvent } from './state-by-event.ts';

/** Pairs of LOOKUP_BY_UUID and GET_STATE in flight; the session queues them behind its own bound. */
const maxReads = 64;
/** XML reads in flight: they are low-priority calls, of which a daemon gets at most two. */
const maxConfigReads = 2;
/** After so many void reads the event table serves, and the next read waits. */
const maxVoids = 3;
/** How long after a failed or often voided read the next one waits. */
const retryReadMs = 1_000;

export function onLifecycle(
  feed: HostFeed,
  effects: FeedEffect[],
  input: Extract<FeedInput, { type: 'lifecycle' }>,
  now: Now,
): void {
  const { uuid, event, detail } = input;
  feed.eventsHeard++;
  const entry = entryFor(feed, uuid, input.name);
  const data = tellRaw(feed, effects, entry, now, {
    kind: lifecycleEventName(event),
    detail: lifecycleDetailName(event, detail),
    name: input.name,
  });
  entry.heard++;
  entry.unread = true;
  entry.lastLifecycle = { event, detail, wallMs: now.wallMs };
  if (event === VIR_DOMAIN_EVENT_STOPPED) entry.departure = departureBy(detail);
  // The daemon has it again before its absence was proven; what came between is still to be told.
  entry.untold ||= entry.missing;
  entry.missing = false;
  feed.awaitingIdentity.delete(uuid);
  entry.told = told(entry.told, data);
  entry.suspicions = 0;
  unsettle(effects, entry, data.before, now);
  feed.verification.unsettle(uuid, feed.seq);
  if (event === VIR_DOMAIN_EVENT_STOPPED && entry.truth !== undefined) {
    entry.truth = byEvent(entry, entry.truth); // E3
    entry.awaitsConfig = false;
    wantRow(feed, entry);
  }
  // Only now: while the list is under way, its answer decides what has to be read.
  if (feed.listed) feed.toRead.add(uuid);
  if (changesConfig(event)) wantConfig(feed, entry);
}

/** An event of another kind: told at once, and a reason to read the configuration again. */
export function onOccurred(
  feed: HostFeed,
  effects: FeedEffect[],
  event: OtherEvent,
  now: Now,
): void {
  feed.eventsHeard++;
  const { kind, domain } = event;
  const entry = entryFor(feed, domain.uuid, domain.name);
  const payload = payloadOf(event);
  tellRaw(feed, effects, entry, now, { kind, name: domain.name, payload });
  if (configChangedBy(kind)) wantConfig(feed, entry);
}

/** E1: publishes what was heard, as the next of its domain's events. */
function tellRaw(
  feed: HostFeed,
  effects: FeedEffect[],
  entry: DomainEntry,
  now: Now,
  heard: Pick<EventData, 'kind' | 'detail' | 'name' | 'payload'>,
): EventData {
  const { truth, uuid } = entry;
  const data = publish(feed, effects, now, {
    ...heard,
    uuid,
    ...before(feed, truth),
    prev: entry.lastEvent,
  });
  entry.lastEvent = { epoch: feed.epoch, seq: feed.seq };
  return data;
}

/** Before the list is there, nobody can say that there was no domain. */
function before({ listed }: HostFeed, truth: Truth | undefined): Pick<EventData, 'before'> {
  if (truth === undefined) return listed ? { before: null } : {};
  return { before: { state: truth.state, id: truth.id } };
}

function wantConfig(feed: HostFeed, entry: DomainEntry): void {
  if (entry.readingConfig) entry.configStale = true;
  else if (feed.listed) feed.toReadConfig.add(entry.uuid);
  // An event asks now: a difference is no mismatch any more.
  entry.auditsConfig = false;
}

/** Started and stopped too: the live XML of a process is not the stored definition. */
const configKinds = new Set<string>(['defined', 'undefined', 'started', 'stopped']);

function changesConfig(event: number): boolean {
  return configKinds.has(lifecycleKinds[event] ?? '');
}

export function onRead(
  feed: HostFeed,
  effects: FeedEffect[],
  input: Extract<FeedInput, { type: 'read' }>,
  now: Now,
): void {
  const entry = feed.entries.get(input.uuid);
  if (entry?.reading !== true) return;
  entry.reading = false;
  feed.reads--;
  if ('failed' in input.outcome) {
    effects.push({
      type: 'note',
      note: 'read-failed',
      uuid: entry.uuid,
      detail: input.outcome.failed,
    });
    giveUpReading(feed, effects, entry);
  } else if (entry.heard !== input.token) {
    // E2: an event overtook the answer, or the answer the event; nobody can say which is newer.
    entry.voids++;
    effects.push({ type: 'note', note: 'read-void', uuid: entry.uuid, detail: `${entry.voids}` });
    if (entry.voids >= maxVoids) giveUpReading(feed, effects, entry);
    else feed.toRead.add(entry.uuid);
  } else {
    entry.voids = 0;
    entry.unread = false;
    // A read that was asked for meanwhile, without an event, is answered by this one.
    feed.toRead.delete(entry.uuid);
    adoptRead(feed, effects, entry, input.outcome, input.startedMs, now);
  }
}

function adoptRead(
  feed: HostFeed,
  effects: FeedEffect[],
  entry: DomainEntry,
  outcome: Exclude<ReadOutcome, { failed: string }>,
  startedMs: number,
  now: Now,
): void {
  if (!outcome.found) {
    if (entry.missing && entry.heard === 0) {
      endMissing(feed, effects, entry, now);
      return;
    }
    // E4: the daemon that told of it in this session says that it is no more.
    if (entry.untold) synthesise(feed, effects, entry, undefined, now);
    end(feed, entry, 'gone');
    return;
  }
  const isNew = entry.truth === undefined;
  entry.name = outcome.name;
  entry.ended = undefined;
  seenHere(entry, outcome.id);
  entry.truth = {
    ...(entry.truth ?? unknownTruth),
    name: outcome.name,
    id: outcome.id < 0 ? null : outcome.id,
    state: domainStateName(outcome.state),
    stateReason: domainStateReasonName(outcome.state, outcome.reason),
    stateFrom: 'read',
    stateObservedMs: startedMs,
  };
  // The list lacked it, the daemon has it: it came while the list was made.
  if (entry.missing || entry.untold) synthesise(feed, effects, entry, entry.truth, now);
  entry.missing = false;
  if (isNew && !entry.readingConfig) feed.toReadConfig.add(entry.uuid);
  wantRow(feed, entry);
}

/** E2: the event's own word, marked and without an id, until libvirt can be asked again. */
function giveUpReading(feed: HostFeed, effects: FeedEffect[], entry: DomainEntry): void {
  entry.voids = 0;
  feed.toRead.delete(entry.uuid);
  if (entry.truth !== undefined && entry.lastLifecycle !== undefined) {
    entry.truth = byEvent(entry, entry.truth);
    wantRow(feed, entry);
  }
  effects.push({ type: 'retryReadLater', uuid: entry.uuid, afterMs: retryReadMs });
}

function byEvent(entry: DomainEntry, truth: Truth): Truth {
  const last = entry.lastLifecycle;
  const state = last && stateByEvent(last.event, last.detail);
  if (last === undefined || state === undefined) return { ...truth, id: null, stateFrom: 'event' };
  return { ...truth, ...state, id: null, stateFrom: 'event', stateObservedMs: last.wallMs };
}

const unknownTruth: Truth = {
  name: '',
  id: null,
  state: 'nostate',
  stateReason: 'unknown',
  stateFrom: 'read',
  stateObservedMs: 0,
  persistent: null,
  autostart: null,
  managedSave: null,
  config: undefined,
};

export function onConfig(
  feed: HostFeed,
  effects: FeedEffect[],
  { uuid, outcome }: { uuid: string; outcome: ConfigOutcome },
  now: Now,
): void {
  const entry = feed.entries.get(uuid);
  if (entry?.readingConfig !== true) return;
  entry.readingConfig = false;
  feed.configReads--;
  entry.awaitsConfig = false;
  const audited = entry.auditsConfig && !entry.configStale;
  entry.auditsConfig = false;
  offerRow(feed, entry);
  if (entry.configStale) {
    entry.configStale = false;
    feed.toReadConfig.add(uuid);
  }
  if ('failed' in outcome) {
    effects.push({ type: 'note', note: 'config-failed', uuid, detail: outcome.failed });
  } else if (entry.truth !== undefined) {
    const mismatch = audited ? configMismatch(entry.truth, outcome) : undefined;
    if (mismatch !== undefined) {
      effects.push({ type: 'note', note: 'config-mismatch', uuid, detail: mismatch });
    }
    compareRuns(feed, effects, entry, { before: entry.truth, after: outcome.config }, now);
    entry.truth = { ...entry.truth, ...outcome };
    wantRow(feed, entry);
  }
}

export function pumpReads(feed: HostFeed, effects: FeedEffect[]): void {
  const reason = feed.link === 'syncing' ? 'sync' : 'event';
  for (const uuid of feed.toRead) {
    if (feed.reads >= maxReads) break;
    const entry = entryFor(feed, uuid, '');
    if (entry.reading) continue;
    feed.toRead.delete(uuid);
    entry.reading = true;
    feed.reads++;
    effects.push({
      type: 'read',
      uuid,
      token: entry.heard,
      reason: entry.auditsState ? 'audit' : reason,
    });
    entry.auditsState = false;
  }
  for (const uuid of feed.toReadConfig) {
    if (feed.configReads >= maxConfigReads) break;
    const entry = feed.entries.get(uuid);
    if (entry === undefined || entry.readingConfig || entry.reading || feed.toRead.has(uuid)) {
      continue;
    }
    feed.toReadConfig.delete(uuid);
    // Gone meanwhile: there is no configuration to read.
    if (entry.truth === undefined) continue;
    entry.readingConfig = true;
    feed.configReads++;
    effects.push({ type: 'readConfig', uuid, reason: entry.auditsConfig ? 'audit' : reason });
  }
}
