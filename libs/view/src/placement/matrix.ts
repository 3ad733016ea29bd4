/** Which machine types, domain types, CPU models and versions there are, and on which hosts. */
import type { HostId } from '@virtscope/contracts';
import type { HostFacts } from './host-facts.ts';

type Where = { count: number; hosts: HostId[] };

export type Matrix = {
  machines: Record<string, Where & { deprecatedOn?: number }>;
  guests: Record<string, Where>;
  cpuModels: Record<string, Where>;
  versions: Record<string, Where>;
  unknown: Record<HostId, string>;
};

/** @param names how many hosts are named for each; all are counted */
export function matrixOf(
  hosts: readonly HostId[],
  factsOf: (host: HostId) => HostFacts,
  names: number,
): Matrix {
  const machines = new Map<string, Where & { deprecatedOn?: number }>();
  const [guests, cpuModels, versions] = [new Map(), new Map(), new Map()] as Map<string, Where>[];
  const unknown: Record<HostId, string> = {};
  const add = <W extends Where>(
    table: Map<string, W> | undefined,
    key: string,
    host: HostId,
  ): W => {
    const where = table?.get(key) ?? ({ count: 0, hosts: [] as HostId[] } as W);
    table?.set(key, where);
    where.count++;
    if (where.hosts.length < names) where.hosts.push(host);
    return where;
  };
  for (const host of hosts) {
    const { capabilities, cpuModels: models, versions: ofHost } = factsOf(host);
    if (!('document' in capabilities)) {
      unknown[host] = 'missing' in capabilities ? capabilities.missing : capabilities.refused;
      continue;
    }
    const { document } = capabilities;
    if (ofHost !== undefined) add(versions, ofHost, host);
    const seen = new Set<string>();
    const once = (key: string): boolean => {
      const isNew = !seen.has(key);
      seen.add(key);
      return isNew;
    };
    for (const { arch, domainTypes, machines: ofGuest } of document.guests) {
      for (const type of domainTypes) {
        if (once(`guest ${arch} ${type}`)) add(guests, `${arch} ${type}`, host);
      }
      for (const { name, deprecated } of ofGuest) {
        if (!once(`machine ${arch} ${name}`)) continue;
        const where = add(machines, `${arch} ${name}`, host);
        if (deprecated === true) where.deprecatedOn = (where.deprecatedOn ?? 0) + 1;
      }
    }
    if (models !== undefined && 'document' in models) {
      for (const { name, usable } of models.document.models) if (usable) add(cpuModels, name, host);
    }
  }
  return {
    machines: sorted(machines),
    guests: sorted(guests),
    cpuModels: sorted(cpuModels),
    versions: sorted(versions),
    unknown,
  };
}

function sorted<W>(table: Map<string, W> | undefined): Record<string, W> {
  return Object.fromEntries([...(table ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
