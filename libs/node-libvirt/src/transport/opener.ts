/** Chooses the transport for a URI. */
import { InvalidUriError } from '../errors.ts';
import type { ConnectUri } from '../uri.ts';
import { socketPath } from './socket-path.ts';
import type { OpenTransport } from './transport.ts';
import { openUnix } from './unix.ts';

export function openerOf(uri: ConnectUri, readOnly: boolean): OpenTransport {
  if (uri.transport === 'unix') return openUnix(socketPath(uri, readOnly));
  throw new InvalidUriError(uri.text, `the transport ${uri.transport} is not offered`);
}
