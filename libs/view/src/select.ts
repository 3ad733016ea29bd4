/** The rows of a filter, looked at in steps. */
import type { FactsBook } from './facts.ts';
import { matches, type DomainFilter } from './filter.ts';
import { comparePlaces, orderValues, type Order, type OrderValue, type Place } from './order.ts';
import type { Plan } from './plan.ts';
import type { Row } from './row.ts';
import { rowsPerStep, type Sliced } from './sliced.ts';
import type { HostSlot } from './state-table.ts';
import { TopRows, type Placed } from './top-rows.ts';

/** Calls `take` with every row of the filter, in the plan's order, until it says `false`. */
export function* eachRow(
  book: FactsBook,
  filter: DomainFilter,
  plan: Plan,
  take: (row: Row) => boolean,
): Sliced<void> {
  let looked = 0;
  for (const rows of batches(plan)) {
    for (const row of rows) {
      if (++looked % rowsPerStep === 0) yield;
      if (!book.asking.sees(row) || !matches(filter, row, book.of(row.host))) continue;
      if (!take(row)) return;
    }
  }
}

function* batches(plan: Plan): Generator<readonly Row[]> {
  if (plan.rows.kind === 'chosen') yield plan.rows.rows();
  else for (const slot of plan.rows.slots()) yield slot.sorted;
}

export type Page = { rows: Row[]; last: Place | undefined; more: boolean };

/** The first rows behind `after` in the order. */
export function* selectPage(
  book: FactsBook,
  filter: DomainFilter,
  plan: Plan,
  { order, after, limit }: { order: Order; after: Place | undefined; limit: number },
): Sliced<Page> {
  if (order.keys.length === 0 && plan.rows.kind === 'hosts') {
    const slots = plan.rows.slots();
    return yield* walk(book, filter, slots, { after, limit });
  }
  const top = new TopRows(order, limit);
  const values: OrderValue[] = [];
  const place: { values: OrderValue[]; host: string; uuid: string } = {
    values,
    host: '',
    uuid: '',
  };
  yield* eachRow(book, filter, plan, (row) => {
    orderValues(order, row, book.of(row.host), values);
    place.host = row.host;
    place.uuid = row.uuid;
    if (after === undefined || comparePlaces(order, place, after) > 0) top.offer(row, values);
    return true;
  });
  const placed: Placed[] = top.inOrder();
  return { rows: placed.map(({ row }) => row), last: placed.at(-1), more: top.more };
}

/** In the order (host, uuid) the first rows are found without looking at the others. */
function* walk(
  book: FactsBook,
  filter: DomainFilter,
  slots: readonly HostSlot[],
  { after, limit }: { after: Place | undefined; limit: number },
): Sliced<Page> {
  const rows: Row[] = [];
  let looked = 0;
  for (const slot of slots) {
    if (after !== undefined && slot.host < after.host) continue;
    const { sorted } = slot;
    const from = after?.host === slot.host ? firstAfter(sorted, after.uuid) : 0;
    const facts = book.of(slot.host);
    for (let i = from; i < sorted.length; i++) {
      if (++looked % rowsPerStep === 0) yield;
      const row = sorted[i];
      if (row === undefined || !book.asking.sees(row)) continue;
      if (!matches(filter, row, facts)) continue;
      const last = rows.at(-1);
      if (rows.length === limit && last !== undefined) {
        return { rows, last: { values: [], host: last.host, uuid: last.uuid }, more: true };
      }
      rows.push(row);
    }
  }
  return { rows, last: undefined, more: false };
}

/** Index of the first row above `uuid`: by halving, as the rows are sorted. */
function firstAfter(rows: readonly Row[], uuid: string): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.uuid ?? '') > uuid) high = middle;
    else low = middle + 1;
  }
  return low;
}
