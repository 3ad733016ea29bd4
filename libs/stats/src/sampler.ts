/**
 * The mind of one host's sampling. Pure: time, answers and failures come in, wishes go out.
 *
 * What it holds, whatever comes in:
 * - P1 A tier has one call outstanding at most. One that hangs keeps its place until it is
 *   answered or its session is lost, also after its deadline: libvirtd still works on it (L6).
 *   The turns that it costs are skipped and counted, never caught up.
 * - P2 A tier's call begins at most once in each interval of its grid (L2).
 * - P3 What is published never goes back: per tier each sample's call began after that of the one
 *   before, sample ids grow, epochs do not fall (T2).
 * - P4 Only what was asked under the present session is published; every other answer is counted.
 * - P5 One tier's trouble does not touch the other.
 */
import { subjects, type Epoch, type HostId, type StatsPage } from '@virtscope/contracts';
import { statsMask, type StatsGroup } from './groups.ts';
import { paged } from './pages.ts';
import { nextTurn, phaseOf } from './phase.ts';
import type { StatsRecord } from './record.ts';
import {
  deadlineMs,
  samplerTiers,
  tierSpecs,
  type SamplerPeriods,
  type SamplerTier,
} from './tier.ts';

/** Turns after which dropped groups are asked for again; each failed probe doubles it. */
export const firstProbeTurns = 15;
export const maxProbeTurns = 240;

/** All `nowMs` and `startedMs` are readings of one monotonic clock. */
export type SamplerInput =
  /** A session of this tier is open. Its epoch is now the host's, for both tiers. */
  | { type: 'opened'; tier: SamplerTier; epoch: Epoch; nowMs: number }
  /** The tier's session ended: what it was asked will not be answered. */
  | { type: 'lost'; tier: SamplerTier }
  | { type: 'woke'; nowMs: number }
  | {
      type: 'sampled';
      tier: SamplerTier;
      callId: number;
      /** Read before the call was sent. */
      startedMs: number;
      /** The same moment by the wall's clock, for people. */
      startedWallMs: number;
      nowMs: number;
      records: readonly StatsRecord[];
    }
  /** libvirtd refused the call, or it could not be sent. */
  | { type: 'failed'; tier: SamplerTier; callId: number; nowMs: number };

/** What happened besides samples; each is counted by host and tier. */
export type Incident =
  /** A turn without a call, as the call before still hangs. */
  | 'skipped'
  /** A call missed its deadline. */
  | 'deadline'
  /** An answer came after its deadline; it is published with its true age. */
  | 'late'
  /** An answer that was not asked for under this session, or was answered before. */
  | 'unasked'
  /** An answer whose call began before that of what was published. */
  | 'stale'
  | 'failed'
  | 'groups-dropped'
  | 'groups-restored'
  /** A field whose name we do not know: kept. */
  | 'unknown-field'
  /** A field that no page can hold: left out. */
  | 'unfit-field';

export type SamplerEffect =
  /** Call libvirt, and answer with `sampled` or `failed` once, however late. */
  | { type: 'sample'; tier: SamplerTier; callId: number; stats: number; flags: number }
  | { type: 'publish'; subject: string; page: StatsPage; startedMs: number }
  | { type: 'count'; tier: SamplerTier; incident: Incident; by: number }
  /** Give `woke` at that time; replaces the wish before. */
  | { type: 'wakeAt'; atMs: number };

type Call = {
  readonly id: number;
  readonly deadlineMs: number;
  readonly missed: boolean;
  readonly asked: readonly StatsGroup[];
};

/** Expendable groups that are left out, until a probe among the tier's turns succeeds. */
type Reduced = { readonly waitTurns: number; readonly turnsLeft: number };

type TierState = {
  readonly open: boolean;
  readonly turnMs: number;
  readonly call: Call | undefined;
  readonly reduced: Reduced | undefined;
  readonly sampleId: number;
  /** When the call of the newest published sample began. */
  readonly publishedStartMs: number;
};

export type SamplerState = {
  readonly host: HostId;
  readonly periods: SamplerPeriods;
  readonly epoch: Epoch;
  readonly lastCallId: number;
  readonly tiers: Readonly<Record<SamplerTier, TierState>>;
};

/** A host before its first session. */
export function startSampler(host: HostId, periods: SamplerPeriods): SamplerState {
  const tier: TierState = {
    open: false,
    turnMs: 0,
    call: undefined,
    reduced: undefined,
    sampleId: 0,
    publishedStartMs: Number.NEGATIVE_INFINITY,
  };
  return { host, periods, epoch: 0, lastCallId: 0, tiers: { fast: tier, monitor: tier } };
}

export function stepSampler(
  state: SamplerState,
  input: SamplerInput,
): [SamplerState, SamplerEffect[]] {
  const effects: SamplerEffect[] = [];
  const next = advance(state, input, effects);
  const atMs = nextWake(next);
  if (atMs !== undefined) effects.push({ type: 'wakeAt', atMs });
  return [next, effects];
}

function advance(state: SamplerState, input: SamplerInput, effects: SamplerEffect[]): SamplerState {
  switch (input.type) {
    case 'opened':
      return opened(state, input);
    case 'lost':
      return withTier(state, input.tier, { open: false, call: undefined });
    case 'woke':
      return samplerTiers.reduce(
        (next, tier) => turn(judge(next, tier, input.nowMs, effects), tier, input.nowMs, effects),
        state,
      );
    case 'sampled':
      return sampled(judge(state, input.tier, input.nowMs, effects), input, effects);
    case 'failed':
      return failed(judge(state, input.tier, input.nowMs, effects), input, effects);
  }
}

function opened(
  state: SamplerState,
  { tier, epoch, nowMs }: Extract<SamplerInput, { type: 'opened' }>,
): SamplerState {
  return withTier({ ...state, epoch: Math.max(state.epoch, epoch) }, tier, {
    open: true,
    turnMs: turnAfter(state, tier, nowMs),
    call: undefined,
    // Perhaps a new daemon: it is asked for everything again.
    reduced: undefined,
  });
}

/** Notes a call that missed its deadline; what is expendable is not asked again for a while. */
function judge(
  state: SamplerState,
  tier: SamplerTier,
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  const { call, reduced } = state.tiers[tier];
  if (call === undefined || call.missed || nowMs < call.deadlineMs) return state;
  effects.push(count(tier, 'deadline'));
  const missed = { call: { ...call, missed: true } };
  if (!asksExpendable(call, tier)) return withTier(state, tier, missed);
  if (reduced === undefined) effects.push(count(tier, 'groups-dropped'));
  const waitTurns =
    reduced === undefined ? firstProbeTurns : Math.min(reduced.waitTurns * 2, maxProbeTurns);
  return withTier(state, tier, { ...missed, reduced: { waitTurns, turnsLeft: waitTurns } });
}

/** Takes the tier's turn when it is due. */
function turn(
  state: SamplerState,
  tier: SamplerTier,
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  const { open, turnMs, call, reduced } = state.tiers[tier];
  if (!open || nowMs < turnMs) return state;
  // P2: counted from now, so that turns slept through are not made up for.
  const later = { turnMs: turnAfter(state, tier, nowMs) };
  if (call !== undefined) {
    effects.push(count(tier, 'skipped')); // P1
    return withTier(state, tier, later);
  }
  const { groups, expendable, flags } = tierSpecs[tier];
  const probing = reduced !== undefined && reduced.turnsLeft <= 1;
  const asked =
    reduced === undefined || probing
      ? groups
      : groups.filter((group) => !expendable.includes(group));
  const id = state.lastCallId + 1;
  effects.push({ type: 'sample', tier, callId: id, stats: statsMask(asked), flags });
  return withTier({ ...state, lastCallId: id }, tier, {
    ...later,
    call: { id, deadlineMs: nowMs + deadlineMs(state.periods[tier]), missed: false, asked },
    reduced: reduced && {
      ...reduced,
      turnsLeft: probing ? reduced.waitTurns : reduced.turnsLeft - 1,
    },
  });
}

function sampled(
  state: SamplerState,
  {
    tier,
    callId,
    startedMs,
    startedWallMs,
    nowMs,
    records,
  }: Extract<SamplerInput, { type: 'sampled' }>,
  effects: SamplerEffect[],
): SamplerState {
  const { call, reduced, sampleId: lastSampleId, publishedStartMs } = state.tiers[tier];
  if (call?.id !== callId) {
    effects.push(count(tier, 'unasked')); // P4
    return state;
  }
  if (call.missed) effects.push(count(tier, 'late'));
  const restored = reduced !== undefined && !call.missed && asksExpendable(call, tier);
  if (restored) effects.push(count(tier, 'groups-restored'));
  const answered = { call: undefined, reduced: restored ? undefined : reduced };
  if (startedMs <= publishedStartMs) {
    effects.push(count(tier, 'stale')); // P3
    return withTier(state, tier, answered);
  }
  const sampleId = lastSampleId + 1;
  const { pages, unknownFields, unfitFields } = paged({
    host: state.host,
    tier,
    epoch: state.epoch,
    sampleId,
    startedAt: new Date(startedWallMs).toISOString(),
    // Rounded up: an age may be told too high, never too low.
    ageMs: Math.max(0, Math.ceil(nowMs - startedMs)),
    intervalMs: state.periods[tier],
    groups: tierSpecs[tier].groups,
    asked: call.asked,
    records,
  });
  if (unknownFields.size > 0) effects.push(count(tier, 'unknown-field', unknownFields.size));
  if (unfitFields > 0) effects.push(count(tier, 'unfit-field', unfitFields));
  for (const page of pages) {
    const subject = subjects.stats(state.host, tier, page.page);
    effects.push({ type: 'publish', subject, page, startedMs });
  }
  return withTier(state, tier, { ...answered, sampleId, publishedStartMs: startedMs });
}

function failed(
  state: SamplerState,
  { tier, callId }: Extract<SamplerInput, { type: 'failed' }>,
  effects: SamplerEffect[],
): SamplerState {
  if (state.tiers[tier].call?.id !== callId) {
    effects.push(count(tier, 'unasked')); // P4
    return state;
  }
  effects.push(count(tier, 'failed'));
  return withTier(state, tier, { call: undefined });
}

/** The earliest moment at which something is due. */
function nextWake({ tiers }: SamplerState): number | undefined {
  let atMs: number | undefined;
  for (const tier of samplerTiers) {
    const { open, turnMs, call } = tiers[tier];
    if (open) atMs = Math.min(atMs ?? turnMs, turnMs);
    if (call?.missed === false) atMs = Math.min(atMs ?? call.deadlineMs, call.deadlineMs);
  }
  return atMs;
}

function turnAfter({ host, periods }: SamplerState, tier: SamplerTier, nowMs: number): number {
  return nextTurn(nowMs, periods[tier], phaseOf(`${host} ${tier}`, periods[tier]));
}

function asksExpendable(call: Call, tier: SamplerTier): boolean {
  return tierSpecs[tier].expendable.some((group) => call.asked.includes(group));
}

function count(tier: SamplerTier, incident: Incident, by = 1): SamplerEffect {
  return { type: 'count', tier, incident, by };
}

function withTier(
  state: SamplerState,
  tier: SamplerTier,
  change: Partial<TierState>,
): SamplerState {
  return { ...state, tiers: { ...state.tiers, [tier]: { ...state.tiers[tier], ...change } } };
}
