/** Lists of domains: filtered, ordered, page by page, each question in its scope. */
import type { HostId } from '@virtscope/contracts';
import type { Answer, Asking } from './asking.ts';
import { FactsBook } from './facts.ts';
import type { DomainFilter } from './filter.ts';
import { staleHosts, staleRows, type Shows } from './freshness.ts';
import { byIdentity, type Order, type Place } from './order.ts';
import { bindingOf, readPageToken, writePageToken } from './page-token.ts';
import { planFor, type Plan } from './plan.ts';
import { wholeRow, type Projection } from './projection.ts';
import { eachRow, selectPage } from './select.ts';
import { rowsPerStep, type Sliced } from './sliced.ts';

export const defaultPageSize = 1_000;

export type ListQuery = {
  filter: DomainFilter;
  order?: Order | undefined;
  projection?: Projection | undefined;
  pageSize?: number | undefined;
  pageToken?: string | undefined;
  /** The first so many of the order, and no further page. */
  topK?: number | undefined;
  maxAgeMs?: number | undefined;
  /** Tells how the rows were found. */
  explain?: boolean | undefined;
};

/**
 * One page. A walk over all pages sees every domain that was in the filter, and at its place in
 * the order, all the while exactly once; it is no snapshot: what changes meanwhile may or may not
 * be seen. The answer is nothing older than its revision.
 */
export function* listDomains(asking: Asking, query: ListQuery): Sliced<Answer> {
  const { filter, order = byIdentity, projection = wholeRow, maxAgeMs, topK } = query;
  const binding = bindingOf(filter, order, asking.scope);
  let after: Place | undefined;
  if (query.pageToken !== undefined) {
    const token = readPageToken(binding, order, query.pageToken);
    if (!token.ok) return { kind: 'invalid', detail: `pageToken: ${token.reason}` };
    after = token.after;
  }
  const start = startOf(asking);
  const hosts = hostsInScope(asking, filter);
  const stale = maxAgeMs === undefined ? undefined : staleHosts(asking, hosts, maxAgeMs);
  if (stale !== undefined) return stale;
  const plan = planFor(asking, filter);
  const book = new FactsBook(asking);
  const limit = topK ?? query.pageSize ?? defaultPageSize;
  const page = yield* selectPage(book, filter, plan, { order, after, limit });
  if (maxAgeMs !== undefined) {
    const shows = shownBy(filter, order, projection);
    const old = staleRows(book, page.rows, shows, maxAgeMs);
    if (old !== undefined) return old;
  }
  const parts: string[] = [];
  for (const row of page.rows) {
    if (parts.length % rowsPerStep === rowsPerStep - 1) yield;
    parts.push(projection.json(row, book.of(row.host)));
  }
  if (start.isOver()) return readAnew;
  const token =
    page.more && page.last !== undefined && topK === undefined
      ? `"nextPageToken":${JSON.stringify(writePageToken(binding, page.last))},`
      : '';
  const explanation = query.explain === true ? `,"explain":${explain(asking, plan, order)}` : '';
  return {
    kind: 'found',
    json: `{"domains":[${parts.join(',')}],${token}${start.revisionField},"unreachable":${JSON.stringify(asking.unreachable(hosts))}${explanation}}`,
  };
}

/** Every row of the filter as a line of JSON, and at the end one that tells that it is complete. */
export function* streamDomains(
  asking: Asking,
  { filter, projection = wholeRow }: Pick<ListQuery, 'filter' | 'projection'>,
  write: (line: string) => void,
): Sliced<void> {
  const start = startOf(asking);
  const book = new FactsBook(asking);
  let rows = 0;
  yield* eachRow(book, filter, planFor(asking, filter), (row) => {
    rows++;
    write(`${projection.json(row, book.of(row.host))}\n`);
    return true;
  });
  if (start.isOver()) return;
  const unreachable = JSON.stringify(asking.unreachable(hostsInScope(asking, filter)));
  write(`{"complete":true,"rows":${rows},${start.revisionField},"unreachable":${unreachable}}\n`);
}

export const readAnew: Answer = {
  kind: 'not-ready',
  detail: 'the view was read anew while it was being asked: ask again',
};

/** What the answer stands for: the moment at which the question began to be answered. */
export function startOf(asking: Asking): { revisionField: string; isOver: () => boolean } {
  const { view } = asking;
  const { revisionField } = asking;
  const { table } = view;
  return { revisionField, isOver: () => view.table !== table };
}

/** The hosts that an answer to this filter speaks of. */
export function hostsInScope(asking: Asking, { hosts }: DomainFilter): HostId[] {
  if (hosts === undefined) return [...asking.allHosts()];
  // Also those that the caller may not see: of them as much is known as of strangers.
  return [...hosts];
}

/** What the answer depends on beside rows and trust. */
export function shownBy(
  { expression }: DomainFilter,
  order: Order = byIdentity,
  projection: Projection = wholeRow,
): Shows {
  const keys = order.keys.map(({ path }) => path.of);
  return {
    stats: projection.stats || expression?.uses.stats === true || keys.includes('stat'),
    config: projection.config || expression?.uses.config === true || keys.includes('config'),
  };
}

function explain(asking: Asking, plan: Plan, order: Order): string {
  const sorted = order.keys.length > 0 || plan.rows.kind === 'chosen';
  return JSON.stringify({
    index: plan.by,
    candidates: asking.scope.key === '' ? plan.candidates : null,
    rows: asking.scope.key === '' ? asking.view.table.rows : null,
    order: sorted ? 'sorted' : 'as indexed',
  });
}
