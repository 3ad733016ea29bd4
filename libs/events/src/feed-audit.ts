/** The audit (E9): what libvirt changes without an event is found, told and repaired. */
import type { DomainConfig } from '@virtscope/contracts';
import type { DomainEntry } from './domain-entry.ts';
import type { ConfigOutcome, FeedEffect, SampledState } from './feed-io.ts';
import type { HostFeed } from './feed-state.ts';
import type { Truth } from './row.ts';

/** One differing sample can be a change whose event is on its way; two in a row are a mismatch. */
const suspicionsToRead = 2;

/** Compares a fast sample, which costs no call of ours, with what the rows say. */
export function onSampled(
  feed: HostFeed,
  effects: FeedEffect[],
  states: readonly SampledState[],
): void {
  if (feed.link !== 'synced') return;
  const sampled = new Map(states.map((each) => [each.uuid, each]));
  for (const entry of feed.entries.values()) suspect(feed, effects, entry, sampled.get(entry.uuid));
  for (const { uuid } of states) {
    // Nobody told of it: libvirt says whether it is there.
    if (!feed.entries.has(uuid)) feed.toRead.add(uuid);
  }
}

function suspect(
  feed: HostFeed,
  effects: FeedEffect[],
  entry: DomainEntry,
  sample: SampledState | undefined,
): void {
  const { truth } = entry;
  const busy = entry.reading || feed.toRead.has(entry.uuid);
  const same =
    sample?.state === truth?.state &&
    (sample?.id ?? null) === (truth?.id ?? null) &&
    // A start that failed changes the reason of being shut off, and no event says so.
    (sample?.reason === undefined || sample.reason === truth?.stateReason);
  if (busy || same) {
    entry.suspicions = 0;
    return;
  }
  entry.suspicions++;
  if (entry.suspicions < suspicionsToRead) return;
  entry.suspicions = 0;
  entry.auditsState = true;
  feed.toRead.add(entry.uuid);
  effects.push({
    type: 'note',
    note: 'state-mismatch',
    uuid: entry.uuid,
    detail: `row: ${words(truth)}; sampled: ${words(sample)}`,
  });
}

function words(
  standing: { state: string; id: number | null; stateReason?: string; reason?: string } | undefined,
): string {
  if (standing === undefined) return 'absent';
  const { state, id, stateReason, reason = stateReason ?? 'unknown' } = standing;
  return `${state} (${reason}), id ${id ?? 'none'}`;
}

/** Asks for the configuration of the next domain, one after the other. */
export function auditNext(feed: HostFeed): void {
  if (feed.link !== 'synced') return;
  const uuids = [...feed.entries.keys()];
  const start = feed.auditedLast === undefined ? 0 : uuids.indexOf(feed.auditedLast) + 1;
  for (let i = 0; i < uuids.length; i++) {
    const uuid = uuids[(start + i) % uuids.length] ?? '';
    const entry = feed.entries.get(uuid);
    if (entry?.truth === undefined || entry.readingConfig || feed.toReadConfig.has(uuid)) continue;
    feed.auditedLast = uuid;
    entry.auditsConfig = true;
    feed.toReadConfig.add(uuid);
    return;
  }
}

/** What an audit's read says beyond what the row said, in words; undefined when it is the same. */
export function configMismatch(
  truth: Truth,
  outcome: Exclude<ConfigOutcome, { failed: string }>,
): string | undefined {
  if (truth.config === undefined) return undefined;
  const before = comparable(truth, truth.config);
  const after = comparable(outcome, outcome.config);
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]),
  );
  return fields.length === 0 ? undefined : fields.join(', ');
}

function comparable(
  flags: Pick<Truth, 'persistent' | 'autostart' | 'managedSave'>,
  config: DomainConfig,
): Record<string, unknown> {
  const { observedAt: _observedAt, ...said } = config;
  const { persistent, autostart, managedSave } = flags;
  return { ...said, persistent, autostart, managedSave };
}
