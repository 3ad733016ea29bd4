/**
 * TLS with client certificates. After the handshake the daemon says one byte, 0x01, when it accepts
 * our certificate; when it does not, it hangs up in its place.
 */
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { ConnectError } from '../errors.ts';
import { connectFailure } from './connect-failure.ts';
import { type PkiFiles, readPki } from './pki.ts';
import { streamTransport } from './stream-transport.ts';
import { hostAndPort } from './tcp.ts';
import type { OpenTransport } from './transport.ts';

export const defaultTlsPort = 16_514;
const accepted = 1;

export type TlsTarget = {
  host: string;
  port: number;
  files: PkiFiles;
  /** Take any server certificate: the link is encrypted, and anybody may be at its other end. */
  noVerify: boolean;
};

export function openTls({ host, port, files, noVerify }: TlsTarget): OpenTransport {
  return async (sink, signal) => {
    const address = hostAndPort(host, port);
    const pki = await readPki(address, files, noVerify);
    const socket = connect({
      host,
      port,
      ...pki,
      // An address is checked against the certificate's addresses; SNI takes names alone.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: !noVerify,
      minVersion: 'TLSv1.2',
    });
    socket.setNoDelay(true);
    let shaken = false;
    socket.once('secureConnect', () => {
      shaken = true;
    });
    return streamTransport(socket, {
      address,
      sink,
      signal,
      readyEvent: 'secureConnect',
      greeting: accepted,
      refine: (error) => (shaken ? rejected(address, error) : failed(address, error)),
    });
  };
}

function rejected(address: string, cause: Error): ConnectError {
  return new ConnectError(
    'certificate',
    address,
    `the daemon does not accept our certificate (${cause.message} after the handshake); ` +
      'is there one, signed by its CA, and its name in tls_allowed_dn_list?',
    cause,
  );
}

function failed(address: string, cause: NodeJS.ErrnoException): ConnectError {
  const code = cause.code ?? '';
  // OpenSSL's verdicts on a chain have no prefix of their own; the operating system's begin with E
  // and are known to connectFailure.
  if (/^ERR_(SSL|TLS)_|CERT|SIGNATURE|ISSUER|CRL/.test(code)) {
    return new ConnectError('certificate', address, `TLS failed: ${cause.message}`, cause);
  }
  return connectFailure(address, cause);
}
