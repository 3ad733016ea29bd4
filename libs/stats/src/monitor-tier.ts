/**
 * The monitor tier: groups that need each QEMU's monitor. One call for all domains a turn; when it
 * hangs, control info tells at whom, and the others are asked again by name at once.
 */
import type { DomainUuid } from '@virtscope/contracts';
import { VIR_DOMAIN_CONTROL_OCCUPIED } from 'node-libvirt/constants';
import { asked, jobRead, jobsDue, nextJob, suspectJob } from './jobs.ts';
import { callEnded, occupied, probed, reachedMonitor, recheck, takeOut } from './breaker.ts';
import { statsMask } from './groups.ts';
import { publish, type HeldRow } from './publication.ts';
import { cpuTimeFell } from './rates.ts';
import type { CallTimes, DomainRef, Held, StatsRecord } from './record.ts';
import { count, type ControlAnswer, type JobReading, type SamplerEffect } from './sampler-io.ts';
import {
  activeDomains,
  monitorBudget,
  turnAfter,
  withMonitor,
  type MonitorCall,
  type SamplerState,
} from './state.ts';
import { deadlineMs } from './tier.ts';

/** A call is looked into after this long, or after twice what a round usually takes. */
export const firstSuspicionMs = 500;

/** The tier's interval grows at most so many times while the daemon is slow. */
export const maxSlowdown = 8;

/** A round that takes this share of the interval is slow. */
const slowShare = 0.5;

const tier = 'monitor';

/** Calls of this tier that libvirtd has, as far as we know, and what of the budget is lent out. */
export function monitorUsed({ monitor, fast }: SamplerState): number {
  let ghosts = 0;
  for (const { phase } of monitor.stuck.values()) if (phase === 'ghost') ghosts += 1;
  return monitor.calls.length + ghosts + (fast.abandoned === undefined ? 0 : 1);
}

/** Notes missed deadlines, and looks into the oldest call that takes suspiciously long. */
export function judgeMonitor(
  state: SamplerState,
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  let next = state;
  for (const call of state.monitor.calls) {
    if (call.missed || nowMs < call.deadlineMs) continue;
    effects.push(count(tier, 'deadline'));
    next = withCall(next, { ...call, missed: true });
    if (call.kind === 'round') next = slower(next, effects);
  }
  if (next.diagnosis !== undefined || !next.fast.open) return next;
  const suspect = next.monitor.calls.find((call) => isSuspect(call) && nowMs >= call.suspectMs);
  if (suspect === undefined) return next;
  const domains = candidates(next, suspect);
  const waitMs = Math.max(firstSuspicionMs, (nowMs - suspect.askedMs) / 4);
  next = withCall(next, { ...suspect, suspectMs: nowMs + waitMs });
  return domains.length === 0 ? next : diagnose(next, domains, suspect.id, effects);
}

export function turnMonitor(
  state: SamplerState,
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  const { open, turnMs } = state.monitor;
  if (!open || nowMs < turnMs) return state;
  const later = withMonitor(state, { turnMs: turnAfter(state, tier, nowMs) });
  const next = watchStuck(jobsDue(later), effects);
  if (roundOf(next) !== undefined) {
    effects.push(count(tier, 'skipped'));
    return next;
  }
  return askJob(askRound(next, nowMs, effects), nowMs, effects);
}

/** Asks all domains but those that are out; at the bound it pauses, and says so. */
function askRound(state: SamplerState, nowMs: number, effects: SamplerEffect[]): SamplerState {
  const { stuck, jobs } = state.monitor;
  if (monitorUsed(state) >= monitorBudget) {
    effects.push(count(tier, 'paused'));
    return published(state, { nowMs, paused: true }, effects);
  }
  if (stuck.size === 0 && jobs.size === 0) return ask(state, 'round', undefined, nowMs, effects);
  const domains = [...activeDomains(state).values()].filter(
    ({ uuid }) => !stuck.has(uuid) && !jobs.has(uuid),
  );
  // An empty list would ask for all.
  if (domains.length === 0) return published(state, { nowMs }, effects);
  return ask(state, 'round', domains, nowMs, effects);
}

function ask(
  state: SamplerState,
  kind: 'round' | 'probe',
  domains: readonly DomainRef[] | undefined,
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  const { groups, flags } = state.specs[tier];
  const callId = state.lastId + 1;
  effects.push({ type: 'sample', tier, callId, domains, stats: statsMask(groups), flags });
  return withNewCall(state, kind, domains, nowMs);
}

/** Asks the next domain in a job for its progress, as far as the budget goes. */
function askJob(state: SamplerState, nowMs: number, effects: SamplerEffect[]): SamplerState {
  const job = nextJob(state, monitorUsed(state));
  if (job === undefined) return state;
  const { domain } = job;
  effects.push({ type: 'readJob', callId: state.lastId + 1, domain });
  return withNewCall(asked(state, job), 'job', [domain], nowMs);
}

function withNewCall(
  state: SamplerState,
  kind: MonitorCall['kind'],
  domains: readonly DomainRef[] | undefined,
  nowMs: number,
): SamplerState {
  const id = state.lastId + 1;
  const deadline = deadlineMs(state.periods[tier]);
  const call: MonitorCall = {
    id,
    kind,
    domains,
    askedMs: nowMs,
    deadlineMs: nowMs + deadline,
    missed: false,
    suspectMs:
      nowMs + Math.min(Math.max(firstSuspicionMs, 2 * state.monitor.usualMs), deadline / 2),
    explained: false,
  };
  return withMonitor({ ...state, lastId: id }, { calls: [...state.monitor.calls, call] });
}

/** Probes each domain that is half open, as far as the budget goes. */
export function probeHalfOpen(
  state: SamplerState,
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  let next = state;
  if (!state.monitor.open) return state;
  for (const [uuid, held] of state.monitor.stuck) {
    if (held.phase !== 'half-open' || monitorUsed(next) >= monitorBudget) continue;
    next = ask(next, 'probe', [held.domain], nowMs, effects);
    const stuck = new Map(next.monitor.stuck);
    stuck.set(uuid, { ...held, phase: 'probing', callId: next.lastId });
    next = withMonitor(next, { stuck });
  }
  return next;
}

/** The end of a diagnosis: about a call that hangs, or about the domains that are out. */
export function monitorDiagnosed(
  state: SamplerState,
  callId: number | undefined,
  answers: readonly ControlAnswer[],
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  if (callId === undefined) {
    const found = takeOut(state, undefined, occupied(answers), nowMs, effects);
    const well = probeHalfOpen(recheck(found, answers, nowMs, effects), nowMs, effects);
    return askJob(suspectJobs(well, answers), nowMs, effects);
  }
  const call = state.monitor.calls.find(({ id }) => id === callId);
  if (call === undefined || call.explained) return state; // answered meanwhile
  const wasRound = roundOf(state)?.id === callId;
  const next = takeOut(state, call, occupied(answers), nowMs, effects);
  const explained = next.monitor.calls.find(({ id }) => id === callId)?.explained === true;
  if (!wasRound || !explained) return next;
  effects.push(count(tier, 're-asked'));
  return askRound(next, nowMs, effects);
}

/**
 * A monitor that was passed over and that nothing occupies belongs to a job, or did for a moment.
 * One that is occupied may hang, if not for long yet: no call is to wait behind that.
 */
function suspectJobs(state: SamplerState, answers: readonly ControlAnswer[]): SamplerState {
  const active = activeDomains(state);
  return answers.reduce((next, answer) => {
    if ('gone' in answer || answer.state === VIR_DOMAIN_CONTROL_OCCUPIED) return next;
    const domain = active.get(answer.uuid);
    return domain === undefined ? next : suspectJob(next, domain);
  }, state);
}

/** An event tells of a job of the domain: that it began, goes on or ended. */
export function jobHeard(
  state: SamplerState,
  uuid: DomainUuid,
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  const domain = activeDomains(state).get(uuid);
  return domain === undefined ? state : askJob(suspectJob(state, domain), nowMs, effects);
}

export function jobAnswered(
  state: SamplerState,
  answer: { callId: number; times: CallTimes; reading: JobReading },
  effects: SamplerEffect[],
): SamplerState {
  const { answeredMs } = answer.times;
  const next = probeHalfOpen(jobRead(state, answer, effects), answeredMs, effects);
  return askJob(next, answeredMs, effects);
}

export function monitorAnswered(
  state: SamplerState,
  answer: { callId: number; times: CallTimes; records: readonly StatsRecord[] },
  effects: SamplerEffect[],
): SamplerState {
  const { callId, times, records } = answer;
  const call = state.monitor.calls.find(({ id }) => id === callId);
  if (call === undefined) {
    effects.push(count(tier, 'unasked')); // P4
    return state;
  }
  if (call.missed) effects.push(count(tier, 'late'));
  const wasRound = roundOf(state)?.id === callId;
  const ended = withoutCall(state, callId);
  if (call.kind === 'probe') return probeAnswered(ended, call, answer, effects);
  if (wasRound) {
    const tookMs = times.answeredMs - times.startedMs;
    const paced = paceAfter(ended, tookMs, call.missed, effects);
    const next = published(paced, { nowMs: times.answeredMs, answer }, effects);
    return askJob(lookIntoHoles(next, records, effects), times.answeredMs, effects);
  }
  // It hung, and the others were asked again meanwhile: what is newer than theirs counts.
  const stuckOnes = records.filter(({ domain }) => state.monitor.stuck.has(domain.uuid));
  const kept = withMonitor(ended, {
    stuck: callEnded(ended.monitor.stuck, callId),
    last: keepNewer(ended, stuckOnes, times),
  });
  return probeHalfOpen(kept, times.answeredMs, effects);
}

/** One that is let back is published at once, with what is known of the others. */
function probeAnswered(
  state: SamplerState,
  call: MonitorCall,
  { times, records }: { times: CallTimes; records: readonly StatsRecord[] },
  effects: SamplerEffect[],
): SamplerState {
  const uuid = call.domains?.[0]?.uuid ?? '';
  const record = records.find(({ domain }) => domain.uuid === uuid);
  const stuck = probed(state.monitor.stuck, uuid, record ?? 'gone', effects);
  const next = withMonitor(state, { stuck });
  if (record === undefined) return next;
  if (stuck.has(uuid) || roundOf(next) !== undefined) {
    return withMonitor(next, { last: keepNewer(next, [record], times) });
  }
  const answer = { times, records: [record] };
  return published(next, { nowMs: times.answeredMs, answer, merged: true }, effects);
}

export function monitorFailed(
  state: SamplerState,
  callId: number,
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  const call = state.monitor.calls.find(({ id }) => id === callId);
  effects.push(count(tier, call === undefined ? 'unasked' : 'failed'));
  if (call === undefined) return state;
  const ended = withoutCall(state, callId);
  const uuid = call.domains?.[0]?.uuid ?? '';
  const stuck =
    call.kind === 'probe'
      ? probed(ended.monitor.stuck, uuid, 'failed', effects)
      : callEnded(ended.monitor.stuck, callId);
  return askJob(probeHalfOpen(withMonitor(ended, { stuck }), nowMs, effects), nowMs, effects);
}

/** The call that is to bring this interval's sample. */
export function roundOf({ monitor }: SamplerState): MonitorCall | undefined {
  return monitor.calls.find(({ kind }) => kind === 'round');
}

/** Whether a call's hanging would tell something new. */
export const isSuspect = ({ kind, explained }: MonitorCall): boolean =>
  kind !== 'probe' && !explained;

/** Whom a call that hangs may hang at. */
function candidates(state: SamplerState, call: MonitorCall): DomainRef[] {
  const { stuck } = state.monitor;
  return [...(call.domains ?? activeDomains(state).values())].filter(({ uuid }) => {
    const phase = stuck.get(uuid)?.phase;
    return phase === undefined || phase === 'watched';
  });
}

/**
 * With NOWAIT a domain at whose monitor another call hangs is passed over: it comes with holes, and
 * its control info tells whether it is stuck.
 */
function lookIntoHoles(
  state: SamplerState,
  records: readonly StatsRecord[],
  effects: SamplerEffect[],
): SamplerState {
  if (state.diagnosis !== undefined || !state.fast.open) return state;
  const domains = records.filter((record) => !reachedMonitor(record)).map(({ domain }) => domain);
  return domains.length === 0 ? state : diagnose(state, domains, undefined, effects);
}

/** Once a turn: how are those that are out? */
function watchStuck(state: SamplerState, effects: SamplerEffect[]): SamplerState {
  if (state.diagnosis !== undefined || !state.fast.open) return state;
  const domains = [...state.monitor.stuck.values()]
    .filter(({ phase }) => phase !== 'probing' && phase !== 'half-open')
    .map(({ domain }) => domain);
  return domains.length === 0 ? state : diagnose(state, domains, undefined, effects);
}

function diagnose(
  state: SamplerState,
  domains: readonly DomainRef[],
  callId: number | undefined,
  effects: SamplerEffect[],
): SamplerState {
  const id = state.lastId + 1;
  effects.push({ type: 'diagnose', diagnosisId: id, domains });
  return { ...state, lastId: id, diagnosis: { id, callId } };
}

type Publishing = {
  nowMs: number;
  /** Undefined: nobody could be asked, so the sample only repeats what is known. */
  answer?: { times: CallTimes; records: readonly StatsRecord[] };
  paused?: boolean;
  /** The answer is of some alone: the others stand beside it as they were. */
  merged?: boolean;
};

function published(
  state: SamplerState,
  { nowMs, answer, paused = false, merged = false }: Publishing,
  effects: SamplerEffect[],
): SamplerState {
  const { publishedStartMs, sampleId, last } = state.monitor;
  if (answer !== undefined && answer.times.startedMs <= publishedStartMs) {
    effects.push(count(tier, 'stale')); // P3
    return state;
  }
  const { groups } = state.specs[tier];
  const fresh = answer && { ...answer, asked: groups };
  const held = heldRows(state, answer?.records ?? [], paused, merged);
  const beside = [...state.monitor.jobs.values()].flatMap(({ progress }) => progress ?? []);
  const sample = publish(
    state,
    { tier, sampleId: sampleId + 1, last, fresh, held, beside, nowMs },
    effects,
  );
  for (const record of answer?.records ?? []) {
    const { domain } = record;
    if (cpuTimeFell(last.get(domain.uuid), record)) effects.push({ type: 'hint', domain });
  }
  return withMonitor(state, {
    sampleId: sampleId + 1,
    publishedStartMs: answer?.times.startedMs ?? publishedStartMs,
    last: sample.last,
  });
}

/** Domains that the answer lacks, with what is known of them: stuck, or not asked this time. */
function heldRows(
  state: SamplerState,
  records: readonly StatsRecord[],
  paused: boolean,
  merged: boolean,
): HeldRow[] {
  const { last, stuck, jobs, publishedStartMs } = state.monitor;
  const answered = new Set(records.map(({ domain }) => domain.uuid));
  const rows: HeldRow[] = [];
  for (const [uuid, { domain }] of stuck) {
    if (!answered.has(uuid)) rows.push({ domain, held: last.get(uuid), monitor: 'stuck' });
  }
  for (const [uuid, domain] of activeDomains(state)) {
    if (answered.has(uuid) || stuck.has(uuid)) continue;
    const held = last.get(uuid);
    if (jobs.has(uuid)) rows.push({ domain, held, kept: 'job' });
    else if (paused) rows.push({ domain, held, monitor: 'paused' });
    // Let back while the others were asked: its probe was its part of this sample.
    else if (held !== undefined && (merged || held.times.startedMs > publishedStartMs)) {
      rows.push({ domain, held });
    }
  }
  return rows;
}

/** `last` with those records that began later than what it has. */
function keepNewer(
  { monitor }: SamplerState,
  records: readonly StatsRecord[],
  times: CallTimes,
): ReadonlyMap<DomainUuid, Held> {
  const last = new Map(monitor.last);
  for (const record of records) {
    const before = last.get(record.domain.uuid)?.times.startedMs ?? Number.NEGATIVE_INFINITY;
    if (times.startedMs > before) last.set(record.domain.uuid, { record, times });
  }
  return last;
}

/** A slow daemon is asked less often; each round in good time brings it nearer to its pace. */
function paceAfter(
  state: SamplerState,
  tookMs: number,
  missed: boolean,
  effects: SamplerEffect[],
): SamplerState {
  const { usualMs, slowdown } = state.monitor;
  const next = withMonitor(state, {
    usualMs: usualMs === 0 ? tookMs : usualMs * 0.8 + tookMs * 0.2,
  });
  if (missed) return next; // slowed when it missed its deadline
  if (tookMs > state.periods[tier] * slowShare) return slower(next, effects);
  return slowdown === 1 ? next : withMonitor(next, { slowdown: slowdown / 2 });
}

function slower(state: SamplerState, effects: SamplerEffect[]): SamplerState {
  const { slowdown } = state.monitor;
  if (slowdown >= maxSlowdown) return state;
  effects.push(count(tier, 'slowed'));
  return withMonitor(state, { slowdown: slowdown * 2 });
}

function withCall(state: SamplerState, call: MonitorCall): SamplerState {
  const calls = state.monitor.calls.map((each) => (each.id === call.id ? call : each));
  return withMonitor(state, { calls });
}

function withoutCall(state: SamplerState, callId: number): SamplerState {
  return withMonitor(state, { calls: state.monitor.calls.filter(({ id }) => id !== callId) });
}
