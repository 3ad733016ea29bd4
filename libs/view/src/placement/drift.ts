/** Hosts that differ from most of their group, and in what. */
import { capabilitiesDiff, type CapabilitiesDiff, type HostId } from '@virtscope/contracts';
import type { HostFacts } from './host-facts.ts';

export type DriftGroup = {
  value: string | null;
  hosts: number;
  common?: { versions: string; hash: string; hosts: number };
  differing: {
    host: HostId;
    versions: string;
    versionsDiffer: boolean;
    difference: CapabilitiesDiff;
  }[];
  unknown: HostId[];
};

type Known = { host: HostId; facts: HostFacts; key: string };

/** @param valueOf a host's value of the label that groups; null: it has none */
export function driftOf(
  hosts: readonly HostId[],
  factsOf: (host: HostId) => HostFacts,
  valueOf: (host: HostId) => string | null,
): DriftGroup[] {
  const groups = Map.groupBy(hosts, valueOf);
  return [...groups]
    .toSorted(([a], [b]) => (a ?? '').localeCompare(b ?? ''))
    .map(([value, members]) => ({ value, hosts: members.length, ...driftIn(members, factsOf) }));
}

function driftIn(
  members: readonly HostId[],
  factsOf: (host: HostId) => HostFacts,
): Omit<DriftGroup, 'value' | 'hosts'> {
  const known: Known[] = [];
  const unknown: HostId[] = [];
  for (const host of members.toSorted()) {
    const facts = factsOf(host);
    if ('document' in facts.capabilities) {
      known.push({ host, facts, key: `${facts.versions} ${facts.hash}` });
    } else {
      unknown.push(host);
    }
  }
  const sorts = [...Map.groupBy(known, ({ key }) => key).values()];
  const most = sorts.reduce<Known[]>((a, b) => (b.length > a.length ? b : a), []);
  const [common] = most;
  if (common === undefined || !('document' in common.facts.capabilities)) {
    return { differing: [], unknown };
  }
  const { versions = '', hash = '', capabilities } = common.facts;
  const usual = capabilities.document;
  return {
    common: { versions, hash, hosts: most.length },
    differing: known
      .filter(({ key }) => key !== common.key)
      .flatMap(({ host, facts }) =>
        'document' in facts.capabilities
          ? [
              {
                host,
                versions: facts.versions ?? '',
                versionsDiffer: facts.versions !== common.facts.versions,
                difference: capabilitiesDiff(usual, facts.capabilities.document),
              },
            ]
          : [],
      ),
    unknown,
  };
}
