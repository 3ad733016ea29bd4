/**
 * The circuit breakers of a host's domains: who is out of the monitor tier, why, and what lets it
 * back. A domain comes back only after a call that asked it alone was answered whole.
 */
import type { DomainUuid } from '@virtscope/contracts';
import { VIR_DOMAIN_CONTROL_OCCUPIED } from 'node-libvirt/constants';
import { recordFacts } from './completeness.ts';
import type { DomainRef, StatsRecord } from './record.ts';
import { count, type ControlAnswer, type SamplerEffect } from './sampler-io.ts';
import {
  activeDomains,
  withMonitor,
  withoutEnded,
  type MonitorCall,
  type SamplerState,
  type Stuck,
} from './state.ts';

/** A monitor that has been occupied for this long hangs, as far as a sample is concerned. */
export const stuckAfterMs = 400;

/**
 * A monitor that was occupied longer than our call is under way is held by somebody else's call;
 * both clocks are read at different ends of a socket.
 */
const othersCallSlackMs = 500;

type StuckMap = ReadonlyMap<DomainUuid, Stuck>;

/** Of what control info said, those whose monitor hangs. */
export function occupied(answers: readonly ControlAnswer[]): { uuid: string; forMs: number }[] {
  return answers.flatMap((answer) =>
    !('gone' in answer) &&
    answer.state === VIR_DOMAIN_CONTROL_OCCUPIED &&
    answer.stateTimeMs >= stuckAfterMs
      ? [{ uuid: answer.uuid, forMs: answer.stateTimeMs }]
      : [],
  );
}

/**
 * Takes out the domains whose monitors hang: those at which `call` does, and those that somebody
 * else's call occupies, or one that nobody asked about.
 */
export function takeOut(
  state: SamplerState,
  call: MonitorCall | undefined,
  found: readonly { uuid: string; forMs: number }[],
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  const stuck = new Map(state.monitor.stuck);
  const active = activeDomains(state);
  let explained = false;
  for (const { uuid, forMs } of found) {
    const domain = stuck.get(uuid)?.domain ?? active.get(uuid);
    if (domain === undefined) continue;
    if (!stuck.has(uuid)) effects.push(count('monitor', 'stuck', 1, uuid));
    if (call !== undefined && forMs <= nowMs - call.askedMs + othersCallSlackMs) {
      explained = true;
      stuck.set(uuid, { domain, phase: 'hanging', callId: call.id });
    } else if (!stuck.has(uuid)) {
      stuck.set(uuid, { domain, phase: 'watched', callId: undefined });
    }
  }
  const calls = state.monitor.calls.map((each) =>
    each.id === call?.id && explained ? { ...each, kind: 'given-up' as const, explained } : each,
  );
  const jobs = withoutEnded(state.monitor.jobs, ({ domain }) => !stuck.has(domain.uuid));
  return withMonitor(state, { stuck, calls, jobs });
}

/** What control info says of those that are out: a monitor that is free again may be probed. */
export function recheck(
  state: SamplerState,
  answers: readonly ControlAnswer[],
  nowMs: number,
  effects: SamplerEffect[],
): SamplerState {
  const stuck = new Map(state.monitor.stuck);
  const freed = new Set<number>();
  for (const answer of answers) {
    const held = stuck.get(answer.uuid);
    if (held === undefined || held.phase === 'half-open') continue;
    if (!('gone' in answer) && answer.state === VIR_DOMAIN_CONTROL_OCCUPIED) continue;
    if (held.phase === 'probing') continue;
    if (held.callId !== undefined) freed.add(held.callId);
    if ('gone' in answer) letBack(stuck, answer.uuid, effects);
    else stuck.set(answer.uuid, { ...held, phase: 'half-open', callId: undefined });
  }
  // A call whose culprit is well and that still hangs, hangs at another domain by now.
  const calls = state.monitor.calls.map((call) =>
    freed.has(call.id) && !hangsAtAny(stuck, call.id)
      ? { ...call, explained: false, suspectMs: nowMs }
      : call,
  );
  return withMonitor(state, { stuck, calls });
}

/** A call ended: the domains at which it hung may be probed. */
export function callEnded(stuck: StuckMap, callId: number): StuckMap {
  if (!hangsAtAny(stuck, callId)) return stuck;
  return new Map(
    [...stuck].map(([uuid, held]) => [
      uuid,
      held.callId === callId ? { ...held, phase: 'half-open', callId: undefined } : held,
    ]),
  );
}

/**
 * A probe ended. It lets the domain back if its record is whole; a domain that is not there any
 * more has no breaker; anything else waits for what control info says.
 */
export function probed(
  stuck: StuckMap,
  uuid: DomainUuid,
  record: StatsRecord | 'gone' | 'failed',
  effects: SamplerEffect[],
): StuckMap {
  const held = stuck.get(uuid);
  if (held === undefined) return stuck;
  const next = new Map(stuck);
  if (record === 'gone' || (record !== 'failed' && reachedMonitor(record))) {
    letBack(next, uuid, effects);
  } else {
    next.set(uuid, { ...held, phase: 'watched', callId: undefined });
  }
  return next;
}

/** The fast tier's newest sample: a new run of a domain has a new monitor, a stopped one none. */
export function seenByFast(state: SamplerState, effects: SamplerEffect[]): SamplerState {
  if (state.monitor.stuck.size === 0 && state.monitor.jobs.size === 0) return state;
  const runs = ({ domain }: { domain: DomainRef }): boolean =>
    state.fast.last.get(domain.uuid)?.record.domain.id === domain.id;
  const stuck = new Map(state.monitor.stuck);
  for (const [uuid, held] of stuck) if (!runs(held)) letBack(stuck, uuid, effects);
  return withMonitor(state, { stuck, jobs: withoutEnded(state.monitor.jobs, runs) });
}

/** The session is lost. What hung may hang on in libvirtd; it is counted until its domain is well. */
export function sessionLost(stuck: StuckMap): StuckMap {
  return new Map(
    [...stuck].map(([uuid, held]) => [
      uuid,
      held.callId === undefined ? held : { ...held, phase: 'ghost', callId: undefined },
    ]),
  );
}

function letBack(stuck: Map<DomainUuid, Stuck>, uuid: DomainUuid, effects: SamplerEffect[]): void {
  stuck.delete(uuid);
  effects.push(count('monitor', 'unstuck', 1, uuid));
}

function hangsAtAny(stuck: StuckMap, callId: number): boolean {
  for (const held of stuck.values()) if (held.callId === callId) return true;
  return false;
}

/** With NOWAIT, a domain whose job is held by another call comes back without its monitor's word. */
export function reachedMonitor({ params }: StatsRecord): boolean {
  const facts = recordFacts(params.names);
  return facts.completeness('balloon') !== 'partial' && facts.completeness('block') !== 'partial';
}
