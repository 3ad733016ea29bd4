/** What a question needs to know of one host while it looks at its rows: looked up once. */
import type { HostId, StatsCell, Trust } from '@virtscope/contracts';
import type { Asking } from './asking.ts';
import type { Row } from './row.ts';
import type { CurrentPage } from './stats-table.ts';

const noLabels: Readonly<Record<string, string>> = {};

type Column = { cells: readonly (StatsCell | null)[]; page: CurrentPage };

export class HostFacts {
  readonly host: HostId;
  readonly asking: Asking;
  readonly labels: Readonly<Record<string, string>>;
  /** By stats field: the columns that have it, the newest first. */
  readonly #columns = new Map<string, readonly Column[]>();
  #pages: readonly CurrentPage[] | undefined;

  constructor(asking: Asking, host: HostId) {
    this.asking = asking;
    this.host = host;
    this.labels = asking.view.hosts.wanted.get(host)?.labels ?? noLabels;
  }

  label(name: string): string | undefined {
    return Object.hasOwn(this.labels, name) ? this.labels[name] : undefined;
  }

  trustOf(row: Row): Trust {
    return this.asking.trustOf(row);
  }

  idOf(row: Row): number | null {
    return this.asking.idOf(row);
  }

  /** The host's current pages, the newest first. */
  get pages(): readonly CurrentPage[] {
    this.#pages ??= this.asking.view.stats
      .current(this.host, this.asking.now.monotonicMs)
      .toSorted((a, b) => a.ageMs - b.ageMs);
    return this.#pages;
  }

  /** A live stat of the row's present run; undefined where there is none: never zero. */
  stat(row: Row, field: string): StatsCell | undefined {
    let columns = this.#columns.get(field);
    if (columns === undefined) {
      columns = this.pages.flatMap((page) => {
        const all = page.held.page.columns;
        const cells = Object.hasOwn(all, field) ? all[field] : undefined;
        return cells === undefined ? [] : { cells, page };
      });
      this.#columns.set(field, columns);
    }
    for (const { cells, page } of columns) {
      const position = page.positionOf(row);
      const cell = position === undefined ? undefined : cells[position];
      if (cell !== undefined && cell !== null) return cell;
    }
    return undefined;
  }
}

/** The facts of every host that a question meets. */
export class FactsBook {
  readonly asking: Asking;
  readonly #hosts = new Map<HostId, HostFacts>();

  constructor(asking: Asking) {
    this.asking = asking;
  }

  of(host: HostId): HostFacts {
    let facts = this.#hosts.get(host);
    if (facts === undefined) this.#hosts.set(host, (facts = new HostFacts(this.asking, host)));
    return facts;
  }
}
