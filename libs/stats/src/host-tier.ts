/**
 * The host itself, at a slow pace: its CPU time and memory, the free memory of its cells, and how
 * full its storage pools are. Priority calls that wait for no guest, made one after the other.
 */
import { subjects, type StatsCell, type StatsPage } from '@virtscope/contracts';
import { nextTurn, phaseOf } from './phase.ts';
import { cellOf, type CallTimes, type StatsValue } from './record.ts';
import { count, type SamplerEffect } from './sampler-io.ts';
import type { SamplerState } from './state.ts';

const tier = 'host';

/** Groups of a host's page; one whose calls failed, or that the driver lacks, is `missing`. */
export const hostGroups = ['cpu', 'memory', 'cell', 'pool'] as const;
export type HostGroup = (typeof hostGroups)[number];

/** What each group's calls said, by name without the group's own: `idle`, `0.free`. */
export type HostReading = Partial<Record<HostGroup, ReadonlyMap<string, StatsValue>>>;

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
    for (const [name, value] of reading[group] ?? [])
      hostFields[`${group}.${name}`] = cellOf(value);
  }
  const busy = busyPercent(hostTier.cpu, reading.cpu);
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
    groups: Object.fromEntries(
      hostGroups.map((group) => [group, reading[group] === undefined ? 'missing' : 'complete']),
    ),
    uuids: [],
    ids: [],
    columns: {},
    hostFields,
  };
  const subject = subjects.stats(state.host, tier, 0);
  effects.push({ type: 'publish', subject, page, startedMs: times.startedMs });
  return { ...state, hostTier: { ...hostTier, callId: undefined, sampleId, cpu: reading.cpu } };
}

/** Of all CPUs' time between two readings, the share that was not idle; absent after a restart. */
function busyPercent(before: HostReading['cpu'], after: HostReading['cpu']): number | undefined {
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
