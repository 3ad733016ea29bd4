/** What a domain event carries besides its kind and its domain, as the JSON of the feed. */
import type { DomainEvent } from 'node-libvirt';
import {
  agentLifecycleReasonName,
  agentLifecycleStateName,
  blockJobStatusName,
  blockJobTypeName,
  diskChangeReasonName,
  graphicsFamilyName,
  graphicsPhaseName,
  ioErrorActionName,
  memoryFailureActionName,
  memoryFailureRecipientName,
  metadataTypeName,
  trayChangeReasonName,
  watchdogActionName,
} from 'node-libvirt/constants';

/** The kinds that are told beside the lifecycle, in libvirt's words. */
export type OtherEvent = Exclude<DomainEvent, { kind: 'lifecycle' }>;

type Namer = (value: number) => string;

/** Numbers that have names: kind → field → namer. */
const names: Partial<Record<OtherEvent['kind'], Record<string, Namer>>> = {
  watchdog: { action: watchdogActionName },
  'io-error': { action: ioErrorActionName },
  'io-error-reason': { action: ioErrorActionName },
  graphics: { phase: graphicsPhaseName, family: graphicsFamilyName },
  'block-job': { type: blockJobTypeName, status: blockJobStatusName },
  'block-job-2': { type: blockJobTypeName, status: blockJobStatusName },
  'disk-change': { reason: diskChangeReasonName },
  'tray-change': { reason: trayChangeReasonName },
  'agent-lifecycle': { state: agentLifecycleStateName, reason: agentLifecycleReasonName },
  'metadata-change': { type: metadataTypeName },
  'memory-failure': { recipient: memoryFailureRecipientName, action: memoryFailureActionName },
};

/** Kinds after which the domain's XML says something else. */
const changesConfig = new Set<OtherEvent['kind']>([
  'rtc-change',
  'disk-change',
  'tray-change',
  'balloon-change',
  'device-added',
  'device-removed',
  'tunable',
  'metadata-change',
  'block-job',
  'block-job-2',
  'memory-device-size-change',
  'nic-mac-change',
]);

export function configChangedBy(kind: OtherEvent['kind']): boolean {
  return changesConfig.has(kind);
}

/**
 * The payload in JSON: numbers that libvirt names read as those names, typed parameters as an
 * object, a counter above 2^53 as its decimal digits.
 */
export function payloadOf(event: OtherEvent): Record<string, unknown> {
  const { kind, domain: _domain, ...fields } = event;
  return plain(fields, names[kind] ?? {}) as Record<string, unknown>;
}

function plain(value: unknown, namers: Record<string, Namer>): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map((item) => plain(item, namers));
  if (isMap(value)) return plain(Object.fromEntries(value), {});
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]: [string, unknown]) => {
        const namer = namers[key];
        return [
          key,
          namer !== undefined && typeof item === 'number' ? namer(item) : plain(item, namers),
        ];
      }),
  );
}

function isMap(value: unknown): value is Iterable<[string, unknown]> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && 'get' in value;
}
