/** Chooses the transport for a URI. */
import type { ConnectUri } from '../uri.ts';
import { pkiFiles } from './pki.ts';
import { socketPath } from './socket-path.ts';
import { openSsh } from './ssh.ts';
import { sshArguments } from './ssh-command.ts';
import { openTcp } from './tcp.ts';
import { defaultTlsPort, openTls } from './tls.ts';
import type { OpenTransport } from './transport.ts';
import { openUnix } from './unix.ts';

export function openerOf(uri: ConnectUri, readOnly: boolean): OpenTransport {
  const { host = 'localhost', port } = uri;
  switch (uri.transport) {
    case 'unix':
      return openUnix(socketPath(uri, readOnly));
    case 'tcp':
      return openTcp(host, port);
    case 'tls':
      return openTls({
        host,
        port: port ?? defaultTlsPort,
        files: pkiFiles(uri.pkipath),
        noVerify: uri.noVerify,
      });
    case 'ssh':
      return openSsh(sshArguments(uri, readOnly), host);
  }
}
