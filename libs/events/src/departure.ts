/** Whether a domain that is gone here may run elsewhere: nobody must take a move for an end (T6). */
import type { DepartureKind } from '@virtscope/contracts';
import { VIR_DOMAIN_EVENT_STOPPED_MIGRATED } from 'node-libvirt/constants';
import type { DomainEntry } from './domain-entry.ts';

/** By the detail of a STOPPED. */
export function departureBy(detail: number): DepartureKind | undefined {
  return detail === VIR_DOMAIN_EVENT_STOPPED_MIGRATED ? 'migrated' : undefined;
}

/**
 * libvirt has it, under this id or (negative) without a process. From now on its stop would be
 * heard; that its process left is forgotten only when there is one again, as its definition may
 * stay behind and be undefined later.
 */
export function seenHere(entry: DomainEntry, id: number): void {
  if (id >= 0 || entry.departure === 'unseen') entry.departure = undefined;
}

/** Its process went to another host, where its story goes on: what is left here is no end of it. */
export function hasLeft({ truth, departure }: Pick<DomainEntry, 'truth' | 'departure'>): boolean {
  if (truth === undefined) return departure === 'migrated';
  return truth.state === 'shutoff' && truth.stateReason === 'migrated';
}
