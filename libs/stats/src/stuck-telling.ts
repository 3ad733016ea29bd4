/**
 * What is told of monitors that hang: once when a domain is taken out, once when it is well again or
 * is no more. What an earlier sampler told counts as told: its domains are told well by the first
 * answer of theirs that comes here, and are not told stuck again.
 */
import type { DomainUuid } from '@virtscope/contracts';
import { reachedMonitor } from './breaker.ts';
import type { DomainRef } from './record.ts';
import type { SamplerEffect } from './sampler-io.ts';
import { withMonitor, type SamplerState } from './state.ts';

export function tellStuck(
  before: SamplerState,
  state: SamplerState,
  effects: SamplerEffect[],
): SamplerState {
  const { stuck, told } = state.monitor;
  if (stuck.size === 0 && told.size === 0) return state;
  const next = new Map(told);
  for (const [uuid, { domain }] of stuck) {
    if (next.has(uuid)) continue;
    next.set(uuid, domain);
    effects.push({ type: 'tell', kind: 'monitor-stuck', domain });
  }
  for (const [uuid, domain] of told) {
    const because = stuck.has(uuid) ? undefined : recovery(before, state, domain);
    if (because === undefined) continue;
    next.delete(uuid);
    effects.push({ type: 'tell', kind: 'monitor-recovered', domain, because });
  }
  return withMonitor(state, { told: next });
}

/** Why it is told no more; undefined while nobody knows that it is over. */
function recovery(
  before: SamplerState,
  { fast, monitor }: SamplerState,
  { uuid, id }: DomainRef,
): 'answered' | 'ended' | undefined {
  const held = monitor.last.get(uuid);
  if (before.monitor.stuck.has(uuid)) {
    // Its breaker has just closed: that took its answer, or its end.
    return held !== undefined && held !== before.monitor.last.get(uuid) ? 'answered' : 'ended';
  }
  // An earlier sampler told it: whatever is known of it here is news.
  if (fast.last.size > 0 && fast.last.get(uuid)?.record.domain.id !== id) return 'ended';
  return held !== undefined && reachedMonitor(held.record) ? 'answered' : undefined;
}

/** Of what the bus says was told last. */
export function toldOf(domains: readonly DomainRef[]): ReadonlyMap<DomainUuid, DomainRef> {
  return new Map(domains.map((domain) => [domain.uuid, domain]));
}
