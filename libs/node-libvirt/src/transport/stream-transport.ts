/** A transport over one of Node's sockets, plain or TLS. */
import type { Duplex } from 'node:stream';
import type { Transport, TransportSink } from './transport.ts';

export type StreamOptions = {
  address: string;
  sink: TransportSink;
  signal: AbortSignal;
  /** The event that says that bytes may flow. */
  readyEvent: string;
  /** A byte that the peer says first, before any frame; without it there is no transport. */
  greeting?: number;
  /** The error to reject with when the stream ends before it is ready. */
  refine(error: Error): Error;
  /** True when the stream hands its bytes to the sink by itself (`onread`). */
  delivers?: boolean;
};

/** Resolves when the stream is ready; from then on the sink hears everything. */
export function streamTransport(stream: Duplex, options: StreamOptions): Promise<Transport> {
  const { address, sink, signal, greeting } = options;
  return new Promise((resolve, reject) => {
    let ready = false;
    let failure: Error | undefined;
    const abort = (): void => {
      stream.destroy();
    };
    const becomeReady = (): void => {
      ready = true;
      signal.removeEventListener('abort', abort);
      resolve({
        address,
        // Calls made in one go leave as one write: a system call costs more than a frame.
        write: (bytes) => {
          if (!stream.writable) return;
          if (stream.writableCorked === 0) {
            stream.cork();
            process.nextTick(() => stream.uncork());
          }
          stream.write(bytes);
        },
        end: () => {
          stream.end();
        },
        destroy: abort,
      });
    };
    signal.addEventListener('abort', abort, { once: true });
    stream.on('error', (error) => {
      failure ??= error;
    });
    stream.once('close', () => {
      signal.removeEventListener('abort', abort);
      if (ready) sink.ended(failure);
      else if (signal.aborted) reject(signal.reason as Error);
      else reject(options.refine(failure ?? new Error('it hung up')));
    });
    // The daemon never half-closes: its end of file is the end. Waiting for our own unsent bytes
    // would keep a dead socket open.
    stream.once('end', abort);
    if (greeting === undefined) stream.once(options.readyEvent, becomeReady);
    if (options.delivers === true) {
      stream.resume();
    } else {
      stream.on('data', (chunk: Buffer) => {
        if (ready) {
          sink.bytes(chunk, chunk.length);
        } else if (chunk[0] === greeting) {
          becomeReady();
          if (chunk.length > 1) sink.bytes(chunk.subarray(1), chunk.length - 1);
        } else {
          stream.destroy(new Error(`it begins with byte ${chunk[0]}, not with ${greeting}`));
        }
      });
    }
    if (signal.aborted) abort();
  });
}
