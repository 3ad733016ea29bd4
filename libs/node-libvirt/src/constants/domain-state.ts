/**
 * A domain's state and why it is in it (`virDomainState` and its reasons in libvirt-domain.h).
 * Numbers that this table does not know pass through as `unknown-<n>`: a newer libvirt may say more.
 */
export const VIR_DOMAIN_NOSTATE = 0;
export const VIR_DOMAIN_RUNNING = 1;
export const VIR_DOMAIN_BLOCKED = 2;
export const VIR_DOMAIN_PAUSED = 3;
export const VIR_DOMAIN_SHUTDOWN = 4;
export const VIR_DOMAIN_SHUTOFF = 5;
export const VIR_DOMAIN_CRASHED = 6;
export const VIR_DOMAIN_PMSUSPENDED = 7;

/** Index = state; each with its reasons, index = reason. */
const states: readonly { name: string; reasons: readonly string[] }[] = [
  { name: 'nostate', reasons: ['unknown'] },
  {
    name: 'running',
    reasons: [
      'unknown',
      'booted',
      'migrated',
      'restored',
      'from-snapshot',
      'unpaused',
      'migration-cancelled',
      'save-cancelled',
      'wakeup',
      'crashed',
      'postcopy',
      'postcopy-failed',
    ],
  },
  { name: 'blocked', reasons: ['unknown'] },
  {
    name: 'paused',
    reasons: [
      'unknown',
      'user',
      'migration',
      'save',
      'dump',
      'ioerror',
      'watchdog',
      'from-snapshot',
      'shutting-down',
      'snapshot',
      'crashed',
      'starting-up',
      'postcopy',
      'postcopy-failed',
      'api-error',
    ],
  },
  { name: 'shutdown', reasons: ['unknown', 'user'] },
  {
    name: 'shutoff',
    reasons: [
      'unknown',
      'shutdown',
      'destroyed',
      'crashed',
      'migrated',
      'saved',
      'failed',
      'from-snapshot',
      'daemon',
    ],
  },
  { name: 'crashed', reasons: ['unknown', 'panicked'] },
  { name: 'pmsuspended', reasons: ['unknown'] },
];

/** `running` for 1; `unknown-<n>` for a number of a later libvirt. */
export function domainStateName(state: number): string {
  return states[state]?.name ?? `unknown-${state}`;
}

/** `booted` for state 1, reason 1; `unknown-<n>` for numbers of a later libvirt. */
export function domainStateReasonName(state: number, reason: number): string {
  return states[state]?.reasons[reason] ?? `unknown-${reason}`;
}
