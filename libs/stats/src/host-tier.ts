/**
 * The host itself, at a slow pace: its CPU time and memory, the free memory of its cells, how full its
 * storage pools are, and the addresses that its networks' DHCP servers lent. Calls that wait for no
 * guest, made one after the other.
 */
import { subjects, type StatsCell, type StatsPage } from '@virtscope/contracts';
import type { Completeness } from './completeness.ts';
import { nextTurn, phaseOf } from './phase.ts';
import { cellOf, type CallTimes, type StatsValue } from './record.ts';
import { count, type SamplerEffect } from './sampler-io.ts';
import type { SamplerState } from './state.ts';

const tier = 'host';

/** Groups of a host's page; one whose calls failed, or that the driver lacks, is `missing`. */
export const hostGroups = ['cpu', 'memory', 'cell', 'pool', 'lease'] as const;
export type HostGroup = (typeof hostGroups)[number];

/** What a group's calls said, by name without the group's own: `idle`, `0.free`. */
export type HostFields = {
  readonly fields: ReadonlyMap<string, StatsValue>;
  /** There is more than is told: a bound was met. */
  readonly cut?: boolean;
};
export type HostReading = Partial<Record<HostGroup, HostFields>>;

export function hostTurnAfter({ host, periods }: SamplerState, nowMs: number): number {
  return nextTurn(nowMs, periods.host, phaseOf(`${host} host`, periods.host));
}

/** Takes the turn when it is due; a reading that is still under way costs it. */
export function turnHost(
  state: SamplerState,
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  const { turnMs, callId } = state.hostTier;
  if (!state.fast.open || nowMs < turnMs) return state;
  const later = hostTurnAfter(state, nowMs);
  if (callId !== undefined) {
    effects.push(count(tier, 'skipped'));
    return { ...state, hostTier: { ...state.hostTier, turnMs: later } };
  }
  const id = state.lastId + 1;
  effects.push({ type: 'readHost', callId: id });
  return { ...state, lastId: id, hostTier: { ...state.hostTier, turnMs: later, callId: id } };
}

export function hostRead(
  state: SamplerState,
  { callId, times, reading }: { callId: number; times: CallTimes; reading: HostReading },
  effects: SamplerEffect[],
): SamplerState {
  const { hostTier } = state;
  if (hostTier.callId !== callId) {
    effects.push(count(tier, 'unasked'));
    return state;
  }
  const sampleId = hostTier.sampleId + 1;
  const hostFields: Record<string, StatsCell> = {};
  for (const group of hostGroups) {
    for (const [name, value] of reading[group]?.fields ?? []) {
      hostFields[`${group}.${name}`] = cellOf(value);
    }
  }
  const cpu = reading.cpu?.fields;
  const busy = busyPercent(hostTier.cpu, cpu);
  if (busy !== undefined) hostFields['cpu.busyPercent'] = busy;
  const page: StatsPage = {
    v: 1,
    host: state.host,
    tier,
    epoch: state.epoch,
    sampleId,
    page: 0,
    pages: 1,
    startedAt: new Date(times.startedWallMs).toISOString(),
    ageMs: Math.max(0, Math.ceil(times.answeredMs - times.startedMs)),
    intervalMs: state.periods.host,
    groups: Object.fromEntries(hostGroups.map((group) => [group, wholeness(reading[group])])),
    uuids: [],
    ids: [],
    columns: {},
    hostFields,
  };
  const subject = subjects.stats(state.host, tier, 0);
  effects.push({ type: 'publish', subject, page, startedMs: times.startedMs });
  return { ...state, hostTier: { ...hostTier, callId: undefined, sampleId, cpu } };
}

function wholeness(read: HostFields | undefined): Completeness {
  if (read === undefined) return 'missing';
  return read.cut === true ? 'partial' : 'complete';
}

/** Of all CPUs' time between two readings, the share that was not idle; absent after a restart. */
function busyPercent(
  before: HostFields['fields'] | undefined,
  after: HostFields['fields'] | undefined,
): number | undefined {
  if (before === undefined || after === undefined) return undefined;
  let total = 0;
  let idle = 0;
  for (const kind of ['kernel', 'user', 'idle', 'iowait']) {
    const delta = Number(after.get(kind) ?? 0) - Number(before.get(kind) ?? 0);
    if (!Number.isFinite(delta) || delta < 0) return undefined;
    total += delta;
    if (kind === 'idle' || kind === 'iowait') idle += delta;
  }
  return total > 0 ? Number(((100 * (total - idle)) / total).toPrecision(6)) : undefined;
}
