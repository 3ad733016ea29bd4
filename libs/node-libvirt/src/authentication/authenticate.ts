/** Satisfies the daemon's authentication: none, polkit or SASL. */
import { ConnectError } from '../errors.ts';
import { authList, authPolkit } from '../procedures/authentication.ts';
import type { CallOptions } from '../rpc/call.ts';
import type { Connection } from '../rpc/connection.ts';
import type { TransportName } from '../uri.ts';
import type { Credentials } from './credentials.ts';
import { authenticateSasl } from './sasl.ts';

export type Authentication = {
  transport: TransportName;
  /** Asked for only when the daemon wants SASL. */
  readonly credentials: () => Promise<Credentials | undefined>;
};

/**
 * Asks what the daemon wants and does it. Libvirt offers one kind for each socket.
 *
 * @throws {ConnectError} `authentication`: it wants a kind that we do not offer
 */
export async function authenticate(
  connection: Connection,
  { transport, credentials }: Authentication,
  options: CallOptions,
): Promise<void> {
  const offered = await connection.call(authList, undefined, options);
  if (offered.length === 0 || offered.includes('none')) return;
  if (offered.includes('polkit')) {
    await connection.call(authPolkit, undefined, options);
  } else if (offered.includes('sasl')) {
    await authenticateSasl(connection, transport, credentials, options);
  } else {
    const kinds = offered.join(', ');
    throw new ConnectError('authentication', connection.address, `the daemon wants ${kinds}`);
  }
}
