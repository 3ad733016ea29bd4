import { messages } from '../libvirt-wire/procedures.ts';
import type { WireWriter } from '../libvirt-wire/wire-writer.ts';

/** A domain as it was when something happened to it. */
export type DomainNow = { name: string; uuid: string; uuidBytes: Buffer; id: number };

export type HostEvent = { domain: DomainNow } & (
  | { kind: 'lifecycle'; event: number; detail: number }
  | { kind: 'reboot' }
  | { kind: 'device-removed'; alias: string }
  | { kind: 'device-added'; alias: string }
  | { kind: 'metadata-change'; type: number; nsUri: string | undefined }
);

/** `VIR_DOMAIN_EVENT_ID_*`, and the message that brings the event. */
const wire: Record<HostEvent['kind'], { eventId: number; message: number }> = {
  lifecycle: { eventId: 0, message: messages.domainEventCallbackLifecycle },
  reboot: { eventId: 1, message: messages.domainEventCallbackReboot },
  'device-removed': { eventId: 15, message: messages.domainEventCallbackDeviceRemoved },
  'device-added': { eventId: 19, message: messages.domainEventCallbackDeviceAdded },
  'metadata-change': { eventId: 23, message: messages.domainEventCallbackMetadataChange },
};

/** Domain events that can be registered for, as in libvirt 9.0: ids from 0 to 26. */
export const domainEventIds = 27;

export const eventIdOf = ({ kind }: HostEvent): number => wire[kind].eventId;
export const messageOf = ({ kind }: HostEvent): number => wire[kind].message;

export function writeDomain(writer: WireWriter, { name, uuidBytes, id }: DomainNow): void {
  writer.string(name);
  writer.raw(uuidBytes);
  writer.int(id);
}

/** What follows the callback id. */
export function writeEvent(writer: WireWriter, event: HostEvent): void {
  writeDomain(writer, event.domain);
  switch (event.kind) {
    case 'lifecycle':
      writer.int(event.event);
      writer.int(event.detail);
      break;
    case 'reboot':
      break;
    case 'device-removed':
    case 'device-added':
      writer.string(event.alias);
      break;
    case 'metadata-change':
      writer.int(event.type);
      writer.optionalString(event.nsUri);
      break;
  }
}
