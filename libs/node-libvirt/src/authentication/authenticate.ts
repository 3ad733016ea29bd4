/** Satisfies the daemon's authentication: nothing, or polkit. */
import { ConnectError } from '../errors.ts';
import { authList, authPolkit } from '../procedures/authentication.ts';
import type { CallOptions } from '../rpc/call.ts';
import type { Connection } from '../rpc/connection.ts';

/**
 * Asks what the daemon wants and does it. Libvirt offers one kind for each socket.
 *
 * @throws {ConnectError} `authentication`: it wants a kind that we do not offer
 */
export async function authenticate(connection: Connection, options: CallOptions): Promise<void> {
  const offered = await connection.call(authList, undefined, options);
  if (offered.length === 0 || offered.includes('none')) return;
  if (offered.includes('polkit')) {
    await connection.call(authPolkit, undefined, options);
    return;
  }
  throw new ConnectError(
    'authentication',
    connection.address,
    `the daemon asks for ${offered.join(', ')} authentication, which this client does not offer`,
  );
}
