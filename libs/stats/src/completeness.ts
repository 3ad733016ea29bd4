/**
 * How whole a group is, told from the fields that came. libvirt does not say it: a domain whose
 * monitor was busy (NOWAIT) or lost comes back with fewer fields and no error. What each group
 * then still holds was seen on QEMU: `block.N.name` and `.path` without counters, `balloon.current`
 * without `balloon.rss`, and the rest as before.
 */
import { groupCompleteness } from '@virtscope/contracts';
import { groupOf, isKnownField, type StatsGroup } from './groups.ts';

export type Completeness = (typeof groupCompleteness)[number];

/** What the names of one record's fields say, whatever their values. */
export type RecordFacts = {
  /** For a domain that runs. */
  completeness: (group: StatsGroup) => Completeness;
  unknownFields: readonly string[];
  /** Position → does the field belong to `cpu.*`? */
  isCpu: readonly boolean[];
};

/** Records of like domains share their names, so each list of names is judged once. */
const seen = new WeakMap<readonly string[], RecordFacts>();

export function recordFacts(names: readonly string[]): RecordFacts {
  let facts = seen.get(names);
  if (facts === undefined) {
    facts = judge(names);
    seen.set(names, facts);
  }
  return facts;
}

function judge(names: readonly string[]): RecordFacts {
  const has = new Set(names);
  const any = (pattern: RegExp): boolean => names.some((name) => pattern.test(name));
  const when = (whole: boolean, begun: boolean): Completeness =>
    whole ? 'complete' : begun ? 'partial' : 'missing';

  const balloon = when(has.has('balloon.rss'), has.has('balloon.current'));
  // A drive without a medium or behind vhost-user has no counters: one disk that has is proof.
  const block = when(
    any(/^block\.\d+\.rd\.reqs$/) || (has.has('block.count') && !any(/^block\.\d+\.name$/)),
    has.has('block.count'),
  );
  const monitorMissed = balloon === 'partial' || block === 'partial';
  const vcpuTimes = any(/^vcpu\.\d+\.time$/) || !any(/^vcpu\.\d+\.state$/);

  const byGroup: Partial<Record<StatsGroup, Completeness>> = {
    state: when(has.has('state.state'), false),
    'cpu-total': when(has.has('cpu.time'), false),
    balloon,
    vcpu: when(has.has('vcpu.current') && vcpuTimes && !monitorMissed, has.has('vcpu.current')),
    interface: when(has.has('net.count'), false),
    block,
    // No IO threads, no fields: absence proves nothing unless the monitor was missed.
    iothread: when(has.has('iothread.count') || (names.length > 0 && !monitorMissed), false),
    // Counters of KVM: a guest without KVM, or an older libvirt, has none.
    vm: when(any(/^vm\./) || (names.length > 0 && !monitorMissed), false),
  };
  return {
    // perf, memory and the groups asked on request report only what is switched on: an answer
    // without them is whole.
    completeness: (group) => byGroup[group] ?? 'complete',
    unknownFields: names.filter((name) => !isKnownField(name)),
    isCpu: names.map((name) => groupOf(name) === 'cpu-total'),
  };
}

/** Collects one group over the domains of a page. */
export class GroupTally {
  #expected = 0;
  #complete = 0;
  #missing = 0;

  add(completeness: Completeness): void {
    this.#expected += 1;
    if (completeness === 'complete') this.#complete += 1;
    if (completeness === 'missing') this.#missing += 1;
  }

  /** With no domain that could have the group there is nothing that it lacks. */
  get result(): Completeness {
    if (this.#complete === this.#expected) return 'complete';
    return this.#missing === this.#expected ? 'missing' : 'partial';
  }
}
