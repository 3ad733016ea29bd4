import {
  VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE,
  VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING,
  VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
} from 'node-libvirt/constants';
import type { StatsGroup } from './groups.ts';

/** The tiers of a host's domains. */
export const samplerTiers = ['fast', 'monitor'] as const;
export type SamplerTier = (typeof samplerTiers)[number];

export type TierSpec = {
  groups: readonly StatsGroup[];
  /** Groups that are given up first when a call misses its deadline, and probed for later. */
  expendable: readonly StatsGroup[];
  flags: number;
};

export const tierSpecs: Readonly<Record<SamplerTier, TierSpec>> = {
  // Groups that never touch a QEMU monitor: no frozen guest can hold this call up. Inactive
  // domains too, as this tier is also the audit of state.
  fast: {
    groups: ['state', 'interface', 'perf', 'memory'],
    // It asks things outside of libvirtd (netlink, Open vSwitch) for each tap.
    expendable: ['interface'],
    flags: 0,
  },
  // Active domains only: `block` of an inactive one would open its image file.
  monitor: {
    groups: ['cpu-total', 'balloon', 'vcpu', 'block', 'iothread', 'vm'],
    expendable: [],
    flags: VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
  },
};

/** Asked only on request: `block` of whole backing chains, and measured dirty page rates. */
export const statsExtras = ['backing', 'dirtyrate'] as const;
export type StatsExtra = (typeof statsExtras)[number];

export function tierSpecsWith(
  extras: readonly StatsExtra[],
): Readonly<Record<SamplerTier, TierSpec>> {
  const { fast, monitor } = tierSpecs;
  return {
    fast,
    monitor: {
      ...monitor,
      groups: extras.includes('dirtyrate') ? [...monitor.groups, 'dirtyrate'] : monitor.groups,
      flags: extras.includes('backing')
        ? (monitor.flags | VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING) >>> 0
        : monitor.flags,
    },
  };
}

/** How often each tier takes its turn. */
export type SamplerPeriods = Readonly<Record<SamplerTier | 'host', number>>;

export const defaultPeriods: SamplerPeriods = { fast: 2_000, monitor: 10_000, host: 60_000 };

/** Share of its interval that a call may take. */
const deadlineShare = 0.75;

export function deadlineMs(periodMs: number): number {
  return periodMs * deadlineShare;
}
