/** A transport over any of Node's duplex streams: a socket, TLS, a process's pipes. */
import type { Duplex } from 'node:stream';
import type { Transport, TransportSink } from './transport.ts';

export type StreamOptions = {
  address: string;
  sink: TransportSink;
  signal: AbortSignal;
  /** The event that says that bytes may flow. */
  readyEvent: string;
  /** The error to reject with when the stream ends before that. */
  refine(error: Error): Error;
  /** True when the stream hands its bytes to the sink by itself (`onread`). */
  delivers?: boolean;
};

/** Resolves when the stream is ready; from then on the sink hears everything. */
export function streamTransport(stream: Duplex, options: StreamOptions): Promise<Transport> {
  const { address, sink, signal } = options;
  return new Promise((resolve, reject) => {
    let ready = false;
    let failure: Error | undefined;
    const abort = (): void => {
      stream.destroy();
    };
    signal.addEventListener('abort', abort, { once: true });
    stream.on('error', (error) => {
      failure ??= error;
    });
    stream.once('close', () => {
      signal.removeEventListener('abort', abort);
      if (ready) sink.ended(failure);
      else if (signal.aborted) reject(signal.reason as Error);
      else reject(options.refine(failure ?? new Error('closed before it was open')));
    });
    // The daemon never half-closes: its end of file is the end. Waiting for our own unsent bytes
    // would keep a dead socket open.
    stream.once('end', abort);
    if (options.delivers === true) stream.resume();
    else {
      stream.on('data', (chunk: Buffer) => {
        sink.bytes(chunk, chunk.length);
      });
    }
    stream.once(options.readyEvent, () => {
      ready = true;
      signal.removeEventListener('abort', abort);
      resolve({
        address,
        write: (bytes) => {
          if (stream.writable) stream.write(bytes);
        },
        end: () => {
          stream.end();
        },
        destroy: abort,
      });
    });
    if (signal.aborted) abort();
  });
}
