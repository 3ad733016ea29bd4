/**
 * The fast tier: groups that no frozen guest can hold up, all domains in one call. `interface` may
 * hang all the same, as it asks the network beyond libvirtd; then the tier goes on without it.
 */
import { publish } from './publication.ts';
import type { CallTimes, StatsRecord } from './record.ts';
import { count, type SamplerEffect } from './sampler-io.ts';
import { monitorBudget, turnAfter, withFast, type FastCall, type SamplerState } from './state.ts';
import { statsMask } from './groups.ts';
import { deadlineMs } from './tier.ts';

/** Turns after which dropped groups are asked for again; each failed probe doubles it. */
export const firstProbeTurns = 15;
export const maxProbeTurns = 240;

const tier = 'fast';

/** Notes a call that missed its deadline; what is expendable is not asked again for a while. */
export function judgeFast(
  state: SamplerState,
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  const { call, reduced } = state.fast;
  if (call === undefined || call.missed || nowMs < call.deadlineMs) return state;
  effects.push(count(tier, 'deadline'));
  const missed = { call: { ...call, missed: true } };
  if (!asksExpendable(state, call)) return withFast(state, missed);
  if (reduced === undefined) effects.push(count(tier, 'groups-dropped'));
  const waitTurns =
    reduced === undefined ? firstProbeTurns : Math.min(reduced.waitTurns * 2, maxProbeTurns);
  return withFast(state, { ...missed, reduced: { waitTurns, turnsLeft: waitTurns } });
}

/** Takes the turn when it is due. */
export function turnFast(
  state: SamplerState,
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  const { open, turnMs, call, reduced } = state.fast;
  if (!open || nowMs < turnMs) return state;
  // P2: counted from now, so that turns slept through are not made up for.
  const later = { turnMs: turnAfter(state, tier, nowMs) };
  if (call !== undefined && !mayAbandon(state, call)) {
    effects.push(count(tier, 'skipped')); // P1
    return withFast(state, later);
  }
  const abandoned = call ?? state.fast.abandoned;
  const { groups, expendable, flags } = state.specs[tier];
  // One call that hangs in an expendable group is enough: no probe until it ended.
  const probing = reduced !== undefined && reduced.turnsLeft <= 1 && abandoned === undefined;
  const asked =
    reduced === undefined || probing
      ? groups
      : groups.filter((group) => !expendable.includes(group));
  const id = state.lastId + 1;
  const stats = statsMask(asked);
  effects.push({ type: 'sample', tier, callId: id, domains: undefined, stats, flags });
  return withFast(
    { ...state, lastId: id },
    {
      ...later,
      call: { id, deadlineMs: nowMs + deadlineMs(state.periods[tier]), missed: false, asked },
      abandoned,
      reduced: reduced && {
        ...reduced,
        turnsLeft: probing ? reduced.waitTurns : Math.max(1, reduced.turnsLeft - 1),
      },
    },
  );
}

export function fastAnswered(
  state: SamplerState,
  answer: { callId: number; times: CallTimes; records: readonly StatsRecord[] },
  effects: SamplerEffect[],
): SamplerState {
  const { call, abandoned, reduced } = state.fast;
  if (abandoned?.id === answer.callId) {
    effects.push(count(tier, 'late'));
    return published(withFast(state, { abandoned: undefined }), abandoned, answer, effects);
  }
  if (call?.id !== answer.callId) {
    effects.push(count(tier, 'unasked')); // P4
    return state;
  }
  if (call.missed) effects.push(count(tier, 'late'));
  const restored = reduced !== undefined && !call.missed && asksExpendable(state, call);
  if (restored) effects.push(count(tier, 'groups-restored'));
  const answered = { call: undefined, reduced: restored ? undefined : reduced };
  return published(withFast(state, answered), call, answer, effects);
}

export function fastFailed(
  state: SamplerState,
  callId: number,
  effects: SamplerEffect[],
): SamplerState {
  const { call, abandoned } = state.fast;
  const known = call?.id === callId || abandoned?.id === callId;
  effects.push(count(tier, known ? 'failed' : 'unasked'));
  return withFast(state, {
    call: call?.id === callId ? undefined : call,
    abandoned: abandoned?.id === callId ? undefined : abandoned,
  });
}

function published(
  state: SamplerState,
  call: FastCall,
  { times, records }: { times: CallTimes; records: readonly StatsRecord[] },
  effects: SamplerEffect[],
): SamplerState {
  const { publishedStartMs, sampleId, last } = state.fast;
  if (times.startedMs <= publishedStartMs) {
    effects.push(count(tier, 'stale')); // P3
    return state;
  }
  const fresh = { times, records, asked: call.asked };
  const sample = publish(state, { tier, sampleId: sampleId + 1, last, fresh, held: [] }, effects);
  return withFast(state, {
    sampleId: sampleId + 1,
    publishedStartMs: times.startedMs,
    last: sample.last,
  });
}

/** Whether the tier may go on beside a call that hangs: in an expendable group, and once (P1). */
function mayAbandon(state: SamplerState, call: FastCall): boolean {
  return (
    call.missed &&
    state.fast.abandoned === undefined &&
    asksExpendable(state, call) &&
    state.monitor.calls.length < monitorBudget
  );
}

function asksExpendable(state: SamplerState, call: FastCall): boolean {
  return state.specs[tier].expendable.some((group) => call.asked.includes(group));
}
