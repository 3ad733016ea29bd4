import type { HostId, HostRecord } from '@virtscope/contracts';

/**
 * Hosts that are the same daemon under another id, each with the first of its names. Machine UUIDs
 * repeat in real fleets, and so do host names: only both together are called the same.
 */
export function aliasesOf(
  hosts: Iterable<HostId>,
  recordOf: (host: HostId) => HostRecord | undefined,
): Map<HostId, HostId> {
  const first = new Map<string, HostId>();
  const aliases = new Map<HostId, HostId>();
  for (const host of [...hosts].toSorted()) {
    const record = recordOf(host);
    if (record?.hostUuid === undefined || record.hostname === undefined) continue;
    if (record.sync !== 'synced') continue;
    const daemon = `${record.hostUuid}/${record.hostname}/${record.driver ?? ''}`;
    const known = first.get(daemon);
    if (known === undefined) first.set(daemon, host);
    else aliases.set(host, known);
  }
  return aliases;
}
