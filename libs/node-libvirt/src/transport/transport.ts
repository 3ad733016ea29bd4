/**
 * A byte stream to a daemon. The session above sees nothing else: whether it is a UNIX socket, TLS
 * or the pipe of an ssh process is the transport's own matter, and so is whatever must happen on
 * it before the first frame.
 */
export interface Transport {
  /** Where it leads, for messages: a socket's path, host and port, a command. */
  readonly address: string;
  /** Queues bytes. After the end it does nothing. */
  write(bytes: Uint8Array): void;
  /** Sends what is queued and says that nothing follows. */
  end(): void;
  /** Drops the stream at once. `ended` follows. */
  destroy(): void;
}

/** Where a transport delivers. */
export interface TransportSink {
  /** `buffer[0, length)` arrived. It is valid only during this call: the buffer will be reused. */
  bytes(buffer: Buffer, length: number): void;
  /** The stream is over, by whichever side. Called once, and last. */
  ended(cause: Error | undefined): void;
}

/**
 * Opens a transport. It rejects with `ConnectError`, or with the signal's reason when that aborts
 * first; then nothing is left open and the sink is never called.
 */
export type OpenTransport = (sink: TransportSink, signal: AbortSignal) => Promise<Transport>;
