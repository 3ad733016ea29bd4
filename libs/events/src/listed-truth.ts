import { domainStateName, domainStateReasonName } from 'node-libvirt/constants';
import type { ListedDomain } from './feed-io.ts';
import type { Truth } from './row.ts';

/** What a list says of a domain; its call began at `startedMs` by the wall. */
export function listedTruth(listed: ListedDomain, startedMs: number): Omit<Truth, 'config'> {
  const { name, id, state, reason, persistent, autostart, managedSave } = listed;
  return {
    name,
    id: id < 0 ? null : id,
    state: domainStateName(state),
    stateReason: domainStateReasonName(state, reason),
    stateFrom: 'read',
    stateObservedMs: startedMs,
    persistent,
    autostart,
    managedSave,
  };
}
