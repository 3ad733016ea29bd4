/**
 * libvirt's stats groups: the bit that asks for one, the prefix of its fields, and the fields that
 * libvirt 9 to 12 is known to report. A field that no pattern knows is kept all the same and
 * counted, so that a newer libvirt's news reach the reader before we learn their names.
 */
import {
  VIR_DOMAIN_STATS_BALLOON,
  VIR_DOMAIN_STATS_BLOCK,
  VIR_DOMAIN_STATS_CPU_TOTAL,
  VIR_DOMAIN_STATS_DIRTYRATE,
  VIR_DOMAIN_STATS_INTERFACE,
  VIR_DOMAIN_STATS_IOTHREAD,
  VIR_DOMAIN_STATS_MEMORY,
  VIR_DOMAIN_STATS_PERF,
  VIR_DOMAIN_STATS_STATE,
  VIR_DOMAIN_STATS_VCPU,
  VIR_DOMAIN_STATS_VM,
} from 'node-libvirt/constants';

type Group = {
  bit: number;
  /** What stands before the first dot of its fields' names. */
  prefix: string;
  known: RegExp;
};

const kvmCounter = String.raw`[\w-]+\.(?:cur|sum|max)`;

const groups = {
  state: { bit: VIR_DOMAIN_STATS_STATE, prefix: 'state', known: /^state\.(?:state|reason)$/ },
  'cpu-total': {
    bit: VIR_DOMAIN_STATS_CPU_TOTAL,
    prefix: 'cpu',
    known:
      /^cpu\.(?:time|user|system|haltpoll\.(?:success|fail)\.time|cache\.monitor\.(?:count|\d+\.(?:name|vcpus|bank\.(?:count|\d+\.(?:id|bytes)))))$/,
  },
  balloon: {
    bit: VIR_DOMAIN_STATS_BALLOON,
    prefix: 'balloon',
    known:
      /^balloon\.(?:current|maximum|swap_in|swap_out|major_fault|minor_fault|unused|available|usable|rss|last-update|disk_caches|hugetlb_pgalloc|hugetlb_pgfail)$/,
  },
  vcpu: {
    bit: VIR_DOMAIN_STATS_VCPU,
    prefix: 'vcpu',
    known: new RegExp(
      String.raw`^vcpu\.(?:current|maximum|\d+\.(?:state|time|wait|delay|halted|${kvmCounter}))$`,
    ),
  },
  interface: {
    bit: VIR_DOMAIN_STATS_INTERFACE,
    prefix: 'net',
    known: /^net\.(?:count|\d+\.(?:name|[rt]x\.(?:bytes|pkts|errs|drop)))$/,
  },
  block: {
    bit: VIR_DOMAIN_STATS_BLOCK,
    prefix: 'block',
    known:
      /^block\.(?:count|\d+\.(?:name|path|backingIndex|(?:rd|wr|fl)\.(?:reqs|bytes|times)|errors|allocation|capacity|physical|threshold))$/,
  },
  perf: { bit: VIR_DOMAIN_STATS_PERF, prefix: 'perf', known: /^perf\.[a-z_]+$/ },
  iothread: {
    bit: VIR_DOMAIN_STATS_IOTHREAD,
    prefix: 'iothread',
    known: /^iothread\.(?:count|\d+\.poll-(?:max-ns|grow|shrink))$/,
  },
  memory: {
    bit: VIR_DOMAIN_STATS_MEMORY,
    prefix: 'memory',
    known:
      /^memory\.bandwidth\.monitor\.(?:count|\d+\.(?:name|vcpus|node\.(?:count|\d+\.(?:id|bytes\.(?:local|total)))))$/,
  },
  dirtyrate: {
    bit: VIR_DOMAIN_STATS_DIRTYRATE,
    prefix: 'dirtyrate',
    known:
      /^dirtyrate\.(?:calc_status|calc_start_time|calc_period|calc_mode|megabytes_per_second|vcpu\.\d+\.megabytes_per_second)$/,
  },
  vm: {
    bit: VIR_DOMAIN_STATS_VM,
    prefix: 'vm',
    known: new RegExp(String.raw`^vm\.${kvmCounter}$`),
  },
} satisfies Record<string, Group>;

export type StatsGroup = keyof typeof groups;

const groupByPrefix = new Map<string, StatsGroup>(
  (Object.keys(groups) as StatsGroup[]).map((name) => [groups[name].prefix, name]),
);

/** The group that a field belongs to; undefined when libvirt has a group that we do not know. */
export function groupOf(field: string): StatsGroup | undefined {
  const dot = field.indexOf('.');
  return groupByPrefix.get(dot < 0 ? field : field.slice(0, dot));
}

/** Before the fields of `domainGetJobStats`: they are of no stats group, and all are taken. */
export const jobPrefix = 'job.';

export function isKnownField(field: string): boolean {
  if (field.startsWith(jobPrefix)) return true;
  const group = groupOf(field);
  return group !== undefined && groups[group].known.test(field);
}

/** The `stats` argument of a call that asks for these groups. */
export function statsMask(asked: readonly StatsGroup[]): number {
  return asked.reduce((mask, group) => mask | groups[group].bit, 0);
}
