/**
 * One sample as it is published: what was answered now, and beside it the last good values of the
 * domains that could not be asked. Those stand in pages of their own, so that each page's age is
 * the age of all that is in it.
 */
import { subjects, type DomainUuid, type StatsPage } from '@virtscope/contracts';
import type { StatsGroup } from './groups.ts';
import { paged, type PagedSample } from './pages.ts';
import { ratesOf, type Rates } from './rates.ts';
import type { CallTimes, DomainRef, Held, StatsRecord } from './record.ts';
import { count, type SamplerEffect } from './sampler-io.ts';
import type { SamplerState } from './state.ts';
import type { SamplerTier } from './tier.ts';

/** Pages of kept values at most; beyond, newer ones stand with the oldest, told older than they are. */
export const maxHeldPages = 8;

/** A domain that was not asked this time. Without `held` nothing is known of it. */
export type HeldRow = {
  domain: DomainRef;
  held: Held | undefined;
  monitor?: 'stuck' | 'paused';
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
  /** Default: when the answer came. */
  nowMs?: number;
};

/** @returns each domain's record after this sample; domains that are in it nowhere are forgotten */
export function publish(
  state: SamplerState,
  { tier, sampleId, last, fresh, held, nowMs = fresh?.times.answeredMs ?? 0 }: Publication,
  effects: SamplerEffect[],
): { last: ReadonlyMap<DomainUuid, Held> } {
  const { groups } = state.specs[tier];
  const intervalMs = state.periods[tier] * (tier === 'monitor' ? state.monitor.slowdown : 1);
  const next = new Map<DomainUuid, Held>();
  const parts: { sample: PagedSample; startedMs: number }[] = [];
  const add = (
    { startedMs, startedWallMs }: CallTimes,
    part: Pick<Parameters<typeof paged>[0], 'records' | 'rates' | 'asked' | 'monitor'>,
  ): void => {
    const sample = paged({
      host: state.host,
      tier,
      epoch: state.epoch,
      sampleId,
      startedAt: new Date(startedWallMs).toISOString(),
      // Rounded up: an age may be told too high, never too low.
      ageMs: Math.max(0, Math.ceil(nowMs - startedMs)),
      intervalMs,
      groups,
      ...part,
    });
    parts.push({ sample, startedMs });
  };

  if (fresh !== undefined) {
    const { times, records, asked } = fresh;
    const rates = records.map((record) =>
      ratesOf(last.get(record.domain.uuid), record, times, intervalMs),
    );
    for (const [n, record] of records.entries()) {
      next.set(record.domain.uuid, { record, times, rates: rates[n] ?? {} });
    }
    add(times, { records, rates, asked });
  }
  const unknownTimes = fresh?.times ?? someTimes(state);
  for (const cohort of cohorts(held, unknownTimes)) {
    add(cohort.times, {
      records: cohort.records,
      rates: cohort.rates,
      asked: groups,
      monitor: cohort.monitor,
    });
  }
  for (const row of held) if (row.held !== undefined) next.set(row.domain.uuid, row.held);
  if (parts.length === 0 && unknownTimes !== undefined) {
    add(unknownTimes, { records: [], asked: groups, monitor: 'paused' });
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

type Cohort = {
  times: CallTimes;
  monitor: HeldRow['monitor'];
  records: StatsRecord[];
  rates: Rates[];
};

/** Rows of one call and one reason together, newest first. */
function cohorts(rows: readonly HeldRow[], unknownTimes: CallTimes | undefined): Cohort[] {
  const all = new Map<string, Cohort>();
  for (const { domain, held, monitor } of rows) {
    const times = held?.times ?? unknownTimes;
    if (times === undefined) continue;
    const key = `${times.startedMs} ${monitor ?? ''}`;
    const cohort = all.get(key) ?? { times, monitor, records: [], rates: [] };
    all.set(key, cohort);
    cohort.rates.push(held?.rates ?? {});
    cohort.records.push(
      held?.record ?? { domain, params: { names: [], valueAt: () => undefined } },
    );
  }
  const sorted = [...all.values()].toSorted((a, b) => b.times.startedMs - a.times.startedMs);
  if (sorted.length <= maxHeldPages) return sorted;
  const rest = sorted.slice(maxHeldPages - 1);
  const oldest = rest.at(-1);
  if (oldest === undefined) return sorted;
  const monitor = rest.some((each) => each.monitor === 'stuck') ? 'stuck' : oldest.monitor;
  const records = rest.flatMap((each) => each.records);
  const rates = rest.flatMap((each) => each.rates);
  return [...sorted.slice(0, maxHeldPages - 1), { times: oldest.times, monitor, records, rates }];
}

/** Times for a row without values, when nothing was answered now. */
function someTimes({ fast, monitor }: SamplerState): CallTimes | undefined {
  for (const { times } of monitor.last.values()) return times;
  for (const { times } of fast.last.values()) return times;
  return undefined;
}
