/** Chooses which rows a filter looks at: those of the index that names the fewest. */
import type { HostId } from '@virtscope/contracts';
import type { Asking } from './asking.ts';
import type { Hint } from './expression/hints.ts';
import type { DomainFilter } from './filter.ts';
import type { Row } from './row.ts';
import type { HostSlot } from './state-table.ts';

export type Plan = {
  /** What answers the question fastest: an index, or the hosts one after the other. */
  by: 'uuid' | 'name' | 'state' | 'disk' | 'mac' | 'host' | 'label' | 'all';
  /** How many rows it looks at, at most. */
  candidates: number;
  rows:
    | { kind: 'chosen'; rows: () => Row[] }
    /** In the order of hosts, and in each of UUIDs. */
    | { kind: 'hosts'; slots: () => HostSlot[] };
};

/** Hosts in order stop early and need no sorting: an index must name this much less. */
const indexAdvantage = 8;

export function planFor(asking: Asking, filter: DomainFilter): Plan {
  const { table } = asking.view;
  let best = hostPlan(asking, filter);
  for (const hint of hintsFor(filter)) {
    const plan = indexPlan(asking, hint);
    const price = plan?.rows.kind === 'chosen' ? indexAdvantage : 1;
    if (plan !== undefined && plan.candidates * price < best.candidates) best = plan;
  }
  return best.candidates <= table.rows ? best : { ...best, candidates: table.rows };
}

function hintsFor({ uuids, names, states, expression }: DomainFilter): Hint[] {
  const typed: Hint[] = [];
  if (uuids !== undefined) typed.push({ index: 'uuid', values: [...uuids] });
  if (names !== undefined) typed.push({ index: 'name', values: [...names] });
  if (states !== undefined) typed.push({ index: 'state', values: [...states] });
  return [...typed, ...(expression?.hints ?? [])];
}

/** The hosts that any condition on hosts leaves; all of them where there is none. */
function hostPlan(asking: Asking, { hosts, expression }: DomainFilter): Plan {
  const { table, hosts: inventory } = asking.view;
  let left: ReadonlySet<HostId> | undefined = hosts;
  let by: Plan['by'] = hosts === undefined ? 'all' : 'host';
  for (const hint of expression?.hints ?? []) {
    if (hint.index === 'host') {
      const named = new Set(hint.values);
      left = left?.intersection(named) ?? named;
      by = 'host';
    } else if (hint.index === 'label') {
      const values = new Set(hint.values);
      const labelled = [...(left ?? table.hosts.keys())].filter((host) => {
        const labels = inventory.wanted.get(host)?.labels ?? {};
        const value = Object.hasOwn(labels, hint.label) ? labels[hint.label] : undefined;
        return value !== undefined && values.has(value);
      });
      left = new Set(labelled);
      by = by === 'host' ? 'host' : 'label';
    }
  }
  const inScope = (slot: HostSlot): boolean => asking.scope.host(slot.host);
  if (left === undefined) {
    const slots = (): HostSlot[] => table.sortedHosts.filter(inScope);
    return { by, candidates: table.rows, rows: { kind: 'hosts', slots } };
  }
  const chosen = [...left]
    .toSorted()
    .flatMap((host) => table.hosts.get(host) ?? [])
    .filter(inScope);
  return {
    by,
    candidates: chosen.reduce((sum, { rows }) => sum + rows.size, 0),
    rows: { kind: 'hosts', slots: () => chosen },
  };
}

function indexPlan({ view: { table } }: Asking, hint: Hint): Plan | undefined {
  const values = [...new Set(hint.values)];
  const claims = {
    uuid: (value: string) => table.byUuid.get(value),
    name: (value: string) => table.byName.get(value),
    disk: (value: string) => table.byDisk.get(value),
    mac: (value: string) => table.byMac.get(value.toLowerCase()),
  };
  const by = hint.index;
  if (by === 'host' || by === 'label') return undefined;
  if (by === 'state') {
    const sets = values.map((state) => table.byState.get(state) ?? new Set<Row>());
    const candidates = sets.reduce((sum, { size }) => sum + size, 0);
    return {
      by,
      candidates,
      rows: { kind: 'chosen', rows: () => sets.flatMap((set) => [...set]) },
    };
  }
  const rows = [...new Set(values.flatMap((value) => claims[by](value)))];
  return { by, candidates: rows.length, rows: { kind: 'chosen', rows: () => rows } };
}
