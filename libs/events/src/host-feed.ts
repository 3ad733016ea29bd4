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
 *
 * State is owned by the caller's loop and changed in place: a host has thousands of domains, and
 * copying them for each event would be the cost of the service.
 */
import {
  gapKind,
  lifecycleKinds,
  type EventData,
  type HostPulse,
  type HostRecord,
  type HostSyncState,
} from '@virtscope/contracts';
import {
  VIR_DOMAIN_EVENT_STOPPED,
  domainStateName,
  domainStateReasonName,
  lifecycleDetailName,
  lifecycleEventName,
} from 'node-libvirt/constants';
import { domainBases, told, type BusBase } from './base.ts';
import { entryOf, newEntry, type DomainEntry } from './domain-entry.ts';
import type {
  ConfigOutcome,
  FeedEffect,
  FeedInput,
  Identity,
  ListedDomain,
  Now,
  ReadOutcome,
  RowKey,
} from './feed-io.ts';
import { netEffects, type Standing } from './net-effects.ts';
import { presenceRow, tombstoneRow, type Speaker, type Truth } from './row.ts';
import { sameDaemon } from './same-daemon.ts';
import { stateByEvent } from './state-by-event.ts';
import { Verification } from './verification.ts';

/** Pairs of LOOKUP_BY_UUID and GET_STATE in flight; the session queues them behind its own bound. */
const maxReads = 64;
/** XML reads in flight: they are low-priority calls, of which a daemon gets at most two. */
const maxConfigReads = 2;
/** Row writes in flight to the broker. */
const maxStores = 256;
/** After so many void reads the event table serves, and the next read waits. */
const maxVoids = 3;
/** How long after a failed or often voided read the next one waits. */
const retryReadMs = 1_000;
/** A list that lacks more than half of a host's presences, and so many, is asked again. */
const largeRemoval = 5;
const relistAfterMs = 5_000;

export type HostFacts = Pick<HostRecord, 'driver' | 'libvirtVersion' | 'hypervisorVersion'>;

export type FeedOptions = {
  host: string;
  epoch: number;
  base: BusBase;
  /** The sequence of the `syncing` record that this epoch already wrote. */
  recordSeq: number;
  /** Why nobody watched until now: for the `gap` mark. */
  cause: string;
  identityBy: 'uuid' | 'hostname';
  facts: HostFacts;
};

export type HostFeed = {
  readonly host: string;
  readonly epoch: number;
  readonly identityBy: 'uuid' | 'hostname';
  readonly facts: HostFacts;
  /** The daemon that the bus's rows came from. */
  readonly knownIdentity: Identity;
  link: HostSyncState;
  problem: string | undefined;
  identity: Identity | { failed: string } | undefined;
  /** Presences that another session wrote: only they can be mistaken for another daemon's. */
  readonly inherited: boolean;
  /** The last event's seq. */
  seq: number;
  listed: boolean;
  largeRemovalSeen: boolean;
  entries: Map<string, DomainEntry>;
  /** Domains whose row must stand under this epoch before `synced`. */
  unsynced: Set<string>;
  /** Missing domains whose absence is proven but for the daemon's identity. */
  awaitingIdentity: Set<string>;
  toRead: Set<string>;
  toReadConfig: Set<string>;
  toStore: Set<string>;
  reads: number;
  configReads: number;
  stores: number;
  writes: number;
  record: { seq: number; stored: boolean; storing: string | undefined };
  /** The highest acked sequence of VIRT_STATE. */
  upTo: number;
  /** Published events of domains that the broker has not acked: seq → uuid. */
  unacked: Map<number, string>;
  eventsHeard: number;
  verification: Verification;
};

/** Begins the feed of a session that has registered for events; the list comes as an input. */
export function openFeed(options: FeedOptions, now: Now): [HostFeed, FeedEffect[]] {
  const known = options.base.record?.body;
  const bases = domainBases(options.base);
  const feed: HostFeed = {
    host: options.host,
    epoch: options.epoch,
    identityBy: options.identityBy,
    facts: options.facts,
    knownIdentity: {
      ...(known?.hostUuid === undefined ? {} : { hostUuid: known.hostUuid }),
      ...(known?.hostname === undefined ? {} : { hostname: known.hostname }),
    },
    link: 'syncing',
    problem: undefined,
    identity: undefined,
    inherited: bases.values().some(({ truth }) => truth !== undefined),
    seq: 0,
    listed: false,
    largeRemovalSeen: false,
    entries: new Map(bases.entries().map(([uuid, base]) => [uuid, entryOf(base)])),
    unsynced: new Set(),
    awaitingIdentity: new Set(),
    toRead: new Set(),
    toReadConfig: new Set(),
    toStore: new Set(),
    reads: 0,
    configReads: 0,
    stores: 0,
    writes: 1,
    record: { seq: options.recordSeq, stored: true, storing: undefined },
    upTo: options.recordSeq,
    unacked: new Map(),
    eventsHeard: 0,
    verification: new Verification(),
  };
  const effects: FeedEffect[] = [];
  publish(feed, effects, now, { kind: gapKind, phase: 'begin', cause: options.cause, prev: null });
  return [feed, effects];
}

/** One input in, the wishes that follow from it out. */
export function step(feed: HostFeed, input: FeedInput, now: Now): [HostFeed, FeedEffect[]] {
  const effects: FeedEffect[] = [];
  switch (input.type) {
    case 'listed':
      onListed(feed, effects, input, now);
      break;
    case 'lifecycle':
      onLifecycle(feed, effects, input, now);
      break;
    case 'read':
      onRead(feed, effects, input, now);
      break;
    case 'config':
      onConfig(feed, effects, input.uuid, input.outcome);
      break;
    case 'stored':
      onStored(feed, input.key, input.writeId, input.seq);
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
      feed.verification.roundTrip(input.startedMonotonicMs, input.eventsReceived);
      break;
    case 'identified':
      onIdentified(feed, effects, input.identity, now);
      break;
    case 'retryRead':
      if (feed.entries.get(input.uuid)?.reading === false) feed.toRead.add(input.uuid);
      break;
    case 'lost':
      setLink(feed, effects, 'lost', input.problem);
      break;
  }
  if (feed.link === 'syncing') finishSync(feed, effects, now);
  pump(feed, effects, now);
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

function onListed(
  feed: HostFeed,
  effects: FeedEffect[],
  input: Extract<FeedInput, { type: 'listed' }>,
  now: Now,
): void {
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
  const large = missing.length >= largeRemoval && missing.length * 2 > known.length;
  if (large && !feed.largeRemovalSeen) {
    feed.largeRemovalSeen = true;
    const detail = `the list lacks ${missing.length} of ${known.length} presences; asking again`;
    effects.push({ type: 'note', note: 'large-removal', detail });
    effects.push({ type: 'list', afterMs: relistAfterMs });
    return;
  }
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
  entry.truth = {
    name: listed.name,
    id: listed.id < 0 ? null : listed.id,
    state: domainStateName(listed.state),
    stateReason: domainStateReasonName(listed.state, listed.reason),
    stateFrom: 'read',
    stateObservedMs: startedMs,
    persistent: listed.persistent,
    autostart: listed.autostart,
    managedSave: listed.managedSave,
    config: entry.truth?.config,
  };
  if (!entry.untold) synthesise(feed, effects, entry, entry.truth, now);
  entry.awaitsConfig = true;
  feed.toReadConfig.add(entry.uuid);
  feed.unsynced.add(entry.uuid);
  feed.toStore.add(entry.uuid);
  feed.verification.unsettle(entry.uuid, feed.seq);
}

/** E7: tells what must have happened to a domain while nobody watched. */
function synthesise(
  feed: HostFeed,
  effects: FeedEffect[],
  entry: DomainEntry,
  after: Standing | undefined,
  now: Now,
): void {
  const before = entry.told;
  for (const { kind, detail } of netEffects(before, after)) {
    publish(feed, effects, now, {
      kind,
      detail,
      uuid: entry.uuid,
      name: after?.name ?? entry.name,
      synthesised: true,
      before: before === undefined ? null : { state: before.state, id: before.id ?? null },
      after: after === undefined ? null : { state: after.state, id: after.id ?? null },
      prev: entry.lastEvent,
    });
    entry.lastEvent = { epoch: feed.epoch, seq: feed.seq };
  }
  entry.told = after;
  entry.untold = false;
}

function onLifecycle(
  feed: HostFeed,
  effects: FeedEffect[],
  input: Extract<FeedInput, { type: 'lifecycle' }>,
  now: Now,
): void {
  const { uuid, event, detail } = input;
  feed.eventsHeard++;
  const entry = entryFor(feed, uuid, input.name);
  const before = entry.truth;
  const data = publish(feed, effects, now, {
    kind: lifecycleEventName(event),
    detail: lifecycleDetailName(event, detail),
    uuid,
    name: input.name,
    before: before === undefined ? null : { state: before.state, id: before.id },
    prev: entry.lastEvent,
  });
  entry.lastEvent = { epoch: feed.epoch, seq: feed.seq };
  entry.heard++;
  entry.lastLifecycle = { event, detail, wallMs: now.wallMs };
  // The daemon has it again before its absence was proven; what came between is still to be told.
  entry.untold ||= entry.missing;
  entry.missing = false;
  feed.awaitingIdentity.delete(uuid);
  entry.told = told(entry.told, data);
  feed.verification.unsettle(uuid, feed.seq);
  if (event === VIR_DOMAIN_EVENT_STOPPED && entry.truth !== undefined) {
    entry.truth = byEvent(entry, entry.truth); // E3
    entry.awaitsConfig = false;
    feed.toStore.add(uuid);
  }
  // Only now: while the list is under way, its answer decides what has to be read.
  if (feed.listed) feed.toRead.add(uuid);
  if (changesConfig(event)) {
    if (entry.readingConfig) entry.configStale = true;
    else if (feed.listed) feed.toReadConfig.add(uuid);
  }
}

/** Started and stopped too: the live XML of a process is not the stored definition. */
const configKinds = new Set<string>(['defined', 'undefined', 'started', 'stopped']);

function changesConfig(event: number): boolean {
  return configKinds.has(lifecycleKinds[event] ?? '');
}

function onRead(
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
  feed.toStore.add(entry.uuid);
}

/** E2: the event's own word, marked and without an id, until libvirt can be asked again. */
function giveUpReading(feed: HostFeed, effects: FeedEffect[], entry: DomainEntry): void {
  entry.voids = 0;
  feed.toRead.delete(entry.uuid);
  if (entry.truth !== undefined && entry.lastLifecycle !== undefined) {
    entry.truth = byEvent(entry, entry.truth);
    feed.toStore.add(entry.uuid);
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

/** E4: a missing domain's absence is proven once the daemon is known to be the same. */
function endMissing(feed: HostFeed, effects: FeedEffect[], entry: DomainEntry, now: Now): void {
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

function end(feed: HostFeed, entry: DomainEntry, reason: NonNullable<DomainEntry['ended']>): void {
  entry.truth = undefined;
  entry.told = undefined;
  entry.missing = false;
  entry.awaitsConfig = false;
  feed.toReadConfig.delete(entry.uuid);
  // Nothing lies on the subject: there is nothing to end.
  if (entry.rowSeq === 0 && entry.storing === undefined) {
    feed.unsynced.delete(entry.uuid);
    feed.toStore.delete(entry.uuid);
    feed.verification.settle(entry.uuid);
    return;
  }
  entry.ended = reason;
  feed.toStore.add(entry.uuid);
}

function onIdentified(
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

function changeIdentity(
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

function onConfig(
  feed: HostFeed,
  effects: FeedEffect[],
  uuid: string,
  outcome: ConfigOutcome,
): void {
  const entry = feed.entries.get(uuid);
  if (entry?.readingConfig !== true) return;
  entry.readingConfig = false;
  feed.configReads--;
  entry.awaitsConfig = false;
  if (entry.configStale) {
    entry.configStale = false;
    feed.toReadConfig.add(uuid);
  }
  if ('failed' in outcome) {
    effects.push({ type: 'note', note: 'config-failed', uuid, detail: outcome.failed });
  } else if (entry.truth !== undefined) {
    entry.truth = { ...entry.truth, ...outcome };
    feed.toStore.add(uuid);
  }
}

function onPublished(feed: HostFeed, seq: number): void {
  feed.verification.settleEvent(seq);
  const uuid = feed.unacked.get(seq);
  feed.unacked.delete(seq);
  const entry = uuid === undefined ? undefined : feed.entries.get(uuid);
  if (entry !== undefined) entry.unacked--;
}

function onStored(feed: HostFeed, key: RowKey, writeId: string, seq: number): void {
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
  if (!feed.toStore.has(key.uuid)) {
    feed.unsynced.delete(key.uuid);
    if (!entry.reading && !feed.toRead.has(key.uuid)) feed.verification.settle(key.uuid);
  }
}

function onRefused(
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
  feed.toStore.add(key.uuid);
}

function onStrayed(
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
  feed.toStore.add(key.uuid);
}

/** E6: says `synced` once every presence stands under this epoch. */
function finishSync(feed: HostFeed, effects: FeedEffect[], now: Now): void {
  if (!feed.listed || feed.unsynced.size > 0) return;
  publish(feed, effects, now, { kind: gapKind, phase: 'end', prev: null });
  setLink(feed, effects, 'synced', undefined);
}

function setLink(
  feed: HostFeed,
  effects: FeedEffect[],
  link: HostSyncState,
  problem: string | undefined,
): void {
  feed.link = link;
  feed.problem = problem;
  feed.record.stored = false;
  effects.push({ type: 'linkChanged', link });
}

/** Turns what is wanted into calls and writes, as far as the bounds allow. */
function pump(feed: HostFeed, effects: FeedEffect[], now: Now): void {
  if (feed.link !== 'lost' && feed.link !== 'identity-changed') {
    pumpReads(feed, effects);
    pumpStores(feed, effects, now);
  }
  if (!feed.record.stored && feed.record.storing === undefined) {
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
}

function pumpReads(feed: HostFeed, effects: FeedEffect[]): void {
  const reason = feed.link === 'syncing' ? 'sync' : 'event';
  for (const uuid of feed.toRead) {
    if (feed.reads >= maxReads) break;
    const entry = feed.entries.get(uuid);
    if (entry === undefined || entry.reading) continue;
    feed.toRead.delete(uuid);
    entry.reading = true;
    feed.reads++;
    effects.push({ type: 'read', uuid, token: entry.heard, reason });
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
    effects.push({ type: 'readConfig', uuid, reason });
  }
}

function pumpStores(feed: HostFeed, effects: FeedEffect[], now: Now): void {
  for (const uuid of feed.toStore) {
    if (feed.stores >= maxStores) return;
    const entry = feed.entries.get(uuid);
    if (entry === undefined || entry.storing !== undefined || entry.awaitsConfig) continue;
    if (entry.unacked > 0) continue; // E1
    feed.toStore.delete(uuid);
    const by: Speaker = {
      host: feed.host,
      epoch: feed.epoch,
      seq: feed.seq,
      lastEvent: entry.lastEvent,
    };
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

/** Unique to the write, never an event's id: the broker drops a repeated id. */
function nextWriteId(feed: HostFeed): string {
  return `event-bridge:${feed.host}:${feed.epoch}:w${feed.writes++}`;
}

function publish(
  feed: HostFeed,
  effects: FeedEffect[],
  now: Now,
  data: Omit<EventData, 'v' | 'role' | 'host' | 'epoch' | 'seq' | 'observedAt'>,
): EventData {
  feed.seq++;
  const event: EventData = {
    v: 1,
    role: 'event-bridge',
    host: feed.host,
    epoch: feed.epoch,
    seq: feed.seq,
    observedAt: new Date(now.wallMs).toISOString(),
    ...data,
  };
  feed.verification.unsettleEvent(feed.seq);
  if (data.uuid !== undefined) {
    feed.unacked.set(feed.seq, data.uuid);
    entryFor(feed, data.uuid, data.name ?? '').unacked++;
  }
  effects.push({ type: 'publish', event }); // E1
  return event;
}

function entryFor(feed: HostFeed, uuid: string, name: string): DomainEntry {
  let entry = feed.entries.get(uuid);
  if (entry === undefined) {
    entry = newEntry(uuid, name);
    feed.entries.set(uuid, entry);
  }
  return entry;
}
