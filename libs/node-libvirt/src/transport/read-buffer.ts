/**
 * One buffer for the reads of all plain sockets in this process: what arrives is taken out of it
 * before the next read (the sink's contract), so thousands of idle sessions need no buffer each.
 */
import type { OnReadOpts } from 'node:net';
import type { TransportSink } from './transport.ts';

const readBuffer = Buffer.allocUnsafeSlow(65_536);

/** The `onread` of a socket that delivers to `sink`. */
export function readInto(sink: TransportSink): OnReadOpts {
  return {
    buffer: readBuffer,
    callback: (bytes) => {
      sink.bytes(readBuffer, bytes);
      return true;
    },
  };
}
