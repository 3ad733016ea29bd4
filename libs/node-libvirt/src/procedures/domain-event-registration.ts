/** Registering for domain events with callback ids; the legacy calls without ids are not used. */
import { procedure } from './procedure.ts';

/**
 * CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY (316): eventID i, dom? → callbackID i. An event id
 * that the server does not know is refused with code 1, one registered already with code 8.
 */
export const domainEventRegister = procedure<number, number>({
  name: 'connectDomainEventRegisterAny',
  number: 316,
  priority: 'high',
  encode: (writer, eventId) => {
    writer.int(eventId);
    writer.uint(0);
  },
  decode: (reader) => reader.int(),
});

/** CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY (317): callbackID i. */
export const domainEventDeregister = procedure<number>({
  name: 'connectDomainEventDeregisterAny',
  number: 317,
  priority: 'high',
  encode: (writer, callbackId) => {
    writer.int(callbackId);
  },
});
