/**
 * One sample as it is published: what was answered now, and beside it the last good values of what
 * was not: of domains that could not be asked, and of groups that an answer lacks. Those stand in
 * pages of their own, so that each page's age is the age of all that is in it.
 */
import { subjects, type DomainUuid, type StatsPage } from '@virtscope/contracts';
import type { StatsGroup } from './groups.ts';
import { keptBeside } from './kept-groups.ts';
import { paged, type PagedSample } from './pages.ts';
import { ratesOf, type Rates } from './rates.ts';
import type { CallTimes, DomainRef, Held, StatsRecord } from './record.ts';
import { count, type SamplerEffect } from './sampler-io.ts';
import type { SamplerState } from './state.ts';
import type { SamplerTier } from './tier.ts';

/**
 * Pages of kept values at most, of whole domains and of groups each; beyond, newer ones stand with
 * the oldest, told older than they are.
 */
export const maxHeldPages = 8;

/** A domain that was not asked this time. Without `held` nothing is known of it. */
export type HeldRow = {
  domain: DomainRef;
  held: Held | undefined;
  monitor?: 'stuck' | 'paused';
  kept?: 'job';
};

export type Publication = {
  tier: SamplerTier;
  sampleId: number;
  /** Each domain's record before this sample. */
  last: ReadonlyMap<DomainUuid, Held>;
  fresh:
    | { times: CallTimes; records: readonly StatsRecord[]; asked: readonly StatsGroup[] }
    | undefined;
  held: readonly HeldRow[];
  /** What was asked of domains one by one, beside the tier's groups: the progress of jobs. */
  beside?: readonly { record: StatsRecord; times: CallTimes }[];
  /** Default: when the answer came. */
  nowMs?: number;
};

/** @returns each domain's record after this sample; domains that are in it nowhere are forgotten */
export function publish(
  state: SamplerState,
  publication: Publication,
  effects: SamplerEffect[],
): { last: ReadonlyMap<DomainUuid, Held> } {
  const { tier, sampleId, last, fresh, held, beside = [] } = publication;
  const nowMs = publication.nowMs ?? fresh?.times.answeredMs ?? 0;
  const { groups } = state.specs[tier];
  const intervalMs = state.periods[tier] * (tier === 'monitor' ? state.monitor.slowdown : 1);
  const next = new Map<DomainUuid, Held>();
  const parts: { sample: PagedSample; startedMs: number }[] = [];
  const add = ({ times, ...part }: Part): void => {
    const { startedMs, startedWallMs } = times;
    const sample = paged({
      host: state.host,
      tier,
      epoch: state.epoch,
      sampleId,
      startedAt: new Date(startedWallMs).toISOString(),
      // Rounded up: an age may be told too high, never too low.
      ageMs: Math.max(0, Math.ceil(nowMs - startedMs)),
      intervalMs,
      ...part,
    });
    parts.push({ sample, startedMs });
  };

  if (fresh !== undefined) {
    const { times, records, asked } = fresh;
    const rates: Rates[] = [];
    for (const record of records) {
      const before = last.get(record.domain.uuid);
      const derived = ratesOf(before, record, times, intervalMs);
      rates.push(derived);
      const kept = keptBeside(before, record, groups);
      const known = { record, times, rates: derived };
      next.set(record.domain.uuid, kept.length === 0 ? known : { ...known, kept });
    }
    add({ times, records, rates, groups, asked });
  }
  const unknownTimes = fresh?.times ?? someTimes(state);
  for (const row of held) if (row.held !== undefined) next.set(row.domain.uuid, row.held);
  for (const part of bounded(cohorts(heldRows(held, groups, unknownTimes)))) add(part);
  for (const part of bounded(cohorts(keptRows(next.values())))) add(part);
  for (const part of bounded(cohorts(beside.map((row) => ({ ...row, groups: [] }))))) add(part);
  if (parts.length === 0 && unknownTimes !== undefined) {
    add({ times: unknownTimes, records: [], groups, asked: groups, monitor: 'paused' });
  }
  send(state, tier, parts, effects);
  return { last: next };
}

function send(
  state: SamplerState,
  tier: SamplerTier,
  parts: readonly { sample: PagedSample; startedMs: number }[],
  effects: SamplerEffect[],
): void {
  const total = parts.reduce((sum, { sample }) => sum + sample.pages.length, 0);
  let number = 0;
  let unknown = 0;
  let unfit = 0;
  for (const { sample, startedMs } of parts) {
    unknown = Math.max(unknown, sample.unknownFields.size);
    unfit += sample.unfitFields;
    for (const each of sample.pages) {
      const page: StatsPage = { ...each, page: number, pages: total };
      const subject = subjects.stats(state.host, tier, number);
      effects.push({ type: 'publish', subject, page, startedMs });
      number += 1;
    }
  }
  if (unknown > 0) effects.push(count(tier, 'unknown-field', unknown));
  if (unfit > 0) effects.push(count(tier, 'unfit-field', unfit));
}

/** What makes a page: rows of one call. */
type Part = Pick<
  Parameters<typeof paged>[0],
  'records' | 'rates' | 'groups' | 'asked' | 'monitor' | 'kept'
> & { times: CallTimes };

/** One row that is older than the answer, or apart from it. */
type Apart = {
  record: StatsRecord;
  times: CallTimes;
  rates?: Rates;
  groups: readonly StatsGroup[];
  monitor?: StatsPage['monitor'];
  kept?: StatsPage['kept'];
};

function heldRows(
  rows: readonly HeldRow[],
  groups: readonly StatsGroup[],
  unknownTimes: CallTimes | undefined,
): Apart[] {
  return rows.flatMap(({ domain, held, ...why }) => {
    const times = held?.times ?? unknownTimes;
    if (times === undefined) return [];
    const nothing = { domain, params: { names: [], valueAt: () => undefined } };
    return [{ record: held?.record ?? nothing, times, rates: held?.rates ?? {}, groups, ...why }];
  });
}

function* keptRows(all: Iterable<Held>): Generator<Apart> {
  for (const { kept = [] } of all) for (const each of kept) yield { ...each, kept: 'busy' };
}

type Cohort = Part & { records: StatsRecord[]; rates?: Rates[]; groups: StatsGroup[] };

/** Rows of one call and one reason together, newest first. */
function cohorts(rows: Iterable<Apart>): Cohort[] {
  const all = new Map<string, Cohort>();
  for (const { record, times, rates, groups, monitor, kept } of rows) {
    const key = `${times.startedMs} ${monitor ?? ''} ${kept ?? ''}`;
    let cohort = all.get(key);
    if (cohort === undefined) {
      const known: StatsGroup[] = [];
      cohort = { times, monitor, kept, records: [], groups: known, asked: known };
      if (rates !== undefined) cohort.rates = [];
      all.set(key, cohort);
    }
    cohort.records.push(record);
    if (rates !== undefined) cohort.rates?.push(rates);
    addGroups(cohort.groups, groups);
  }
  return [...all.values()].toSorted((a, b) => b.times.startedMs - a.times.startedMs);
}

function bounded(sorted: readonly Cohort[]): readonly Cohort[] {
  if (sorted.length <= maxHeldPages) return sorted;
  const rest = sorted.slice(maxHeldPages - 1);
  const oldest = rest.at(-1);
  if (oldest === undefined) return sorted;
  const groups: StatsGroup[] = [];
  for (const each of rest) addGroups(groups, each.groups);
  const together: Cohort = {
    ...oldest,
    monitor: rest.some((each) => each.monitor === 'stuck') ? 'stuck' : oldest.monitor,
    records: rest.flatMap((each) => each.records),
    groups,
    asked: groups,
  };
  if (oldest.rates !== undefined) together.rates = rest.flatMap((each) => each.rates ?? []);
  return [...sorted.slice(0, maxHeldPages - 1), together];
}

function addGroups(known: StatsGroup[], groups: readonly StatsGroup[]): void {
  for (const group of groups) if (!known.includes(group)) known.push(group);
}

/** Times for a row without values, when nothing was answered now. */
function someTimes({ fast, monitor }: SamplerState): CallTimes | undefined {
  for (const { times } of monitor.last.values()) return times;
  for (const { times } of fast.last.values()) return times;
  return undefined;
}
