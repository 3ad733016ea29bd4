/** Answers about hosts. */
import { auditPeriodMs, type HostId, type HttpHost } from '@virtscope/contracts';
import type { Answer, Asking } from './asking.ts';

export function listHosts(asking: Asking): Answer {
  const { view } = asking;
  const ids = [...asking.allHosts()].toSorted();
  const hosts = ids.map((host) => describeHost(asking, host));
  const unreachable = asking.unreachable(ids);
  return {
    kind: 'found',
    json: JSON.stringify({ hosts, revision: view.revision, unreachable }),
  };
}

export function findHost(asking: Asking, host: HostId): Answer {
  const missing = hostMissing(asking, host);
  if (missing !== undefined) return missing;
  const answer = { ...describeHost(asking, host), revision: asking.view.revision };
  return { kind: 'found', json: JSON.stringify(answer) };
}

/** A host is absent when a whole inventory, read by a reader that is not cut off, lacks it. */
export function hostMissing(
  asking: Asking,
  host: HostId,
): Exclude<Answer, { kind: 'found' }> | undefined {
  const { view, now } = asking;
  const slot = view.table.hosts.get(host);
  const known = view.hosts.wanted.has(host) || (slot?.rows.size ?? 0) > 0;
  if (known && asking.scope.host(host)) return undefined;
  const doubts = Object.values(view.unready(now.monotonicMs));
  if (doubts.length === 0) return { kind: 'absent', detail: `no host ${host} in the inventory` };
  const detail = `no host ${host} is known, but ${doubts.join('; ')}`;
  return { kind: 'unknown', detail, unreachable: [host] };
}

function describeHost(asking: Asking, host: HostId): HttpHost {
  const { trust, reason, verifiedAt, slot } = asking.host(host);
  const entry = asking.view.hosts.wanted.get(host);
  const record = slot?.record;
  return {
    host,
    ...defined({ displayName: entry?.displayName }),
    labels: entry?.labels ?? {},
    trust,
    ...defined({ trustReason: reason }),
    verifiedAt,
    epoch: record?.epoch ?? null,
    ...defined({
      driver: record?.driver,
      hostname: record?.hostname,
      hostUuid: record?.hostUuid,
      libvirtVersion: record?.libvirtVersion,
      hypervisorVersion: record?.hypervisorVersion,
      problem: record?.problem,
      missingKinds: record?.missingKinds,
    }),
    domains: slot === undefined ? 0 : asking.seen(slot.sorted).length,
    // It says how many domains there are in all.
    ...(asking.scope.wholeHosts ? { auditRoundSeconds: auditRound(slot?.rows.size ?? 0) } : {}),
  };
}

/** One domain after the other, in seconds (T1). */
function auditRound(domains: number): number {
  return (domains * auditPeriodMs) / 1_000;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is not known: a missing field, not a null. */
function defined<T extends Record<string, string | string[] | undefined>>(fields: T): Defined<T> {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as Defined<T>;
}
