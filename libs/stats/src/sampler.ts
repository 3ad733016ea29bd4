/**
 * The mind of one host's sampling. Pure: time, answers and failures come in, wishes go out.
 *
 * What it holds, whatever comes in:
 * - P1 libvirtd has at most five calls of a host's sampler that may hang: those of the fast tier
 *   (one, or a second beside one that hangs in `interface`) and those of the monitor tier, at most
 *   four together with the second one of the fast tier (L6). A call that hangs keeps its place
 *   until it is answered or its session is lost, also after its deadline: libvirtd still works on
 *   it. Turns that cost are skipped or paused, and counted, never caught up.
 * - P2 A tier's first call of a turn begins at most once in each interval of its grid (L2).
 * - P3 What is published never goes back: per tier each sample's call began after that of the one
 *   before, sample ids grow, epochs do not fall (T2).
 * - P4 Only what was asked under the present session is published; every other answer is counted.
 * - P5 One tier's trouble does not touch the other.
 * - P6 A domain at which a call hangs is not asked by another call until that one ended.
 * - P7 A domain in a job that wants its monitor is in no round: it is asked for the job's progress,
 *   once a turn and event, by one call.
 * - P8 A monitor that hangs is told once, and once that it is well or its domain no more, whichever
 *   sampler is there then.
 */
import type { Epoch, HostId } from '@virtscope/contracts';
import { hostRead, turnHost } from './host-tier.ts';
import { seenByFast, sessionLost } from './breaker.ts';
import { fastAnswered, fastFailed, judgeFast, turnFast } from './fast-tier.ts';
import {
  isSuspect,
  jobAnswered,
  jobHeard,
  judgeMonitor,
  monitorAnswered,
  monitorDiagnosed,
  monitorFailed,
  probeHalfOpen,
  turnMonitor,
} from './monitor-tier.ts';
import type { DomainRef } from './record.ts';
import { tellStuck, toldOf } from './stuck-telling.ts';
import type { SamplerEffect, SamplerInput } from './sampler-io.ts';
import { turnAfter, withFast, withMonitor, type SamplerState } from './state.ts';
import { tierSpecsWith, type SamplerPeriods, type StatsExtra } from './tier.ts';

/**
 * A host before its first session.
 *
 * @param before what earlier samplers of the host told: their highest epoch, and whom they left stuck
 */
export function startSampler(
  host: HostId,
  periods: SamplerPeriods,
  extras: readonly StatsExtra[] = [],
  before: { epoch: Epoch; stuck: readonly DomainRef[] } = { epoch: 0, stuck: [] },
): SamplerState {
  const tier = {
    open: false,
    turnMs: 0,
    sampleId: 0,
    publishedStartMs: Number.NEGATIVE_INFINITY,
    last: new Map(),
  };
  return {
    host,
    periods,
    specs: tierSpecsWith(extras),
    epoch: before.epoch,
    lastId: 0,
    fast: { ...tier, call: undefined, abandoned: undefined, reduced: undefined },
    monitor: {
      ...tier,
      calls: [],
      stuck: new Map(),
      jobs: new Map(),
      told: toldOf(before.stuck),
      usualMs: 0,
      slowdown: 1,
    },
    hostTier: { turnMs: 0, callId: undefined, sampleId: 0, cpu: undefined },
    diagnosis: undefined,
  };
}

export function stepSampler(
  state: SamplerState,
  input: SamplerInput,
): [SamplerState, SamplerEffect[]] {
  const effects: SamplerEffect[] = [];
  const next = tellStuck(state, advance(state, input, effects), effects);
  const atMs = nextWake(next);
  if (atMs !== undefined) effects.push({ type: 'wakeAt', atMs });
  return [next, effects];
}

function advance(state: SamplerState, input: SamplerInput, effects: SamplerEffect[]): SamplerState {
  switch (input.type) {
    case 'opened':
      return opened(state, input);
    case 'lost':
      return lost(state, input.tier);
    case 'woke': {
      const { nowMs } = input;
      const fast = turnFast(judgeFast(state, nowMs, effects), nowMs, effects);
      const judged = judgeMonitor(fast, nowMs, effects);
      const monitor = turnMonitor(probeHalfOpen(judged, nowMs, effects), nowMs, effects);
      return turnHost(monitor, nowMs, effects);
    }
    case 'sampled': {
      const { tier, callId, startedMs, startedWallMs, nowMs, records } = input;
      const answer = {
        callId,
        times: { startedMs, startedWallMs, answeredMs: nowMs },
        records,
      };
      if (tier === 'monitor') {
        return monitorAnswered(judgeMonitor(state, nowMs, effects), answer, effects);
      }
      const next = fastAnswered(judgeFast(state, nowMs, effects), answer, effects);
      return next.fast.sampleId === state.fast.sampleId ? next : seenByFast(next, effects);
    }
    case 'failed': {
      const { tier, callId, nowMs } = input;
      return tier === 'fast'
        ? fastFailed(judgeFast(state, nowMs, effects), callId, effects)
        : monitorFailed(judgeMonitor(state, nowMs, effects), callId, nowMs, effects);
    }
    case 'hostRead': {
      const { callId, startedMs, startedWallMs, nowMs, reading } = input;
      const times = { startedMs, startedWallMs, answeredMs: nowMs };
      return hostRead(state, { callId, times, reading }, effects);
    }
    case 'jobHeard':
      return jobHeard(state, input.uuid, input.nowMs, effects);
    case 'jobRead': {
      const { callId, startedMs, startedWallMs, nowMs, reading } = input;
      const times = { startedMs, startedWallMs, answeredMs: nowMs };
      return jobAnswered(judgeMonitor(state, nowMs, effects), { callId, times, reading }, effects);
    }
    case 'diagnosed': {
      if (state.diagnosis?.id !== input.diagnosisId) return state;
      const { callId } = state.diagnosis;
      const ended = { ...state, diagnosis: undefined };
      return monitorDiagnosed(ended, callId, input.answers, input.nowMs, effects);
    }
  }
}

function opened(
  state: SamplerState,
  { tier, epoch, nowMs }: Extract<SamplerInput, { type: 'opened' }>,
): SamplerState {
  const next = { ...state, epoch: Math.max(state.epoch, epoch) };
  if (tier === 'fast') {
    // Perhaps a new daemon: it is asked for everything again.
    const turnMs = turnAfter(next, tier, nowMs);
    // The host's first reading is made at once: its pace is slow.
    const hostTier = { ...next.hostTier, turnMs: nowMs, callId: undefined };
    return { ...withFast(next, { ...noFastCall, open: true, turnMs }), hostTier };
  }
  const unhurried = withMonitor(next, { open: true, calls: [], slowdown: 1, usualMs: 0 });
  return withMonitor(unhurried, { turnMs: turnAfter(unhurried, tier, nowMs) });
}

const noFastCall = { call: undefined, abandoned: undefined, reduced: undefined } as const;

function lost(state: SamplerState, tier: 'fast' | 'monitor'): SamplerState {
  if (tier === 'fast') {
    const hostTier = { ...state.hostTier, callId: undefined };
    return { ...withFast(state, { ...noFastCall, open: false }), hostTier, diagnosis: undefined };
  }
  const { stuck } = state.monitor;
  return withMonitor(state, {
    open: false,
    calls: [],
    stuck: sessionLost(stuck),
    jobs: new Map(),
  });
}

/** The earliest moment at which something is due. */
function nextWake({ fast, monitor, hostTier, diagnosis }: SamplerState): number | undefined {
  const due: number[] = [];
  if (fast.open) due.push(fast.turnMs, hostTier.turnMs);
  if (monitor.open) due.push(monitor.turnMs);
  if (fast.call?.missed === false) due.push(fast.call.deadlineMs);
  for (const call of monitor.calls) {
    if (!call.missed) due.push(call.deadlineMs);
    if (fast.open && diagnosis === undefined && isSuspect(call)) due.push(call.suspectMs);
  }
  return due.length === 0 ? undefined : Math.min(...due);
}
