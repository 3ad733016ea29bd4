/** Stats, joined with the rows on (host, uuid, id): those of another run are another domain's. */
import type {
  DomainUuid,
  HostId,
  Lease,
  StatsCell,
  StatsPage,
  StatsTier,
} from '@virtscope/contracts';
import type { Answer, Asking } from './asking.ts';
import { macsOf } from './config-keys.ts';
import { hostMissing } from './hosts.ts';
import { rowOnHost } from './lookup.ts';
import type { Row } from './row.ts';
import { cellsAt } from './stats-table.ts';

type Completeness = StatsPage['groups'][string];
type Sample = {
  tier: StatsTier;
  observedAt: string;
  ageMs: number;
  groups: Record<string, Completeness>;
  monitor?: NonNullable<StatsPage['monitor']>;
  kept?: NonNullable<StatsPage['kept']>;
};

/**
 * The newest stats of one domain, of each tier those of its present run. Each page that has some is a
 * sample of its own, the newest first, so that each value's age is told.
 */
export function domainStats(asking: Asking, host: HostId, uuid: DomainUuid): Answer {
  const { view, now } = asking;
  const row = rowOnHost(asking, host, { uuid });
  if ('kind' in row) return row;
  const found = view.stats
    .rowsOf(host, uuid, now.monotonicMs)
    .filter(({ id }) => id === row.id)
    .toSorted((a, b) => b.ageMs - a.ageMs); // where two pages say the same field, the newer counts
  const fields: Record<string, StatsCell> = {};
  const rates: Record<string, number> = {};
  for (const { page, position } of found) {
    for (const [name, cell] of cellsAt(page, position)) fields[name] = cell;
    for (const [name, column] of Object.entries(page.rates ?? {})) {
      const rate = column[position];
      if (rate !== null && rate !== undefined) rates[name] = rate;
    }
  }
  const addresses = addressesOf(asking, row);
  const body = JSON.stringify({ host, uuid, id: asking.idOf(row), addresses }).slice(0, -1);
  const samples = JSON.stringify(found.map(sampleOf).toReversed());
  return {
    kind: 'found',
    json: `${body},${asking.trustFields(row)},"samples":${samples},"fields":${JSON.stringify(fields)},"rates":${JSON.stringify(rates)},${asking.revisionField}}`,
  };
}

/** What the host's networks lent to the domain's interfaces. */
function addressesOf({ view, now }: Asking, { host, config }: Row): Lease[] | undefined {
  const leases = view.leasesOn(host, now.monotonicMs);
  const macs = macsOf(config);
  return leases?.filter(({ mac }) => macs.includes(mac)).map(({ host: _host, ...lease }) => lease);
}

/** The newest stats of all domains of a host that the view knows in the same run. */
export function hostStats(asking: Asking, host: HostId): Answer {
  const { view, now } = asking;
  const missing = hostMissing(asking, host);
  if (missing !== undefined) return missing;
  const { slot, trust, reason, verifiedAt } = asking.host(host);
  const pages = view.stats.pagesOf(host, now.monotonicMs).toSorted((a, b) => b.ageMs - a.ageMs);
  const domains = new Map<DomainUuid, Record<string, StatsCell>>();
  for (const { page } of pages) {
    for (const [position, uuid] of page.uuids.entries()) {
      const row = slot?.rows.get(uuid);
      if (row === undefined || row.id !== page.ids[position] || !asking.sees(row)) continue;
      const fields = domains.get(uuid) ?? {};
      for (const [name, cell] of cellsAt(page, position)) fields[name] = cell;
      domains.set(uuid, fields);
    }
  }
  const answer = {
    host,
    trust,
    ...(reason === undefined ? {} : { trustReason: reason }),
    verifiedAt,
    samples: samplesOf(pages),
    fields: asking.scope.wholeHosts ? hostFields(pages) : {},
    domains: [...domains].flatMap(([uuid, fields]) => {
      const row = slot?.rows.get(uuid);
      return row === undefined ? [] : { uuid, id: asking.idOf(row), fields };
    }),
    revision: view.revision,
  };
  return { kind: 'found', json: JSON.stringify(answer) };
}

/** The host's own figures; who sees only some of its domains does not see these. */
function hostFields(pages: readonly { page: StatsPage }[]): Record<string, StatsCell> {
  const fields: Record<string, StatsCell> = {};
  for (const { page } of pages) {
    for (const [name, cell] of Object.entries(page.hostFields ?? {})) {
      if (cell !== null) fields[name] = cell;
    }
  }
  return fields;
}

function sampleOf({ page, ageMs }: { page: StatsPage; ageMs: number }): Sample {
  const { tier, startedAt: observedAt, groups, monitor, kept } = page;
  return {
    tier,
    observedAt,
    ageMs,
    groups: { ...groups },
    ...(monitor && { monitor }),
    ...(kept && { kept }),
  };
}

/** One entry per tier; of several pages the oldest speaks, and a group is as good as its worst. */
function samplesOf(pages: readonly { page: StatsPage; ageMs: number }[]): Sample[] {
  const samples = new Map<StatsTier, Sample>();
  for (const { page, ageMs } of pages) {
    const held = samples.get(page.tier);
    if (held === undefined) {
      samples.set(page.tier, sampleOf({ page, ageMs }));
      continue;
    }
    if (ageMs > held.ageMs) {
      held.ageMs = ageMs;
      held.observedAt = page.startedAt;
    }
    if (page.monitor !== undefined) held.monitor = page.monitor;
    if (page.kept !== undefined) held.kept = page.kept;
    for (const [group, is] of Object.entries(page.groups)) {
      held.groups[group] = (held.groups[group] ?? is) === is ? is : 'partial';
    }
  }
  return [...samples.values()];
}
