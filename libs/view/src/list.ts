/** Lists of domains, in the order (host, uuid), page by page. */
import type { DomainUuid, HostId } from '@virtscope/contracts';
import { Asking, type Answer } from './asking.ts';
import type { DomainFilter } from './filter.ts';
import { readPageToken, writePageToken, type PagePosition } from './page-token.ts';
import type { Row } from './row.ts';
import type { HostSlot, StateTable } from './state-table.ts';
import type { Moment, View } from './view.ts';

export const defaultPageSize = 1_000;

export type ListQuery = {
  filter: DomainFilter;
  pageSize?: number | undefined;
  pageToken?: string | undefined;
};

/**
 * One page. A walk over all pages sees every domain that was in the filter all the while exactly
 * once; it is no snapshot: what changes meanwhile may or may not be seen.
 */
export function listDomains(view: View, now: Moment, query: ListQuery): Answer {
  const { filter, pageSize = defaultPageSize } = query;
  let after: PagePosition | undefined;
  if (query.pageToken !== undefined) {
    const token = readPageToken(filter, query.pageToken);
    if (!token.ok) return { kind: 'invalid', detail: `pageToken: ${token.reason}` };
    after = token.after;
  }
  const asking = new Asking(view, now);
  const parts: string[] = [];
  let last: Row | undefined;
  let more = false;
  for (const row of select(view.table, filter, after)) {
    if (parts.length === pageSize) {
      more = true;
      break;
    }
    parts.push(asking.json(row));
    last = row;
  }
  const token =
    more && last !== undefined
      ? `"nextPageToken":${JSON.stringify(writePageToken(filter, last))},`
      : '';
  const unreachable = JSON.stringify(asking.unreachable(filter.hosts ?? asking.allHosts()));
  return {
    kind: 'found',
    json: `{"domains":[${parts.join(',')}],${token}${asking.revisionField},"unreachable":${unreachable}}`,
  };
}

/** The rows of a filter after a position, in order. */
function* select(
  table: StateTable,
  filter: DomainFilter,
  after: PagePosition | undefined,
): Generator<Row> {
  const candidates = fromIndex(table, filter);
  if (candidates !== undefined) {
    const rows = candidates.filter((row) => matches(row, filter) && isAfter(row, after));
    yield* rows.toSorted(compare);
    return;
  }
  for (const slot of slotsOf(table, filter.hosts)) {
    if (after !== undefined && slot.host < after.host) continue;
    const from = after?.host === slot.host ? firstAfter(slot.sorted, after.uuid) : 0;
    for (let i = from; i < slot.sorted.length; i++) {
      const row = slot.sorted[i];
      if (row !== undefined && matches(row, filter)) yield row;
    }
  }
}

/** Rows that an index names, when it names few; undefined when walking the hosts is as good. */
function fromIndex(table: StateTable, { names, states }: DomainFilter): Row[] | undefined {
  if (names !== undefined) return [...names].flatMap((name) => [...table.byName.get(name)]);
  if (states === undefined) return undefined;
  const sets = [...states].map((state) => table.byState.get(state) ?? new Set<Row>());
  const count = sets.reduce((sum, set) => sum + set.size, 0);
  return count < table.rows / 8 ? sets.flatMap((set) => [...set]) : undefined;
}

function slotsOf(table: StateTable, hosts: DomainFilter['hosts']): readonly HostSlot[] {
  if (hosts === undefined) return table.sortedHosts;
  return [...hosts].toSorted().flatMap((host: HostId) => table.hosts.get(host) ?? []);
}

function matches(row: Row, { hosts, states, names }: DomainFilter): boolean {
  return (
    (hosts === undefined || hosts.has(row.host)) &&
    (states === undefined || states.has(row.state)) &&
    (names === undefined || names.has(row.name))
  );
}

function compare(a: Row, b: Row): number {
  if (a.host !== b.host) return a.host < b.host ? -1 : 1;
  return a.uuid < b.uuid ? -1 : 1;
}

function isAfter(row: Row, after: PagePosition | undefined): boolean {
  if (after === undefined) return true;
  return row.host > after.host || (row.host === after.host && row.uuid > after.uuid);
}

/** Index of the first row above `uuid`: by halving, as the rows are sorted. */
function firstAfter(rows: readonly Row[], uuid: DomainUuid): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.uuid ?? '') > uuid) high = middle;
    else low = middle + 1;
  }
  return low;
}
