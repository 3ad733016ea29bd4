/** What a list of domains is asked for. */
import { domainStates, hostIdPattern, type HostId } from '@virtscope/contracts';

/** How many values one filter may name. */
export const maxFilterValues = 1_000;

/** Undefined: any. */
export type DomainFilter = {
  hosts?: ReadonlySet<HostId> | undefined;
  states?: ReadonlySet<string> | undefined;
  names?: ReadonlySet<string> | undefined;
};

/** Reads the typed parameters: several values stand behind commas. */
export function readFilter(query: {
  host?: string | undefined;
  state?: string | undefined;
  name?: string | undefined;
}): { ok: true; filter: DomainFilter } | { ok: false; reason: string } {
  const hosts = values(query.host);
  const states = values(query.state);
  const names = values(query.name);
  // A name may hold commas itself: then it is meant as it stands.
  if (names !== undefined && query.name !== undefined) names.add(query.name);
  for (const [parameter, set] of Object.entries({ host: hosts, state: states, name: names })) {
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
  return { ok: true, filter: { hosts, states, names } };
}

function values(text: string | undefined): Set<string> | undefined {
  return text === undefined ? undefined : new Set(text.split(','));
}
