import { ConnectionLostError, connect, type ConnectOptions, type Session } from 'node-libvirt';
import { isAborted } from './aborted.ts';
import { backoffMs, healthyAfterMs } from './backoff.ts';

/** The clock that this room needs; `runtime`'s fits. */
export type SessionClock = {
  monotonicMs(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

export type HostSessionsOptions = {
  uri: string;
  connect?: Omit<ConnectOptions, 'signal'>;
  clock: SessionClock;
  /** In [0, 1): the jitter's dice. */
  random: () => number;
  signal: AbortSignal;
  /** A session could not be opened, or one that was open ended with this error. */
  onFailure: (error: unknown, retryInMs: number) => void;
};

/**
 * The sessions to one host, one after the other, never two at a time. The loop's body uses a
 * session until it closes; then this closes it, waits a jittered back-off, and connects anew. The
 * back-off resets only after a session that lived {@link healthyAfterMs}: a daemon that accepts
 * and dies is not hammered. Ends when `signal` aborts.
 */
export async function* hostSessions(options: HostSessionsOptions): AsyncGenerator<Session> {
  const { uri, clock, random, signal, onFailure } = options;
  let failures = 0;
  while (!isAborted(signal)) {
    let error: unknown;
    const startedMs = clock.monotonicMs();
    try {
      await using session = await connect(uri, { ...options.connect, signal });
      yield session;
      error = session.isOpen
        ? new Error('the session was given up')
        : ((await session.closed) ?? new ConnectionLostError('closed'));
    } catch (cause) {
      error = cause;
    }
    if (isAborted(signal)) return;
    failures = clock.monotonicMs() - startedMs >= healthyAfterMs ? 1 : failures + 1;
    const retryInMs = backoffMs(failures, random());
    onFailure(error, retryInMs);
    await clock.sleep(retryInMs, signal).catch(() => undefined);
  }
}
