/** Opens a session: socket, authentication, hypervisor connection. */
import type { CallPolicy } from './calls/caller.ts';
import {
  ConnectError,
  type ConnectFailure,
  ConnectionLostError,
  DeadlineExceededError,
  LibvirtError,
  ProtocolError,
} from './errors.ts';
import {
  VIR_ERR_AUTH_CANCELLED,
  VIR_ERR_AUTH_FAILED,
  VIR_ERR_AUTH_UNAVAILABLE,
} from './constants/error-codes.ts';
import { VIR_FROM_POLKIT } from './constants/error-domains.ts';
import { authenticate } from './authentication/authenticate.ts';
import { authFilePath, type Credentials, readCredentials } from './authentication/credentials.ts';
import {
  connectOpen,
  connectSupportsFeature,
  featureKeepalive,
} from './procedures/connect-open.ts';
import { connectionClosedMessage, registerCloseCallback } from './procedures/event-registration.ts';
import { remoteProgram } from './protocol/frame.ts';
import type { CallBill, CallOptions } from './rpc/call.ts';
import { Connection } from './rpc/connection.ts';
import { checkedTimeout } from './rpc/deadline.ts';
import { Session } from './session.ts';
import { openerOf } from './transport/opener.ts';
import { type ConnectUri, parseUri } from './uri.ts';

export type ConnectOptions = {
  /** Aborting ends the attempt, or closes the session. */
  signal?: AbortSignal | undefined;
  /**
   * Default true: the read-only socket where there is one, and a read-only hypervisor connection,
   * which libvirt itself enforces.
   */
  readOnly?: boolean | undefined;
  /**
   * User and password, for daemons that want SASL. Default: the file that `authfile=` names, else
   * `$LIBVIRT_AUTH_FILE`, else libvirt's auth.conf.
   */
  credentials?: Credentials | (() => Promise<Credentials>) | undefined;
  /** Names of the only procedures that may be called, such as `domainGetState`. Default: all. */
  allow?: Iterable<string> | undefined;
  /** For everything until the session is open. Default 10,000. */
  connectTimeoutMs?: number | undefined;
  /** Default deadline of a call. Default 10,000. */
  callTimeoutMs?: number | undefined;
  /**
   * Calls under way at a time. Default 4, one less than the daemon's `max_client_requests`: with as
   * many as that it stops reading the connection, keepalives included.
   */
  maxInFlight?: number | undefined;
  /** How many of them may be of low priority, which may hang behind one stuck domain. Default 2. */
  maxLowPriorityInFlight?: number | undefined;
  /** Calls that may wait for a slot; one more is refused with `CallRefusedError`. Default 10,000. */
  maxQueuedCalls?: number | undefined;
  /** After this long without a frame we ask whether libvirtd is there. Default 5,000. */
  keepaliveIntervalMs?: number | undefined;
  /** Questions that may go unanswered before the session counts as lost. Default 5. */
  keepaliveCount?: number | undefined;
  /** Events that a stream may buffer for a slow reader. Default 10,000. */
  eventCapacity?: number | undefined;
  /** Told of every call that was answered or given up. Must not throw. */
  onCall?: ((bill: CallBill) => void) | undefined;
};

/**
 * Opens a session with the daemon that `uri` names; without one, that `$LIBVIRT_DEFAULT_URI` names.
 *
 * @throws {InvalidUriError} the URI
 * @throws {ConnectError} no session came about: `reason` says why, `cause` has the error below
 */
export async function connect(
  uri: string = process.env['LIBVIRT_DEFAULT_URI'] ?? '',
  options: ConnectOptions = {},
): Promise<Session> {
  const { signal, readOnly = true, connectTimeoutMs = 10_000 } = options;
  const { callTimeoutMs = 10_000, eventCapacity = 10_000 } = options;
  signal?.throwIfAborted();
  const target = parseUri(uri);
  const attempt = new AbortController();
  const timer = setTimeout(() => {
    attempt.abort(new DeadlineExceededError('connect', connectTimeoutMs, true));
  }, checkedTimeout(connectTimeoutMs));
  const onAbort = (): void => {
    attempt.abort(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  let connection: Connection | undefined;
  let address = uri;
  try {
    connection = await Connection.open(
      openerOf(target, readOnly),
      {
        callTimeoutMs: checkedTimeout(callTimeoutMs),
        eventCapacity,
        maxInFlight: atLeastOne('maxInFlight', options.maxInFlight ?? 4),
        maxLowPriorityInFlight: atLeastOne(
          'maxLowPriorityInFlight',
          options.maxLowPriorityInFlight ?? 2,
        ),
        maxQueuedCalls: atLeastOne('maxQueuedCalls', options.maxQueuedCalls ?? 10_000),
        keepaliveIntervalMs: checkedTimeout(options.keepaliveIntervalMs ?? 5_000),
        keepaliveCount: atLeastOne('keepaliveCount', options.keepaliveCount ?? 5),
        onCall: options.onCall,
      },
      attempt.signal,
    );
    address = connection.address;
    const call = { signal: attempt.signal, timeoutMs: connectTimeoutMs, reason: 'bring-up' };
    await bringUp(connection, target, options, call);
  } catch (error) {
    connection?.destroy(undefined);
    // The caller's own abort is the caller's; everything else is refined.
    if (signal?.aborted === true) throw signal.reason;
    throw refine(error, address, attempt.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
  const allow = options.allow === undefined ? undefined : new Set(options.allow);
  const policy: CallPolicy = { readOnly, allow };
  const session = new Session(uri, connection, policy, { callTimeoutMs, eventCapacity });
  closeOnAbort(session, signal);
  return session;
}

/** The order of libvirt's own client. Nothing may be sent before OPEN is answered. */
async function bringUp(
  connection: Connection,
  target: ConnectUri,
  { readOnly = true, credentials }: ConnectOptions,
  options: CallOptions,
): Promise<void> {
  const authentication = {
    transport: target.transport,
    credentials: () => findCredentials(target, credentials),
  };
  await authenticate(connection, authentication, options);
  // Asking is announcing: from here on the daemon PINGs us, and we watch it.
  if (await connection.call(connectSupportsFeature, featureKeepalive, options)) {
    connection.keepalive.start();
  }
  await connection.call(connectOpen, { name: target.name, readOnly }, options);
  endWithTheDaemonsOwnLink(connection);
}

/**
 * A proxying daemon (virtproxyd) may lose the hypervisor's daemon behind it while our socket lives;
 * it tells those who asked to be told. Nobody waits for the answer: a daemon that does not know the
 * call has no link of its own to lose.
 */
function endWithTheDaemonsOwnLink(connection: Connection): void {
  connection.events.listen(
    { program: remoteProgram, procedure: connectionClosedMessage },
    (reader) => {
      const reason = closeReasons[reader.int()] ?? 'for an unknown reason';
      connection.destroy(new ConnectionLostError(`the daemon lost its hypervisor: ${reason}`));
    },
  );
  const options = { reason: 'bring-up' };
  connection.call(registerCloseCallback, undefined, options).catch(() => undefined);
}

/** Index = reason (`virConnectCloseReason`). */
const closeReasons = ['an error', 'end of file', 'keepalive timeout', 'asked by its client'];

async function findCredentials(
  { authfile, host = 'localhost' }: ConnectUri,
  given: ConnectOptions['credentials'],
): Promise<Credentials | undefined> {
  if (given !== undefined) return typeof given === 'function' ? given() : given;
  const path = authFilePath(authfile);
  return path === undefined ? undefined : readCredentials(path, host);
}

function closeOnAbort(session: Session, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const close = (): void => {
    void session.close();
  };
  // It may have come while the last step of the bring-up was being answered.
  if (signal.aborted) close();
  signal.addEventListener('abort', close, { once: true });
  void session.closed.then(() => {
    signal.removeEventListener('abort', close);
  });
}

function refine(error: unknown, address: string, attempt: AbortSignal): unknown {
  // The last call of the bring-up has the same time: on a busy machine its timer may come first.
  const late = [attempt.reason, error].find((each) => each instanceof DeadlineExceededError);
  if (late !== undefined) {
    const { timeoutMs } = late;
    const message =
      `no session within ${timeoutMs} ms: the daemon hangs, has no free client slot ` +
      '(max_clients, max_anonymous_clients), or does not answer on this network';
    return new ConnectError('deadline', address, message, late);
  }
  if (error instanceof LibvirtError) {
    return new ConnectError(libvirtFailure(error), address, error.message, error);
  }
  if (error instanceof ProtocolError) {
    return new ConnectError('protocol', address, error.message, error);
  }
  if (error instanceof ConnectionLostError) {
    const { cause } = error;
    if (cause instanceof ProtocolError || cause instanceof ConnectionLostError) {
      return refine(cause, address, attempt);
    }
    // A transport that learns of its failure late, as ssh does, says it with its end.
    if (cause instanceof ConnectError) return cause;
    return new ConnectError('hung-up', address, error.message, error);
  }
  return error;
}

function libvirtFailure({ code, domain, procedure }: LibvirtError): ConnectFailure {
  const denied =
    code === VIR_ERR_AUTH_FAILED ||
    code === VIR_ERR_AUTH_CANCELLED ||
    code === VIR_ERR_AUTH_UNAVAILABLE;
  // Without a system bus polkit's failure comes as an internal error: whatever an authentication
  // procedure answers is about authentication.
  return denied || domain === VIR_FROM_POLKIT || procedure.startsWith('auth')
    ? 'authentication'
    : 'refused-by-libvirt';
}

function atLeastOne(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${name} is a whole number above 0, not ${value}`);
  }
  return value;
}
