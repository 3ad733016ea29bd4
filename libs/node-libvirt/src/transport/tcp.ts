/**
 * Plain TCP: for tests. It is neither encrypted nor, without SASL, authenticated, and whoever can
 * reach the port of a writable daemon is root there.
 */
import { connect } from 'node:net';
import { connectFailure } from './connect-failure.ts';
import { readInto } from './read-buffer.ts';
import { streamTransport } from './stream-transport.ts';
import type { OpenTransport } from './transport.ts';

export const defaultTcpPort = 16_509;

export function openTcp(host: string, port = defaultTcpPort): OpenTransport {
  return (sink, signal) => {
    const address = hostAndPort(host, port);
    return streamTransport(connect({ host, port, noDelay: true, onread: readInto(sink) }), {
      address,
      sink,
      signal,
      readyEvent: 'connect',
      refine: (error) => connectFailure(address, error),
      delivers: true,
    });
  };
}

/** As in a URI: an IPv6 address in brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
