/** Opening and closing the hypervisor connection behind the socket. */
import { procedure } from './procedure.ts';

/** Bit 0 of OPEN's flags; the daemon ignores all others. */
const readOnlyFlag = 1;

/**
 * CONNECT_OPEN (1): name s?, flags u. Once for each socket: a second one fails and takes the first
 * connection with it.
 */
export const connectOpen = procedure<{ name: string; readOnly: boolean }>({
  name: 'connectOpen',
  number: 1,
  priority: 'high',
  encode: (writer, { name, readOnly }) => {
    writer.optionalString(name);
    writer.uint(readOnly ? readOnlyFlag : 0);
  },
});

/** CONNECT_CLOSE (2): the daemon answers and hangs up. */
export const connectClose = procedure<undefined>({
  name: 'connectClose',
  number: 2,
  priority: 'high',
});

/** CONNECT_SUPPORTS_FEATURE (60): feature i → supported i. Unknown numbers are answered with 0. */
export const connectSupportsFeature = procedure<number, boolean>({
  name: 'connectSupportsFeature',
  number: 60,
  priority: 'high',
  encode: (writer, feature) => {
    writer.int(feature);
  },
  decode: (reader) => reader.bool(),
});

/** Asking for it is the announcement that we answer PINGs; allowed before OPEN. */
export const featureKeepalive = 10;
