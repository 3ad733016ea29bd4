/** What the mind of one host's sampling remembers. */
import type { DomainUuid, Epoch, HostId } from '@virtscope/contracts';
import type { StatsGroup } from './groups.ts';
import { nextTurn, phaseOf } from './phase.ts';
import type { HostFields } from './host-tier.ts';
import type { CallTimes, DomainRef, Held, StatsRecord } from './record.ts';
import type { SamplerPeriods, SamplerTier, TierSpec } from './tier.ts';

/** Calls that libvirtd may have of the monitor tier at a time, abandoned ones included (L6). */
export const monitorBudget = 4;

export type FastCall = {
  readonly id: number;
  readonly deadlineMs: number;
  readonly missed: boolean;
  readonly asked: readonly StatsGroup[];
};

/** Expendable groups that are left out, until a probe among the tier's turns succeeds. */
export type Reduced = { readonly waitTurns: number; readonly turnsLeft: number };

type TierState = {
  readonly open: boolean;
  readonly turnMs: number;
  readonly sampleId: number;
  /** When the call of the newest published sample began. */
  readonly publishedStartMs: number;
  /** Each domain's newest record. */
  readonly last: ReadonlyMap<DomainUuid, Held>;
};

export type FastState = TierState & {
  readonly call: FastCall | undefined;
  /** A call that asked for an expendable group and hangs: given up, and still counted. */
  readonly abandoned: FastCall | undefined;
  readonly reduced: Reduced | undefined;
};

export type MonitorCall = {
  readonly id: number;
  /**
   * A round brings the interval's sample; one that hangs is given up, and another takes its turn.
   * `job` asks one domain for its job's progress.
   */
  readonly kind: 'round' | 'probe' | 'job' | 'given-up';
  /** Undefined: all active ones. */
  readonly domains: readonly DomainRef[] | undefined;
  readonly askedMs: number;
  readonly deadlineMs: number;
  readonly missed: boolean;
  /** When it is looked into whether it hangs, if it is not answered by then. */
  readonly suspectMs: number;
  /** It is known at whom it hangs. */
  readonly explained: boolean;
};

/**
 * A domain that is out of the monitor tier.
 * - `hanging`: call `callId` hangs at it.
 * - `watched`: its monitor is occupied by somebody's call; control info tells when that ends.
 * - `ghost`: as `watched`, by a call of ours whose session was lost: it still counts (L6).
 * - `half-open`: its monitor seems well; it is probed alone.
 * - `probing`: call `callId` asks it alone.
 */
export type Stuck = {
  readonly domain: DomainRef;
  readonly phase: 'hanging' | 'watched' | 'ghost' | 'half-open' | 'probing';
  readonly callId: number | undefined;
};

/** A domain in a migration or another job that wants its monitor: out of the rounds, see jobs.ts. */
export type Job = {
  readonly domain: DomainRef;
  /** What it said of its progress last; undefined until it was asked. */
  readonly progress: { readonly record: StatsRecord; readonly times: CallTimes } | undefined;
  /** It is to be asked in this turn. */
  readonly due: boolean;
};

export type MonitorState = TierState & {
  /** Calls under way, hanging ones included; bounded by {@link monitorBudget}. */
  readonly calls: readonly MonitorCall[];
  readonly stuck: ReadonlyMap<DomainUuid, Stuck>;
  readonly jobs: ReadonlyMap<DomainUuid, Job>;
  /** Those that were told stuck and not yet well, as they were then; see stuck-telling.ts. */
  readonly told: ReadonlyMap<DomainUuid, DomainRef>;
  /** How long a round usually takes. */
  readonly usualMs: number;
  /** Turns come every so many periods: 1, or more while the daemon is slow. */
  readonly slowdown: number;
};

/** The host's own figures; they are read while the fast tier's session is open. */
export type HostTierState = {
  readonly turnMs: number;
  readonly callId: number | undefined;
  readonly sampleId: number;
  /** The reading before, for what is derived from two. */
  readonly cpu: HostFields['fields'] | undefined;
};

export type SamplerState = {
  readonly host: HostId;
  readonly periods: SamplerPeriods;
  readonly specs: Readonly<Record<SamplerTier, TierSpec>>;
  readonly epoch: Epoch;
  /** Of calls and diagnoses. */
  readonly lastId: number;
  readonly fast: FastState;
  readonly monitor: MonitorState;
  readonly hostTier: HostTierState;
  /** The diagnosis under way; `callId` is the call that it is about, if it is about one. */
  readonly diagnosis: { readonly id: number; readonly callId: number | undefined } | undefined;
};

export function withFast(state: SamplerState, change: Partial<FastState>): SamplerState {
  return { ...state, fast: { ...state.fast, ...change } };
}

export function withMonitor(state: SamplerState, change: Partial<MonitorState>): SamplerState {
  return { ...state, monitor: { ...state.monitor, ...change } };
}

/** The tier's next turn; turns slept through are not made up for. */
export function turnAfter(state: SamplerState, tier: SamplerTier, nowMs: number): number {
  const periodMs = state.periods[tier] * (tier === 'monitor' ? state.monitor.slowdown : 1);
  return nextTurn(nowMs, periodMs, phaseOf(`${state.host} ${tier}`, state.periods[tier]));
}

/** Domains that run, as far as known: what the fast tier saw last, or else this tier. */
export function activeDomains(state: SamplerState): Map<DomainUuid, DomainRef> {
  const last = state.fast.last.size > 0 ? state.fast.last : state.monitor.last;
  const active = new Map<DomainUuid, DomainRef>();
  for (const [uuid, { record }] of last) {
    if (record.domain.id >= 0) active.set(uuid, record.domain);
  }
  return active;
}

/** Of the domains in jobs those that still run as they did, and are not out for another reason. */
export function withoutEnded(
  jobs: ReadonlyMap<DomainUuid, Job>,
  stays: (job: Job) => boolean,
): ReadonlyMap<DomainUuid, Job> {
  if ([...jobs.values()].every(stays)) return jobs;
  return new Map([...jobs].filter(([, job]) => stays(job)));
}
