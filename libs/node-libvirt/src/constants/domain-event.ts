/**
 * Names for the numbers in domain events (`virDomainEvent*` in libvirt-domain.h). Numbers that
 * these tables do not know pass through as `unknown-<n>`.
 */
export const VIR_DOMAIN_EVENT_DEFINED = 0;
export const VIR_DOMAIN_EVENT_UNDEFINED = 1;
export const VIR_DOMAIN_EVENT_STARTED = 2;
export const VIR_DOMAIN_EVENT_SUSPENDED = 3;
export const VIR_DOMAIN_EVENT_RESUMED = 4;
export const VIR_DOMAIN_EVENT_STOPPED = 5;
export const VIR_DOMAIN_EVENT_SHUTDOWN = 6;
export const VIR_DOMAIN_EVENT_PMSUSPENDED = 7;
export const VIR_DOMAIN_EVENT_CRASHED = 8;

export const VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN = 0;
export const VIR_DOMAIN_EVENT_STOPPED_DESTROYED = 1;
export const VIR_DOMAIN_EVENT_STOPPED_CRASHED = 2;
export const VIR_DOMAIN_EVENT_STOPPED_MIGRATED = 3;
export const VIR_DOMAIN_EVENT_STOPPED_SAVED = 4;
export const VIR_DOMAIN_EVENT_STOPPED_FAILED = 5;
export const VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT = 6;

/** Index = lifecycle event; each with its details, index = detail. */
const lifecycle: readonly { name: string; details: readonly string[] }[] = [
  { name: 'defined', details: ['added', 'updated', 'renamed', 'from-snapshot'] },
  { name: 'undefined', details: ['removed', 'renamed'] },
  { name: 'started', details: ['booted', 'migrated', 'restored', 'from-snapshot', 'wakeup'] },
  {
    name: 'suspended',
    details: [
      'paused',
      'migrated',
      'ioerror',
      'watchdog',
      'restored',
      'from-snapshot',
      'api-error',
      'postcopy',
      'postcopy-failed',
    ],
  },
  {
    name: 'resumed',
    details: ['unpaused', 'migrated', 'from-snapshot', 'postcopy', 'postcopy-failed'],
  },
  {
    name: 'stopped',
    details: ['shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot'],
  },
  { name: 'shutdown', details: ['finished', 'guest', 'host'] },
  { name: 'pmsuspended', details: ['memory', 'disk'] },
  { name: 'crashed', details: ['panicked', 'crashloaded'] },
];

/** `started` for 2; `unknown-<n>` for a number of a later libvirt. */
export function lifecycleEventName(event: number): string {
  return lifecycle[event]?.name ?? `unknown-${event}`;
}

/** `migrated` for event 5 (stopped), detail 3; `unknown-<n>` for numbers of a later libvirt. */
export function lifecycleDetailName(event: number, detail: number): string {
  return lifecycle[event]?.details[detail] ?? `unknown-${detail}`;
}

const namer =
  (names: readonly string[]) =>
  (value: number): string =>
    names[value] ?? `unknown-${value}`;

/** Action of a `watchdog` event. */
export const watchdogActionName: (action: number) => string = namer([
  'none',
  'pause',
  'reset',
  'poweroff',
  'shutdown',
  'debug',
  'inject-nmi',
]);
/** Action of an `io-error` or `io-error-reason` event. */
export const ioErrorActionName: (action: number) => string = namer(['none', 'pause', 'report']);
/** Phase of a `graphics` event. */
export const graphicsPhaseName: (phase: number) => string = namer([
  'connect',
  'initialize',
  'disconnect',
]);
/** Address family of a `graphics` event's end. */
export const graphicsFamilyName: (family: number) => string = namer(['ipv4', 'ipv6', 'unix']);
/** Type of a block job, in `block-job` and `block-job-2`. */
export const blockJobTypeName: (type: number) => string = namer([
  'unknown',
  'pull',
  'copy',
  'commit',
  'active-commit',
  'backup',
]);
/** Status of a block job, in `block-job` and `block-job-2`. */
export const blockJobStatusName: (status: number) => string = namer([
  'completed',
  'failed',
  'cancelled',
  'ready',
]);
/** Reason of a `disk-change` event. */
export const diskChangeReasonName: (reason: number) => string = namer([
  'changed-missing-on-start',
  'dropped-missing-on-start',
]);
/** Reason of a `tray-change` event. */
export const trayChangeReasonName: (reason: number) => string = namer(['open', 'close']);
/** State of an `agent-lifecycle` event; 1 is the first that libvirt defines. */
export const agentLifecycleStateName: (state: number) => string = namer([
  'unknown',
  'connected',
  'disconnected',
]);
/** Reason of an `agent-lifecycle` event. */
export const agentLifecycleReasonName: (reason: number) => string = namer([
  'unknown',
  'domain-started',
  'channel',
]);
/** Type of a `metadata-change` event, and of `domainGetMetadata`. */
export const metadataTypeName: (type: number) => string = namer([
  'description',
  'title',
  'element',
]);
/** Recipient of a `memory-failure` event. */
export const memoryFailureRecipientName: (recipient: number) => string = namer([
  'hypervisor',
  'guest',
]);
/** Action of a `memory-failure` event. */
export const memoryFailureActionName: (action: number) => string = namer([
  'ignore',
  'inject',
  'fatal',
  'reset',
]);
