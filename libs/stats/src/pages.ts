/**
 * One answer of libvirt as pages: columns, split so that each page's JSON stays within a bound.
 */
import {
  rateNames,
  type Epoch,
  type HostId,
  type RateName,
  type StatsCell,
  type StatsPage,
  type StatsTier,
} from '@virtscope/contracts';
import { GroupTally, recordFacts, type Completeness, type RecordFacts } from './completeness.ts';
import { groupOf, type StatsGroup } from './groups.ts';
import type { Rates } from './rates.ts';
import { cellOf, type StatsRecord, type StatsValue } from './record.ts';

/**
 * A page's JSON at most. NATS refuses a message above 1 MiB by default; half of it leaves room for
 * an operator's lower bound, and keeps a reader's JSON.parse at a few milliseconds. A sample that
 * needs more becomes more pages; a single domain that needs more loses its last fields, which is
 * counted and makes their group `partial`.
 */
export const maxPageBytes = 512 * 1024;

/** Rows of a page at most: what the page's schema lets a reader take. */
const maxPageRows = 16_384;

/** A field's name at most, in UTF-16 units; libvirt's own bound is 80. */
const maxNameLength = 256;

export type Sample = {
  host: HostId;
  tier: StatsTier;
  epoch: Epoch;
  sampleId: number;
  startedAt: string;
  ageMs: number;
  intervalMs: number;
  /** Groups that the tier is for, and of these the ones that this call asked for. */
  groups: readonly StatsGroup[];
  asked: readonly StatsGroup[];
  records: readonly StatsRecord[];
  /** Derived figures of each record, by its place. */
  rates?: readonly Rates[];
  /** Why these records are older than the tier's newest sample. */
  monitor?: StatsPage['monitor'];
  /** Why these are values of some groups or domains alone, beside those of the tier's answer. */
  kept?: StatsPage['kept'];
};

export type PagedSample = {
  /** At least one: a host without domains says so with an empty page. */
  pages: StatsPage[];
  /** Names of fields that we do not know; they are in the pages all the same. */
  unknownFields: ReadonlySet<string>;
  /** Fields left out, as their domain alone overflows a page or their name is no field's name. */
  unfitFields: number;
};

/** @param maxBytes tests make it small */
export function paged(sample: Sample, maxBytes = maxPageBytes): PagedSample {
  const unknownFields = new Set<string>();
  let unfitFields = 0;
  let draft = new PageDraft(sample, maxBytes);
  const drafts = [draft];
  // Small domains first: a column of a many-vCPU domain costs each row beside it a null.
  const order = sample.records.map((record, n) => ({ record, rates: sample.rates?.[n] ?? {} }));
  order.sort((a, b) => a.record.params.names.length - b.record.params.names.length);
  for (const { record, rates } of order) {
    const facts = recordFacts(record.params.names);
    for (const name of facts.unknownFields) unknownFields.add(name);
    if (!draft.add(record, facts, rates)) {
      draft = new PageDraft(sample, maxBytes);
      drafts.push(draft);
      draft.add(record, facts, rates);
    }
    unfitFields += draft.takeUnfit();
  }
  return {
    pages: drafts.map((each, page) => each.finish(page, drafts.length)),
    unknownFields,
    unfitFields,
  };
}

/** The columns that one list of names fills, by position. */
type Plan = { columns: (StatsCell[] | undefined)[]; distinct: number };

class PageDraft {
  readonly #sample: Sample;
  readonly #maxBytes: number;
  readonly #uuids: string[] = [];
  readonly #ids: (number | null)[] = [];
  readonly #columns = new Map<string, StatsCell[]>();
  readonly #plans = new Map<readonly string[], Plan>();
  readonly #rates = new Map<RateName, (number | null)[]>();
  readonly #tallies: Map<StatsGroup, GroupTally>;
  #unfit = 0;
  readonly #rowBytes: number;
  /** Never below what the page's JSON takes. */
  #bytes: number;

  constructor(sample: Sample, maxBytes: number) {
    this.#sample = sample;
    this.#maxBytes = maxBytes;
    this.#tallies = new Map(sample.asked.map((group) => [group, new GroupTally()]));
    this.#bytes = Buffer.byteLength(JSON.stringify(this.finish(maxPages, maxPages)));
    if (sample.rates !== undefined) this.#bytes += ratesHeadBytes;
    this.#rowBytes = rowBytes + (sample.rates === undefined ? 0 : rateNames.length * rateBytes);
  }

  /** @returns false when the page is full; an empty page takes as much of a record as it can */
  add(record: StatsRecord, facts: RecordFacts, rates: Rates): boolean {
    const cost = this.#cost(record);
    const fits = this.#bytes + cost <= this.#maxBytes && this.#uuids.length < maxPageRows;
    if (!fits && this.#uuids.length > 0) return false;
    let cut: ReadonlySet<StatsGroup | undefined> | undefined;
    if (fits) this.#append(record, facts, cost);
    else cut = this.#appendCut(record, facts);
    this.#addRates(rates);
    for (const [group, tally] of this.#tallies) {
      if (group !== 'state' && !isActive(record)) continue;
      const whole = facts.completeness(group);
      tally.add(whole === 'complete' && cut?.has(group) === true ? 'partial' : whole);
    }
    return true;
  }

  /** Fields left out since the last time it was asked. */
  takeUnfit(): number {
    const unfit = this.#unfit;
    this.#unfit = 0;
    return unfit;
  }

  finish(page: number, pages: number): StatsPage {
    const { host, tier, epoch, sampleId, startedAt, ageMs, intervalMs, groups, monitor, kept } =
      this.#sample;
    const rows = this.#uuids.length;
    const columns: [string, StatsCell[]][] = [];
    for (const [name, column] of this.#columns) {
      if (column.every((cell) => cell === null)) continue;
      while (column.length < rows) column.push(null);
      columns.push([name, column]);
    }
    const rates = [...this.#rates].map(([name, column]) => {
      while (column.length < rows) column.push(null);
      return [name, column] as const;
    });
    const whole: [StatsGroup, Completeness][] = groups.map((group) => [
      group,
      this.#tallies.get(group)?.result ?? 'missing',
    ]);
    return {
      v: 1,
      host,
      tier,
      epoch,
      sampleId,
      page,
      pages,
      startedAt,
      ageMs,
      intervalMs,
      groups: Object.fromEntries(whole),
      uuids: this.#uuids,
      ids: this.#ids,
      columns: Object.fromEntries(columns),
      ...(rates.length === 0 ? {} : { rates: Object.fromEntries(rates) }),
      ...(monitor === undefined ? {} : { monitor }),
      ...(kept === undefined ? {} : { kept }),
    };
  }

  /** Bytes that the whole record adds at most. */
  #cost({ params }: StatsRecord): number {
    const { names } = params;
    const plan = this.#plans.get(names);
    let bytes = this.#rowBytes;
    let met = plan?.distinct ?? 0;
    if (plan === undefined) {
      for (const name of new Set(names)) {
        if (this.#columns.has(name)) met += 1;
        else bytes += columnBytes(name) + this.#uuids.length * nullBytes;
      }
    }
    bytes += (this.#columns.size - met) * nullBytes;
    for (let i = 0; i < names.length; i++) bytes += cellBytes(params.valueAt(i));
    return bytes;
  }

  #append(record: StatsRecord, facts: RecordFacts, cost: number): void {
    const { names } = record.params;
    let plan = this.#plans.get(names);
    if (plan === undefined) {
      const columns = names.map((name) => this.#column(name));
      plan = { columns, distinct: new Set(columns).size - (columns.includes(undefined) ? 1 : 0) };
      this.#plans.set(names, plan);
    }
    const row = this.#startRow(record);
    const active = isActive(record);
    for (let i = 0; i < names.length; i++) {
      // An inactive domain's cpu.* is libvirtd's own CPU time.
      if (!active && facts.isCpu[i] === true) continue;
      this.#put(plan.columns[i], row, cellOf(record.params.valueAt(i)));
    }
    this.#bytes += cost;
  }

  /** For a record that overflows an empty page: its fields as long as there is room. */
  #appendCut(record: StatsRecord, facts: RecordFacts): ReadonlySet<StatsGroup | undefined> {
    const { names } = record.params;
    const cut = new Set<StatsGroup | undefined>();
    const row = this.#startRow(record);
    this.#bytes += this.#rowBytes;
    for (const [i, name] of names.entries()) {
      if (!isActive(record) && facts.isCpu[i] === true) continue;
      const value = record.params.valueAt(i);
      const bytes = columnBytes(name) + cellBytes(value);
      if (this.#bytes + bytes > this.#maxBytes) {
        cut.add(groupOf(name));
        this.#unfit += 1;
      } else {
        this.#bytes += bytes;
        this.#put(this.#column(name), row, cellOf(value));
      }
    }
    return cut;
  }

  /** Of the row that was added last. */
  #addRates(rates: Rates): void {
    const row = this.#uuids.length - 1;
    for (const [name, value] of Object.entries(rates) as [RateName, number][]) {
      let column = this.#rates.get(name);
      if (column === undefined) {
        column = [];
        this.#rates.set(name, column);
      }
      while (column.length < row) column.push(null);
      column.push(value);
    }
  }

  #startRow({ domain }: StatsRecord): number {
    this.#ids.push(domain.id < 0 ? null : domain.id);
    return this.#uuids.push(domain.uuid) - 1;
  }

  /** @returns undefined for a name that no reader would take */
  #column(name: string): StatsCell[] | undefined {
    if (name.length > maxNameLength) return undefined;
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = [];
      this.#columns.set(name, column);
    }
    return column;
  }

  #put(column: StatsCell[] | undefined, row: number, cell: StatsCell): void {
    if (column === undefined || cell === null) {
      this.#unfit += 1;
      return;
    }
    while (column.length < row) column.push(null);
    // Of two fields with one name the first counts, as in libvirt.
    if (column.length === row) column.push(cell);
  }
}

const isActive = ({ domain }: StatsRecord): boolean => domain.id >= 0;

/** The most pages whose number still is a subject. */
const maxPages = 999_999;

// Upper bounds of what JSON takes, each with its comma.
const rowBytes = '"00000000-0000-0000-0000-000000000000",'.length + '2147483647,'.length;
const nullBytes = 'null,'.length;
/** Six digits, with a point or an exponent. */
const rateBytes = '1.23456e+300,'.length;
const ratesHeadBytes = Buffer.byteLength(
  `,"rates":${JSON.stringify(Object.fromEntries(rateNames.map((name) => [name, []])))},`,
);

function columnBytes(name: string): number {
  return Buffer.byteLength(JSON.stringify(name)) + ':[],'.length;
}

function cellBytes(value: StatsValue | undefined): number {
  if (typeof value === 'number') {
    if (value < 0 || !Number.isSafeInteger(value)) return '-1.2345678901234567e-300,'.length;
    return value < 10_000
      ? nullBytes
      : value < 2 ** 31
        ? '2147483647,'.length
        : '9007199254740991,'.length;
  }
  if (typeof value === 'bigint') return '"-9223372036854775808",'.length;
  if (typeof value === 'string') {
    return Math.max(nullBytes, Buffer.byteLength(JSON.stringify(value)) + 1);
  }
  return 'false,'.length;
}
