import {
  VIR_DOMAIN_CRASHED,
  VIR_DOMAIN_EVENT_CRASHED,
  VIR_DOMAIN_EVENT_PMSUSPENDED,
  VIR_DOMAIN_EVENT_RESUMED,
  VIR_DOMAIN_EVENT_STARTED,
  VIR_DOMAIN_EVENT_STOPPED,
  VIR_DOMAIN_EVENT_SUSPENDED,
  VIR_DOMAIN_PAUSED,
  VIR_DOMAIN_PMSUSPENDED,
  VIR_DOMAIN_RUNNING,
  VIR_DOMAIN_SHUTOFF,
  domainStateName,
  domainStateReasonName,
} from 'node-libvirt/constants';

export type StateAndReason = { state: string; stateReason: string };

/** Lifecycle event → the state that it announces, with the reason for each detail, in order. */
const table = new Map<number, { state: number; reasons: readonly number[] }>([
  [VIR_DOMAIN_EVENT_STARTED, { state: VIR_DOMAIN_RUNNING, reasons: [1, 2, 3, 4, 8] }],
  [
    VIR_DOMAIN_EVENT_SUSPENDED,
    { state: VIR_DOMAIN_PAUSED, reasons: [1, 2, 5, 6, 1, 7, 14, 12, 13] },
  ],
  [VIR_DOMAIN_EVENT_RESUMED, { state: VIR_DOMAIN_RUNNING, reasons: [5, 2, 4, 10, 11] }],
  [VIR_DOMAIN_EVENT_STOPPED, { state: VIR_DOMAIN_SHUTOFF, reasons: [1, 2, 3, 4, 5, 6, 7] }],
  [VIR_DOMAIN_EVENT_PMSUSPENDED, { state: VIR_DOMAIN_PMSUSPENDED, reasons: [0, 0] }],
  [VIR_DOMAIN_EVENT_CRASHED, { state: VIR_DOMAIN_CRASHED, reasons: [1, 0] }],
]);

/**
 * The state that a lifecycle event alone announces. A hint, for when libvirt cannot be asked in
 * time: real orders surprise (RESUMED comes before STARTED at every QEMU start), so whoever can
 * asks. Nothing for DEFINED, UNDEFINED and SHUTDOWN, which leave the state as it was.
 */
export function stateByEvent(event: number, detail: number): StateAndReason | undefined {
  const line = table.get(event);
  return (
    line && {
      state: domainStateName(line.state),
      stateReason: domainStateReasonName(line.state, line.reasons[detail] ?? 0),
    }
  );
}
