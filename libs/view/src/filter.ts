/** What a list of domains is asked for. */
import {
  domainStates,
  hostIdPattern,
  uuidPattern,
  type DomainUuid,
  type HostId,
} from '@virtscope/contracts';
import { compileExpression, type Expression } from './expression/compile.ts';
import type { HostFacts } from './facts.ts';
import type { Row } from './row.ts';

/** How many values one filter may name. */
export const maxFilterValues = 1_000;

/** Undefined: any. */
export type DomainFilter = {
  hosts?: ReadonlySet<HostId> | undefined;
  states?: ReadonlySet<string> | undefined;
  names?: ReadonlySet<string> | undefined;
  uuids?: ReadonlySet<DomainUuid> | undefined;
  expression?: Expression | undefined;
};

/** What a filter is told by: values of one parameter stand behind commas. */
export type FilterQuery = {
  host?: string | undefined;
  state?: string | undefined;
  name?: string | undefined;
  uuid?: string | undefined;
  filter?: string | undefined;
};

export function matches(filter: DomainFilter, row: Row, facts: HostFacts): boolean {
  const { hosts, states, names, uuids, expression } = filter;
  return (
    (hosts === undefined || hosts.has(row.host)) &&
    (states === undefined || states.has(row.state)) &&
    (names === undefined || names.has(row.name)) &&
    (uuids === undefined || uuids.has(row.uuid)) &&
    (expression === undefined || expression.matches(row, facts))
  );
}

/** Equal for filters that mean the same in the same words. */
export function filterKey({ hosts, states, names, uuids, expression }: DomainFilter): string {
  const sets = [hosts, states, names, uuids].map((set) => set && [...set].toSorted());
  return JSON.stringify([...sets, expression?.text]);
}

/** Reads the typed parameters: several values stand behind commas. */
export function readFilter(
  query: FilterQuery,
): { ok: true; filter: DomainFilter } | { ok: false; reason: string } {
  const hosts = values(query.host);
  const states = values(query.state);
  const names = values(query.name);
  const uuids = values(query.uuid?.toLowerCase());
  // A name may hold commas itself: then it is meant as it stands.
  if (names !== undefined && query.name !== undefined) names.add(query.name);
  const sets = { host: hosts, state: states, name: names, uuid: uuids };
  for (const [parameter, set] of Object.entries(sets)) {
    if (set !== undefined && set.size > maxFilterValues) {
      return { ok: false, reason: `${parameter}: more than ${maxFilterValues} values` };
    }
  }
  for (const host of hosts ?? []) {
    if (!hostIdPattern.test(host)) {
      return { ok: false, reason: `host: ${JSON.stringify(host)} is no host id` };
    }
  }
  for (const state of states ?? []) {
    if (!(domainStates as readonly string[]).includes(state) && !/^unknown-\d+$/.test(state)) {
      const known = domainStates.join(', ');
      return { ok: false, reason: `state: ${JSON.stringify(state)} is none of ${known}` };
    }
  }
  for (const uuid of uuids ?? []) {
    if (!uuidPattern.test(uuid)) {
      return { ok: false, reason: `uuid: ${JSON.stringify(uuid)} is no UUID` };
    }
  }
  let expression: Expression | undefined;
  if (query.filter !== undefined) {
    const compiled = compileExpression(query.filter);
    if (!compiled.ok) return { ok: false, reason: `filter: ${compiled.reason}` };
    expression = compiled.expression;
  }
  return { ok: true, filter: { hosts, states, names, uuids, expression } };
}

function values(text: string | undefined): Set<string> | undefined {
  return text === undefined ? undefined : new Set(text.split(','));
}
