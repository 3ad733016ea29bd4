/**
 * Holes of a domain that is well: NOWAIT passes over a monitor that another call or a job holds, and
 * groups are left out while the daemon is slow. Absent is never zero: the last good value of each
 * group that an answer lacks is kept with the times of the call that brought it.
 */
import { recordFacts } from './completeness.ts';
import { groupOf, type StatsGroup } from './groups.ts';
import type { Held, Kept, StatsRecord } from './record.ts';

/** What stays of a domain's groups beside its newest record: of the same run, by age. */
export function keptBeside(
  before: Held | undefined,
  record: StatsRecord,
  groups: readonly StatsGroup[],
): readonly Kept[] {
  if (before === undefined || before.record.domain.id !== record.domain.id) return [];
  const facts = recordFacts(record.params.names);
  const lacking = groups.filter((group) => facts.completeness(group) !== 'complete');
  if (lacking.length === 0) return [];
  const known = recordFacts(before.record.params.names);
  const bySource = new Map<Held | Kept, StatsGroup[]>();
  for (const group of lacking) {
    const source =
      known.completeness(group) === 'complete'
        ? before
        : before.kept?.find((each) => each.groups.includes(group));
    if (source === undefined) continue;
    const found = bySource.get(source);
    if (found === undefined) bySource.set(source, [group]);
    else found.push(group);
  }
  return [...bySource].flatMap(([{ record: whole, times }, kept]) => {
    const params = onlyGroups(whole.params, kept);
    if (params.names.length === 0) return [];
    return [{ groups: kept, record: { domain: record.domain, params }, times }];
  });
}

function onlyGroups(
  params: StatsRecord['params'],
  groups: readonly StatsGroup[],
): StatsRecord['params'] {
  const wanted = new Set<StatsGroup | undefined>(groups);
  const cells = params.names.flatMap((name, index) =>
    wanted.has(groupOf(name)) ? [{ name, value: params.valueAt(index) }] : [],
  );
  return { names: cells.map(({ name }) => name), valueAt: (index) => cells[index]?.value };
}
