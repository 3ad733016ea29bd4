/** Counts and sums by any field. */
import type { Answer, Asking } from './asking.ts';
import { FactsBook } from './facts.ts';
import type { DomainFilter } from './filter.ts';
import { hostsInScope, readAnew, startOf } from './list.ts';
import { readPath, valueAt, type Path } from './paths.ts';
import { planFor } from './plan.ts';
import { eachRow } from './select.ts';
import type { Sliced } from './sliced.ts';

/** How many fields may be grouped by, and how many summed. */
export const maxSummaryFields = 8;

/** Groups of one answer; a question that would make more is refused. */
export const maxGroups = 10_000;

export type SummaryQuery = {
  filter: DomainFilter;
  by: readonly NamedPath[];
  sum: readonly NamedPath[];
};
type NamedPath = { name: string; path: Path };

type Group = { key: unknown[]; count: number; sums: number[]; summed: number[] };

/** Reads `host,labels.zone`. */
export function readPaths(
  text: string,
): { ok: true; paths: NamedPath[] } | { ok: false; reason: string } {
  const paths: NamedPath[] = [];
  for (const name of new Set(text.split(',').map((each) => each.trim()))) {
    const path = readPath(name);
    if (typeof path === 'string') return { ok: false, reason: path };
    paths.push({ name, path });
  }
  if (paths.length > maxSummaryFields) {
    return { ok: false, reason: `more than ${maxSummaryFields} fields` };
  }
  return { ok: true, paths };
}

/** A sum says over how many domains it runs: what is absent is not zero. */
export function* summarise(asking: Asking, { filter, by, sum }: SummaryQuery): Sliced<Answer> {
  const start = startOf(asking);
  const book = new FactsBook(asking);
  const groups = new Map<string, Group>();
  yield* eachRow(book, filter, planFor(asking, filter), (row) => {
    const facts = book.of(row.host);
    const key = by.map(({ path }) => valueAt(path, row, facts) ?? null);
    const id = key.length === 1 ? `${typeof key[0]} ${String(key[0])}` : JSON.stringify(key);
    let group = groups.get(id);
    if (group === undefined) {
      if (groups.size > maxGroups) return false;
      group = { key, count: 0, sums: sum.map(() => 0), summed: sum.map(() => 0) };
      groups.set(id, group);
    }
    group.count++;
    for (const [i, { path }] of sum.entries()) {
      const value = valueAt(path, row, facts);
      if (typeof value !== 'number') continue;
      group.sums[i] = (group.sums[i] ?? 0) + value;
      group.summed[i] = (group.summed[i] ?? 0) + 1;
    }
    return true;
  });
  if (groups.size > maxGroups)
    return { kind: 'invalid', detail: `by: more than ${maxGroups} groups; filter more` };
  if (start.isOver()) return readAnew;
  const told = [...groups.values()]
    .toSorted((a, b) => b.count - a.count)
    .map(({ key, count, sums, summed }) => ({
      by: Object.fromEntries(by.map(({ name }, i) => [name, key[i]])),
      count,
      sums: Object.fromEntries(
        sum.map(({ name }, i) => [name, { sum: sums[i] ?? 0, of: summed[i] ?? 0 }]),
      ),
    }));
  const unreachable = JSON.stringify(asking.unreachable(hostsInScope(asking, filter)));
  return {
    kind: 'found',
    json: `{"groups":${JSON.stringify(told)},${start.revisionField},"unreachable":${unreachable}}`,
  };
}
