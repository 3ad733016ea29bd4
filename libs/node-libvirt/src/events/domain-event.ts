/** Domain events: what each kind carries, and how it looks on the wire. */
import { type Domain, readDomain } from '../protocol/identity.ts';
import { readTypedParameters, type TypedParameters } from '../protocol/typed-parameter.ts';
import type { Counter, XdrReader } from '../protocol/xdr-reader.ts';

/** One end of a graphical connection. */
export type GraphicsAddress = {
  /** `graphicsFamilyName` names it. */
  family: number;
  /** Address, or a UNIX socket's path. */
  node: string;
  /** Port. */
  service: string;
};

/** What an event carries besides its kind and its domain. Numbers have names in the constants. */
export type DomainEventPayloads = {
  /** `lifecycleEventName(event)`, `lifecycleDetailName(event, detail)`. */
  lifecycle: { event: number; detail: number };
  reboot: object;
  'rtc-change': { offsetSeconds: Counter };
  /** `watchdogActionName(action)`. */
  watchdog: { action: number };
  /** `ioErrorActionName(action)`. */
  'io-error': { srcPath: string; devAlias: string; action: number };
  /** `graphicsPhaseName(phase)`. */
  graphics: {
    phase: number;
    local: GraphicsAddress;
    remote: GraphicsAddress;
    authScheme: string;
    subject: { type: string; name: string }[];
  };
  /** `ioErrorActionName(action)`. */
  'io-error-reason': { srcPath: string; devAlias: string; action: number; reason: string };
  'control-error': object;
  /** `blockJobTypeName(type)`, `blockJobStatusName(status)`. */
  'block-job': { path: string; type: number; status: number };
  /** `diskChangeReasonName(reason)`. */
  'disk-change': {
    oldSrcPath: string | undefined;
    newSrcPath: string | undefined;
    devAlias: string;
    reason: number;
  };
  /** `trayChangeReasonName(reason)`. */
  'tray-change': { devAlias: string; reason: number };
  'pm-wakeup': { reason: number };
  'pm-suspend': { reason: number };
  'balloon-change': { actualKiB: Counter };
  'pm-suspend-disk': { reason: number };
  'device-removed': { devAlias: string };
  /** As `block-job`, with the disk's target (`vda`) in place of its path. */
  'block-job-2': { dst: string; type: number; status: number };
  tunable: { params: TypedParameters };
  /** `agentLifecycleStateName(state)`, `agentLifecycleReasonName(reason)`. */
  'agent-lifecycle': { state: number; reason: number };
  'device-added': { devAlias: string };
  'migration-iteration': { iteration: number };
  'job-completed': { params: TypedParameters };
  'device-removal-failed': { devAlias: string };
  /** `metadataTypeName(type)`. */
  'metadata-change': { type: number; nsUri: string | undefined };
  'block-threshold': {
    dev: string;
    path: string | undefined;
    thresholdBytes: Counter;
    excessBytes: Counter;
  };
  /** `memoryFailureRecipientName(recipient)`, `memoryFailureActionName(action)`. */
  'memory-failure': { recipient: number; action: number; flags: number };
  'memory-device-size-change': { alias: string; sizeKiB: Counter };
  /** Since libvirt 11.2.0. */
  'nic-mac-change': { alias: string; oldMac: string; newMac: string };
};

/** virsh's names of the kinds. */
export type DomainEventKind = keyof DomainEventPayloads;

/** An event of one kind. */
export type DomainEventOf<Kind extends DomainEventKind> = {
  kind: Kind;
  /** As it was when the event was sent: after a stop the id may be the old one, or -1. */
  domain: Domain;
} & DomainEventPayloads[Kind];

/** An event: `switch (event.kind)` narrows it. */
export type DomainEvent = { [Kind in DomainEventKind]: DomainEventOf<Kind> }[DomainEventKind];

type Entry<Kind extends DomainEventKind> = {
  /** `VIR_DOMAIN_EVENT_ID_*`: what is registered. */
  id: number;
  /** Number of the message that brings it. */
  message: number;
  /** Reads the payload after the callback id. */
  decode: (reader: XdrReader) => DomainEventOf<Kind>;
};

const maxTunableParameters = 2048;
const maxJobParameters = 64;
const maxSubjects = 20;

function readGraphicsAddress(reader: XdrReader): GraphicsAddress {
  return { family: reader.int(), node: reader.string(), service: reader.string() };
}

/**
 * The wire order of fields is the order of evaluation here. Three kinds of power management say the
 * reason before the domain; all others begin with the domain.
 */
export const domainEventTable: { readonly [Kind in DomainEventKind]: Entry<Kind> } = {
  lifecycle: {
    id: 0,
    message: 318,
    decode: (r) => ({
      kind: 'lifecycle',
      domain: readDomain(r),
      event: r.int(),
      detail: r.int(),
    }),
  },
  reboot: {
    id: 1,
    message: 319,
    decode: (r) => ({ kind: 'reboot', domain: readDomain(r) }),
  },
  'rtc-change': {
    id: 2,
    message: 320,
    decode: (r) => ({
      kind: 'rtc-change',
      domain: readDomain(r),
      offsetSeconds: r.signedCounter(),
    }),
  },
  watchdog: {
    id: 3,
    message: 321,
    decode: (r) => ({ kind: 'watchdog', domain: readDomain(r), action: r.int() }),
  },
  'io-error': {
    id: 4,
    message: 322,
    decode: (r) => ({
      kind: 'io-error',
      domain: readDomain(r),
      srcPath: r.string(),
      devAlias: r.string(),
      action: r.int(),
    }),
  },
  graphics: {
    id: 5,
    message: 323,
    decode: (r) => ({
      kind: 'graphics',
      domain: readDomain(r),
      phase: r.int(),
      local: readGraphicsAddress(r),
      remote: readGraphicsAddress(r),
      authScheme: r.string(),
      subject: r.array(maxSubjects, 8, () => ({ type: r.string(), name: r.string() })),
    }),
  },
  'io-error-reason': {
    id: 6,
    message: 324,
    decode: (r) => ({
      kind: 'io-error-reason',
      domain: readDomain(r),
      srcPath: r.string(),
      devAlias: r.string(),
      action: r.int(),
      reason: r.string(),
    }),
  },
  'control-error': {
    id: 7,
    message: 325,
    decode: (r) => ({ kind: 'control-error', domain: readDomain(r) }),
  },
  'block-job': {
    id: 8,
    message: 326,
    decode: (r) => ({
      kind: 'block-job',
      domain: readDomain(r),
      path: r.string(),
      type: r.int(),
      status: r.int(),
    }),
  },
  'disk-change': {
    id: 9,
    message: 327,
    decode: (r) => ({
      kind: 'disk-change',
      domain: readDomain(r),
      oldSrcPath: r.optionalString(),
      newSrcPath: r.optionalString(),
      devAlias: r.string(),
      reason: r.int(),
    }),
  },
  'tray-change': {
    id: 10,
    message: 328,
    decode: (r) => ({
      kind: 'tray-change',
      domain: readDomain(r),
      devAlias: r.string(),
      reason: r.int(),
    }),
  },
  'pm-wakeup': {
    id: 11,
    message: 329,
    decode: (r) => ({ kind: 'pm-wakeup', reason: r.int(), domain: readDomain(r) }),
  },
  'pm-suspend': {
    id: 12,
    message: 330,
    decode: (r) => ({ kind: 'pm-suspend', reason: r.int(), domain: readDomain(r) }),
  },
  'balloon-change': {
    id: 13,
    message: 331,
    decode: (r) => ({ kind: 'balloon-change', domain: readDomain(r), actualKiB: r.counter() }),
  },
  'pm-suspend-disk': {
    id: 14,
    message: 332,
    decode: (r) => ({ kind: 'pm-suspend-disk', reason: r.int(), domain: readDomain(r) }),
  },
  'device-removed': {
    id: 15,
    message: 333,
    decode: (r) => ({ kind: 'device-removed', domain: readDomain(r), devAlias: r.string() }),
  },
  'block-job-2': {
    id: 16,
    message: 339,
    decode: (r) => ({
      kind: 'block-job-2',
      domain: readDomain(r),
      dst: r.string(),
      type: r.int(),
      status: r.int(),
    }),
  },
  tunable: {
    id: 17,
    message: 346,
    decode: (r) => ({
      kind: 'tunable',
      domain: readDomain(r),
      params: readTypedParameters(r, maxTunableParameters),
    }),
  },
  'agent-lifecycle': {
    id: 18,
    message: 348,
    decode: (r) => ({
      kind: 'agent-lifecycle',
      domain: readDomain(r),
      state: r.int(),
      reason: r.int(),
    }),
  },
  'device-added': {
    id: 19,
    message: 354,
    decode: (r) => ({ kind: 'device-added', domain: readDomain(r), devAlias: r.string() }),
  },
  'migration-iteration': {
    id: 20,
    message: 359,
    decode: (r) => ({ kind: 'migration-iteration', domain: readDomain(r), iteration: r.int() }),
  },
  'job-completed': {
    id: 21,
    message: 363,
    decode: (r) => ({
      kind: 'job-completed',
      domain: readDomain(r),
      params: readTypedParameters(r, maxJobParameters),
    }),
  },
  'device-removal-failed': {
    id: 22,
    message: 367,
    decode: (r) => ({ kind: 'device-removal-failed', domain: readDomain(r), devAlias: r.string() }),
  },
  'metadata-change': {
    id: 23,
    message: 379,
    decode: (r) => ({
      kind: 'metadata-change',
      domain: readDomain(r),
      type: r.int(),
      nsUri: r.optionalString(),
    }),
  },
  'block-threshold': {
    id: 24,
    message: 385,
    decode: (r) => ({
      kind: 'block-threshold',
      domain: readDomain(r),
      dev: r.string(),
      path: r.optionalString(),
      thresholdBytes: r.counter(),
      excessBytes: r.counter(),
    }),
  },
  'memory-failure': {
    id: 25,
    message: 423,
    decode: (r) => ({
      kind: 'memory-failure',
      domain: readDomain(r),
      recipient: r.int(),
      action: r.int(),
      flags: r.uint(),
    }),
  },
  'memory-device-size-change': {
    id: 26,
    message: 438,
    decode: (r) => ({
      kind: 'memory-device-size-change',
      domain: readDomain(r),
      alias: r.string(),
      sizeKiB: r.counter(),
    }),
  },
  'nic-mac-change': {
    id: 27,
    message: 453,
    decode: (r) => ({
      kind: 'nic-mac-change',
      domain: readDomain(r),
      alias: r.string(),
      oldMac: r.string(),
      newMac: r.string(),
    }),
  },
};

/** All kinds, in the order of their ids. */
export const domainEventKinds = Object.keys(domainEventTable) as readonly DomainEventKind[];
