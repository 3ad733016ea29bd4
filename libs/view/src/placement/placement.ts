/** The hosts that can run something, and those that cannot, each with its reasons. */
import type { Candidate, HostId, Needs, Reason, Verdict } from '@virtscope/contracts';
import type { Asking } from '../asking.ts';
import type { HostFacts } from './host-facts.ts';
import { judge, verdictOf } from './judge.ts';

export type PlacementQuestion = {
  hosts?: readonly HostId[] | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
};

const order: Record<Verdict, number> = { yes: 0, unknown: 1, no: 2 };

/** The wanted hosts that the question is about. */
export function hostsAskedFor(asking: Asking, { hosts, labels }: PlacementQuestion): HostId[] {
  const { wanted } = asking.view.hosts;
  const all = hosts ?? [...wanted.keys()];
  return all.filter((host) => {
    const entry = wanted.get(host);
    return (
      entry !== undefined &&
      asking.scope.host(host) &&
      Object.entries(labels ?? {}).every(([name, value]) => entry.labels[name] === value)
    );
  });
}

/** Sorted: those that can first, and among equals the one with most free memory. */
export function candidatesFor(
  asking: Asking,
  needs: Needs,
  hosts: readonly HostId[],
  factsOf: (host: HostId) => HostFacts,
): Candidate[] {
  return hosts
    .map((host) => candidate(asking, needs, host, factsOf(host)))
    .toSorted(
      (a, b) =>
        order[a.verdict] - order[b.verdict] ||
        (b.freeMemoryKiB ?? -1) - (a.freeMemoryKiB ?? -1) ||
        (a.host < b.host ? -1 : 1),
    );
}

/** @param more reasons beside those of the host's own */
export function candidate(
  asking: Asking,
  needs: Needs,
  host: HostId,
  facts: HostFacts,
  more: readonly Reason[] = [],
): Candidate {
  const { trust, reason, verifiedAt } = asking.host(host);
  const load = loadOf(asking, host);
  const reachable: Reason =
    trust === 'live'
      ? { check: 'reachable', verdict: 'yes', detail: 'live' }
      : { check: 'reachable', verdict: 'unknown', detail: `${trust}: ${reason ?? 'not live'}` };
  const reasons = [reachable, ...judge(needs, facts, load.freeMemoryKiB), ...more];
  return {
    host,
    verdict: verdictOf(reasons),
    reasons,
    trust,
    ...(reason === undefined ? {} : { trustReason: reason }),
    verifiedAt,
    ...(facts.observedAt === undefined ? {} : { capabilitiesAt: facts.observedAt }),
    ...load,
  };
}

/** What the host's own newest figures say; who sees only some of its domains does not see these. */
function loadOf(
  { view, now, scope }: Asking,
  host: HostId,
): Pick<Candidate, 'freeMemoryKiB' | 'cpuBusyPercent'> {
  if (!scope.wholeHosts) return {};
  for (const { page } of view.stats.pagesOf(host, now.monotonicMs)) {
    const fields = page.hostFields;
    if (fields === undefined) continue;
    const number = (name: string): number | undefined => {
      const value = fields[name];
      return typeof value === 'number' ? value : undefined;
    };
    const free = number('memory.free');
    const busy = number('cpu.busyPercent');
    return {
      ...(free === undefined
        ? {}
        : {
            freeMemoryKiB: free + (number('memory.buffers') ?? 0) + (number('memory.cached') ?? 0),
          }),
      ...(busy === undefined ? {} : { cpuBusyPercent: busy }),
    };
  }
  return {};
}
