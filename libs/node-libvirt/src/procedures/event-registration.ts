/** Registering for events with callback ids; the legacy calls without ids are not used. */
import { type Procedure, procedure } from './procedure.ts';

/**
 * eventID i, object? → callbackID i. An event id that the server does not know is refused with
 * code 1, one registered already with code 8.
 */
function register(name: string, number: number): Procedure<number, number> {
  return procedure({
    name,
    number,
    priority: 'high',
    encode: (writer, eventId: number) => {
      writer.int(eventId);
      writer.uint(0); // of all objects
    },
    decode: (reader) => reader.int(),
  });
}

/** callbackID i → */
function deregister(name: string, number: number): Procedure<number, void> {
  return procedure({
    name,
    number,
    priority: 'high',
    encode: (writer, callbackId: number) => {
      writer.int(callbackId);
    },
  });
}

/** Classes of objects, each with its own registration and its own callback ids. */
export type RegistrationClass = 'domain' | 'network' | 'storagePool' | 'nodeDevice' | 'secret';

type Pair = { register: Procedure<number, number>; deregister: Procedure<number, void> };

const pair = (name: string, number: number): Pair => ({
  register: register(`${name}EventRegisterAny`, number),
  deregister: deregister(`${name}EventDeregisterAny`, number + 1),
});

/**
 * CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY (316) and its siblings; each is followed by its
 * DEREGISTER_ANY.
 */
export const eventRegistration: Readonly<Record<RegistrationClass, Pair>> = {
  domain: pair('connectDomain', 316),
  network: pair('connectNetwork', 313),
  storagePool: pair('connectStoragePool', 368),
  nodeDevice: pair('connectNodeDevice', 374),
  secret: pair('connectSecret', 380),
};

/** CONNECT_REGISTER_CLOSE_CALLBACK (360). */
export const registerCloseCallback = procedure<undefined>({
  name: 'connectRegisterCloseCallback',
  number: 360,
  priority: 'high',
});

/** CONNECT_EVENT_CONNECTION_CLOSED (362): reason i, without a callback id. */
export const connectionClosedMessage = 362;
