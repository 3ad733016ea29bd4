/** UNIX sockets: libvirtd on this machine. */
import { connect } from 'node:net';
import { ConnectError } from '../errors.ts';
import { connectFailure } from './connect-failure.ts';
import { streamTransport } from './stream-transport.ts';
import type { OpenTransport } from './transport.ts';

/**
 * One buffer for the reads of all sessions in this process: what arrives is taken out of it before
 * the next read (the sink's contract), so thousands of idle sessions need no buffer each.
 */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

/** What a `sockaddr_un` holds on Linux, less its NUL; a longer path would be cut in silence. */
const maxPathBytes = 107;

export function openUnix(path: string): OpenTransport {
  return (sink, signal) => {
    if (Buffer.byteLength(path) > maxPathBytes) {
      throw new ConnectError(
        'not-found',
        path,
        `a socket's path holds at most ${maxPathBytes} bytes: use a shorter folder`,
      );
    }
    const socket = connect({
      path,
      onread: {
        buffer: readBuffer,
        callback: (bytes) => {
          sink.bytes(readBuffer, bytes);
          return true;
        },
      },
    });
    return streamTransport(socket, {
      address: path,
      sink,
      signal,
      readyEvent: 'connect',
      refine: (error) => connectFailure(path, error),
      delivers: true,
    });
  };
}
