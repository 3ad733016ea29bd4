/** What libvirt's event of a network, pool, node device or secret says, in the words of the feed. */
import type { ThingId } from '@virtscope/contracts';
import type { ObjectEvent } from 'node-libvirt';
import {
  metadataTypeName,
  networkEventName,
  nodeDeviceEventName,
  secretEventName,
  storagePoolEventName,
} from 'node-libvirt/constants';

export type ThingEvent = {
  thing: ThingId;
  name: string;
  kind: string;
  payload?: Record<string, unknown>;
  /** It says that the thing came, went, began or ended. */
  lifecycle: boolean;
};

export function thingEventOf(event: ObjectEvent): ThingEvent {
  switch (event.kind) {
    case 'network-lifecycle':
      return { ...named('network', event.network), ...lifecycle(networkEventName(event.event)) };
    case 'network-metadata-change':
      return {
        ...named('network', event.network),
        ...other('metadata-change'),
        payload: {
          type: metadataTypeName(event.type),
          ...(event.nsUri === undefined ? {} : { nsUri: event.nsUri }),
        },
      };
    case 'pool-lifecycle':
      return { ...named('pool', event.pool), ...lifecycle(storagePoolEventName(event.event)) };
    case 'pool-refresh':
      return { ...named('pool', event.pool), ...other('refresh') };
    case 'nodedev-lifecycle':
      return { ...device(event.device.name), ...lifecycle(nodeDeviceEventName(event.event)) };
    case 'nodedev-update':
      return { ...device(event.device.name), ...other('update') };
    case 'secret-lifecycle':
      return { ...secret(event.secret), ...lifecycle(secretEventName(event.event)) };
    case 'secret-value-changed':
      return { ...secret(event.secret), ...other('value-changed') };
  }
}

type Named = Pick<ThingEvent, 'thing' | 'name'>;
type Kind = Pick<ThingEvent, 'kind' | 'lifecycle'>;

function named(type: ThingId['type'], { uuid, name }: { uuid: string; name: string }): Named {
  return { thing: { type, id: uuid }, name };
}

function device(name: string): Named {
  return { thing: { type: 'nodedev', id: name }, name };
}

/** A secret has no name: what it is used for tells people which it is. */
function secret({ uuid, usageId }: { uuid: string; usageId: string }): Named {
  return { thing: { type: 'secret', id: uuid }, name: usageId };
}

function lifecycle(kind: string): Kind {
  return { kind, lifecycle: true };
}

function other(kind: string): Kind {
  return { kind, lifecycle: false };
}
