/**
 * SASL: SCRAM-SHA-256, and PLAIN where TLS hides it. Mechanisms with a security layer of their own
 * are not offered, so what follows authentication stays plain frames.
 */
import { ConnectError } from '../errors.ts';
import { authSaslInit, authSaslStart, authSaslStep } from '../procedures/auth-sasl.ts';
import type { CallOptions } from '../rpc/call.ts';
import type { Connection } from '../rpc/connection.ts';
import type { TransportName } from '../uri.ts';
import type { Credentials } from './credentials.ts';
import { ScramClient, ScramError } from './scram.ts';

const scram = 'SCRAM-SHA-256';
const plain = 'PLAIN';

/**
 * Proves who we are.
 *
 * @throws {ConnectError} `authentication`: no common mechanism, or the daemon is an impostor
 * @throws {LibvirtError} refused; most often a wrong user or password
 */
export async function authenticateSasl(
  connection: Connection,
  transport: TransportName,
  credentials: () => Promise<Credentials | undefined>,
  options: CallOptions,
): Promise<void> {
  const fail = (message: string, cause?: unknown): never => {
    throw new ConnectError('authentication', connection.address, message, cause);
  };
  if (transport === 'tcp') {
    fail(
      'the daemon wants SASL on plain TCP, which needs a mechanism that encrypts; ' +
        'none is offered here: use TLS, ssh, or the UNIX socket',
    );
  }
  const offered = await connection.call(authSaslInit, undefined, options);
  const wanted = transport === 'tls' ? [scram, plain] : [scram];
  const mechanism = wanted.find((one) => offered.includes(one));
  if (mechanism === undefined) {
    return fail(
      `the daemon offers SASL by ${offered.join(', ')}, this client by ${wanted.join(', ')} on ${transport}`,
    );
  }
  const who =
    (await credentials()) ??
    fail('the daemon wants SASL and there are no credentials: set `credentials` or authfile=');
  if (mechanism === plain) {
    const data = Buffer.from(`\0${who.username}\0${who.password}`);
    const { complete } = await connection.call(authSaslStart, { mechanism, data }, options);
    if (!complete) fail('the daemon asks for more after PLAIN');
    return;
  }
  try {
    await runScram(connection, new ScramClient(who.username, who.password), options);
  } catch (error) {
    if (error instanceof ScramError) fail(`SCRAM-SHA-256 failed: ${error.message}`, error);
    throw error;
  }
}

async function runScram(
  connection: Connection,
  client: ScramClient,
  options: CallOptions,
): Promise<void> {
  const first = { mechanism: scram, data: client.first() };
  const challenge = await connection.call(authSaslStart, first, options);
  const proof = await client.final(challenge.data);
  const verdict = await connection.call(authSaslStep, proof, options);
  client.verify(verdict.data);
  // Some servers want to hear that we are content before they are.
  if (!verdict.complete) await connection.call(authSaslStep, undefined, options);
}
