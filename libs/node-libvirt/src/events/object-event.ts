/** Events of networks, storage pools, node devices and secrets, and of the connection itself. */
import {
  type Network,
  type NodeDevice,
  readNetwork,
  readNodeDevice,
  readSecret,
  type Secret,
  type StoragePool,
} from '../protocol/identity.ts';
import type { XdrReader } from '../protocol/xdr-reader.ts';
import type { RegistrationClass } from '../procedures/event-registration.ts';

/** `detail` is 0 in all that libvirt sends today. */
type Lifecycle = { event: number; detail: number };

export type ObjectEventPayloads = {
  /** `networkEventName(event)`. */
  'network-lifecycle': { network: Network } & Lifecycle;
  /** Since libvirt 9.8.0. `metadataTypeName(type)`. */
  'network-metadata-change': { network: Network; type: number; nsUri: string | undefined };
  /** `storagePoolEventName(event)`. */
  'pool-lifecycle': { pool: StoragePool } & Lifecycle;
  'pool-refresh': { pool: StoragePool };
  /** `nodeDeviceEventName(event)`. */
  'nodedev-lifecycle': { device: NodeDevice } & Lifecycle;
  'nodedev-update': { device: NodeDevice };
  /** `secretEventName(event)`. */
  'secret-lifecycle': { secret: Secret } & Lifecycle;
  'secret-value-changed': { secret: Secret };
};

export type ObjectEventKind = keyof ObjectEventPayloads;

export type ObjectEventOf<Kind extends ObjectEventKind> = {
  kind: Kind;
} & ObjectEventPayloads[Kind];

/** An event: `switch (event.kind)` narrows it. */
export type ObjectEvent = { [Kind in ObjectEventKind]: ObjectEventOf<Kind> }[ObjectEventKind];

type Entry<Kind extends ObjectEventKind> = {
  class: RegistrationClass;
  id: number;
  message: number;
  decode: (reader: XdrReader) => ObjectEventOf<Kind>;
};

/** The wire order of fields is the order of evaluation here. */
export const objectEventTable: { readonly [Kind in ObjectEventKind]: Entry<Kind> } = {
  'network-lifecycle': {
    class: 'network',
    id: 0,
    message: 315,
    decode: (r) => ({
      kind: 'network-lifecycle',
      network: readNetwork(r),
      event: r.int(),
      detail: r.int(),
    }),
  },
  'network-metadata-change': {
    class: 'network',
    id: 1,
    message: 446,
    decode: (r) => ({
      kind: 'network-metadata-change',
      network: readNetwork(r),
      type: r.int(),
      nsUri: r.optionalString(),
    }),
  },
  'pool-lifecycle': {
    class: 'storagePool',
    id: 0,
    message: 370,
    decode: (r) => ({
      kind: 'pool-lifecycle',
      pool: readNetwork(r),
      event: r.int(),
      detail: r.int(),
    }),
  },
  'pool-refresh': {
    class: 'storagePool',
    id: 1,
    message: 373,
    decode: (r) => ({ kind: 'pool-refresh', pool: readNetwork(r) }),
  },
  'nodedev-lifecycle': {
    class: 'nodeDevice',
    id: 0,
    message: 376,
    decode: (r) => ({
      kind: 'nodedev-lifecycle',
      device: readNodeDevice(r),
      event: r.int(),
      detail: r.int(),
    }),
  },
  'nodedev-update': {
    class: 'nodeDevice',
    id: 1,
    message: 377,
    decode: (r) => ({ kind: 'nodedev-update', device: readNodeDevice(r) }),
  },
  'secret-lifecycle': {
    class: 'secret',
    id: 0,
    message: 382,
    decode: (r) => ({
      kind: 'secret-lifecycle',
      secret: readSecret(r),
      event: r.int(),
      detail: r.int(),
    }),
  },
  'secret-value-changed': {
    class: 'secret',
    id: 1,
    message: 383,
    decode: (r) => ({ kind: 'secret-value-changed', secret: readSecret(r) }),
  },
};

export const objectEventKinds = Object.keys(objectEventTable) as readonly ObjectEventKind[];
