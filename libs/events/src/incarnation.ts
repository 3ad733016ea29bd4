/**
 * One run of a domain: libvirt's id, and what libvirt gives anew at each start. An id alone is not
 * enough: a host that booted anew begins to count again.
 */
import { restartedKind, type DomainConfig } from '@virtscope/contracts';
import type { DomainEntry } from './domain-entry.ts';
import type { FeedEffect, Now } from './feed-io.ts';
import type { HostFeed } from './feed-state.ts';
import { publish } from './feed-telling.ts';
import type { Truth } from './row.ts';

/** Whether what libvirt renews at a start is other than it was: devices that came or went are not. */
export function isRenewed(before: DomainConfig, after: DomainConfig): boolean {
  return [...renewedAtStart(before)].some(([what, value]) => {
    const now = renewedAtStart(after).get(what);
    return now !== undefined && now !== value;
  });
}

function renewedAtStart(config: DomainConfig): Map<string, string> {
  const values = new Map<string, string>();
  const put = (what: string, value: string | number | undefined): void => {
    if (value !== undefined) values.set(what, String(value));
  };
  for (const { mac, target } of config.interfaces) if (mac !== undefined) put(`tap ${mac}`, target);
  for (const [n, { type, autoport, port, tlsPort }] of (config.graphics ?? []).entries()) {
    if (autoport !== true) continue;
    put(`${type} ${n}`, port);
    put(`${type} ${n} tls`, tlsPort);
  }
  for (const { target, source } of config.channels ?? []) {
    if (target !== undefined) put(`channel ${target}`, source);
  }
  put('process label', config.processLabel);
  return values;
}

/** A configuration was read: is it of the run that the one before it was of? */
export function compareRuns(
  feed: HostFeed,
  effects: FeedEffect[],
  entry: DomainEntry,
  { before, after }: { before: Truth; after: DomainConfig },
  now: Now,
): void {
  const { id, config } = before;
  const isSameId = id !== null && id === entry.configOf;
  entry.configOf = id;
  if (isSameId && config !== undefined && isRenewed(config, after)) {
    tellRestarted(feed, effects, entry, before, now);
  }
}

/** stats-sampler saw its CPU time fall under this id. */
export function onHinted(
  feed: HostFeed,
  effects: FeedEffect[],
  { uuid, id }: { uuid: string; id: number },
  now: Now,
): void {
  const entry = feed.entries.get(uuid);
  // Another run is told by its own events.
  if (entry?.truth?.id !== id || feed.link !== 'synced') return;
  tellRestarted(feed, effects, entry, entry.truth, now);
  // What the next configuration says anew is told already.
  entry.configOf = null;
  feed.toReadConfig.add(uuid);
}

function tellRestarted(
  feed: HostFeed,
  effects: FeedEffect[],
  entry: DomainEntry,
  { state, id }: Truth,
  now: Now,
): void {
  publish(feed, effects, now, {
    kind: restartedKind,
    uuid: entry.uuid,
    name: entry.name,
    synthesised: true,
    before: { state, id },
    after: { state, id },
    prev: entry.lastEvent,
  });
  entry.lastEvent = { epoch: feed.epoch, seq: feed.seq };
}
