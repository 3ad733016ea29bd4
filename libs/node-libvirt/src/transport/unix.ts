/** UNIX sockets: a daemon on this machine. */
import { connect } from 'node:net';
import { ConnectError } from '../errors.ts';
import { connectFailure } from './connect-failure.ts';
import { readInto } from './read-buffer.ts';
import { streamTransport } from './stream-transport.ts';
import type { OpenTransport } from './transport.ts';

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
    return streamTransport(connect({ path, onread: readInto(sink) }), {
      address: path,
      sink,
      signal,
      readyEvent: 'connect',
      refine: (error) => connectFailure(path, error),
      delivers: true,
    });
  };
}
