/** The newest stats pages of each host and tier, and the rows in them. */
import {
  statsStream,
  statsTiers,
  type DomainUuid,
  type Epoch,
  type HostId,
  type StatsCell,
  type StatsPage,
  type StatsTier,
} from '@virtscope/contracts';
import { BrokerClock } from './broker-clock.ts';

/** The stream forgets pages of this age, so the view does not show them either. */
export const maxStatsAgeMs = statsStream.maxAgeMs;

export const ignoredPages = ['superseded', 'stale-writer'] as const;
export type IgnoredPage = (typeof ignoredPages)[number];

export type HeldPage = {
  page: StatsPage;
  /** When the broker took it, by the broker's clock. */
  brokerMs: number;
  /** Where each UUID stands; made when first asked for. */
  positions: Map<DomainUuid, number> | undefined;
};

/** A page that speaks for its host now. */
export class CurrentPage {
  readonly held: HeldPage;
  readonly ageMs: number;

  constructor(held: HeldPage, ageMs: number) {
    this.held = held;
    this.ageMs = ageMs;
  }

  /** Where a domain stands in the page, if it is of the same run. */
  positionOf(row: { uuid: DomainUuid; id: number | null }): number | undefined {
    const position = this.anyPositionOf(row.uuid);
    if (position === undefined || (this.held.page.ids[position] ?? null) !== row.id) {
      return undefined;
    }
    return position;
  }

  /** Where a domain stands in the page, of whatever run. */
  anyPositionOf(uuid: DomainUuid): number | undefined {
    const { held } = this;
    held.positions ??= new Map(held.page.uuids.map((each, position) => [each, position]));
    return held.positions.get(uuid);
  }
}

/** What one page says about one domain. */
export type PageRow = { page: StatsPage; ageMs: number; position: number; id: number | null };

export class StatsTable {
  readonly clock = new BrokerClock();
  readonly ignored: Record<IgnoredPage, number> = { superseded: 0, 'stale-writer': 0 };
  #generation = 0;
  readonly #hosts = new Map<HostId, Map<StatsTier, Map<number, HeldPage>>>();
  /** Highest epoch of the pages themselves. */
  readonly #seenEpochs = new Map<HostId, Epoch>();
  /** What `virt_epochs` says of the samplers. */
  readonly #knownEpochs: ReadonlyMap<HostId, Epoch>;

  constructor(knownEpochs: ReadonlyMap<HostId, Epoch>) {
    this.#knownEpochs = knownEpochs;
  }

  apply(page: StatsPage, brokerMs: number): 'applied' | IgnoredPage {
    if (page.epoch < this.#epochOf(page.host)) {
      this.ignored['stale-writer']++;
      return 'stale-writer';
    }
    this.#seenEpochs.set(page.host, page.epoch);
    const pages = this.#pagesOf(page.host, page.tier);
    const held = pages.get(page.page)?.page;
    if (held !== undefined && !isNewer(page, held)) {
      this.ignored.superseded++;
      return 'superseded';
    }
    pages.set(page.page, { page, brokerMs, positions: undefined });
    this.#generation++;
    return 'applied';
  }

  /** The pages that speak for a host now, tier by tier: none of a lower epoch, none too old. */
  pagesOf(host: HostId, nowMs: number): { page: StatsPage; ageMs: number }[] {
    return this.current(host, nowMs).map(({ held, ageMs }) => ({ page: held.page, ageMs }));
  }

  /**
   * What the host's pages say about a domain: of each tier the newest sample that has it, of which
   * several pages may: what was answered, and what is kept of groups that the answer lacked.
   */
  rowsOf(host: HostId, uuid: DomainUuid, nowMs: number): PageRow[] {
    const newest = new Map<StatsTier, PageRow[]>();
    for (const current of this.current(host, nowMs)) {
      const { ageMs } = current;
      const { page } = current.held;
      const position = current.anyPositionOf(uuid);
      if (position === undefined) continue;
      const row = { page, ageMs, position, id: page.ids[position] ?? null };
      const others = newest.get(page.tier);
      const sampleId = others?.[0]?.page.sampleId ?? 0;
      if (page.sampleId > sampleId) newest.set(page.tier, [row]);
      else if (page.sampleId === sampleId) others?.push(row);
    }
    return [...newest.values()].flat();
  }

  /** Hosts leave, and samples shrink: their last pages would stay for ever. */
  dropExpired(nowMs: number): void {
    for (const [host, tiers] of this.#hosts) {
      for (const [tier, pages] of tiers) {
        for (const [number, { brokerMs }] of pages) {
          if ((this.clock.ageMs(brokerMs, nowMs) ?? 0) > maxStatsAgeMs) pages.delete(number);
        }
        if (pages.size === 0) tiers.delete(tier);
      }
      if (tiers.size === 0) this.#hosts.delete(host);
    }
  }

  /** Grows with every page applied: what was shown of stats before may be old. */
  get generation(): number {
    return this.#generation;
  }

  get pages(): number {
    let count = 0;
    for (const tiers of this.#hosts.values()) for (const { size } of tiers.values()) count += size;
    return count;
  }

  /** As {@link pagesOf}, with the places of the domains in them. */
  current(host: HostId, nowMs: number): CurrentPage[] {
    const tiers = this.#hosts.get(host);
    const epoch = this.#epochOf(host);
    const current: CurrentPage[] = [];
    for (const tier of statsTiers) {
      const all = [...(tiers?.get(tier)?.values() ?? [])].filter(
        ({ page }) => page.epoch === epoch,
      );
      const newest = all.reduce((id, { page }) => Math.max(id, page.sampleId), 0);
      // A sample of fewer pages than the one before leaves the last pages of that one behind.
      const pages = all.find(({ page }) => page.sampleId === newest)?.page.pages ?? 0;
      for (const held of all) {
        const sinceMs = this.clock.ageMs(held.brokerMs, nowMs);
        if (held.page.page >= pages || sinceMs === undefined) continue;
        const ageMs = held.page.ageMs + sinceMs;
        if (ageMs <= maxStatsAgeMs) current.push(new CurrentPage(held, ageMs));
      }
    }
    return current;
  }

  #epochOf(host: HostId): Epoch {
    return Math.max(this.#seenEpochs.get(host) ?? 0, this.#knownEpochs.get(host) ?? 0);
  }

  #pagesOf(host: HostId, tier: StatsTier): Map<number, HeldPage> {
    let tiers = this.#hosts.get(host);
    if (tiers === undefined) {
      tiers = new Map<StatsTier, Map<number, HeldPage>>();
      this.#hosts.set(host, tiers);
    }
    let pages = tiers.get(tier);
    if (pages === undefined) {
      pages = new Map<number, HeldPage>();
      tiers.set(tier, pages);
    }
    return pages;
  }
}

/** The cells of one domain in a page, holes left out: absent is never zero. */
export function* cellsAt(page: StatsPage, position: number): Generator<[string, StatsCell]> {
  for (const [name, cells] of Object.entries(page.columns)) {
    const cell = cells[position];
    if (cell !== null && cell !== undefined) yield [name, cell];
  }
}

function isNewer(a: StatsPage, b: StatsPage): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.sampleId > b.sampleId);
}
