/**
 * Errors, sorted by what the caller does next. Branch on the class and its code or reason, never on
 * the message.
 *
 * | class                 | what happened                            | what to do                      |
 * |-----------------------|------------------------------------------|---------------------------------|
 * | LibvirtError          | libvirtd understood and refused          | branch on `code`                |
 * | ConnectionLostError   | session over, call was under way         | reconnect; repeat if it reads   |
 * | DeadlineExceededError | we stopped waiting; it may still run     | ask again later                 |
 * | ProtocolError         | bytes break the protocol; session closed | reconnect; report it            |
 * | CallRefusedError      | refused here, nothing was sent           | fix the call or the options     |
 * | ConnectError          | no session came about                    | branch on `reason`              |
 * | InvalidUriError       | the URI says something we do not do      | fix the URI                     |
 * | EventGapError         | events were dropped at a stream's bound  | subscribe anew, then list anew  |
 *
 * An aborted call rejects with its signal's own reason.
 */
import { errorCodeName } from './constants/error-codes.ts';
import { errorDomainName } from './constants/error-domains.ts';

/** What libvirt put on the wire when it refused (`virError`). */
export type RemoteError = {
  /** `VIR_ERR_*`: the one field to decide on. */
  code: number;
  /** `VIR_FROM_*`: the part of libvirt that speaks. */
  domain: number;
  /** Already formatted, and perhaps translated, by the daemon. */
  message: string | undefined;
  /** 1 warning, 2 error. */
  level: number;
  str1: string | undefined;
  str2: string | undefined;
  str3: string | undefined;
  /** The errno when `code` is 38 (`VIR_ERR_SYSTEM_ERROR`); else 0 or -1. */
  int1: number;
  int2: number;
};

/** libvirtd understood the call and refused it. The session goes on. */
export class LibvirtError extends Error {
  override readonly name = 'LibvirtError';
  /** `VIR_ERR_*` of `node-libvirt/constants`. */
  readonly code: number;
  /** `VIR_FROM_*`: which part of libvirt speaks. */
  readonly domain: number;
  readonly procedure: string;
  /** 1 warning, 2 error. */
  readonly level: number;
  readonly str1: string | undefined;
  readonly str2: string | undefined;
  /** The errno when `code` is `VIR_ERR_SYSTEM_ERROR`. */
  readonly int1: number;

  constructor(procedure: string, remote: RemoteError) {
    super(
      `${procedure}: ${remote.message ?? 'no message'} (${errorCodeName(remote.code)}, from ${errorDomainName(remote.domain)})`,
    );
    this.code = remote.code;
    this.domain = remote.domain;
    this.procedure = procedure;
    this.level = remote.level;
    this.str1 = remote.str1;
    this.str2 = remote.str2;
    this.int1 = remote.int1;
  }
}

/**
 * The session ended while this was under way: the outcome is unknown. Repeating is safe for calls
 * that only read. `cause` says why it ended, where that is known.
 */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
  /** The call that was under way, if it was a call. */
  readonly procedure: string | undefined;

  constructor(what: string, options: { cause?: unknown; procedure?: string } = {}) {
    super(
      options.procedure === undefined ? what : `${options.procedure}: ${what}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.procedure = options.procedure;
  }
}

/**
 * We stopped waiting. libvirt cannot cancel: the call may still run there, and keeps its slot on
 * this session until its late answer or the end of the session.
 */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError';
  readonly procedure: string;
  readonly timeoutMs: number;
  /** False when every slot was taken until the deadline: libvirtd never saw the call. */
  readonly sent: boolean;

  constructor(procedure: string, timeoutMs: number, sent: boolean) {
    super(
      sent
        ? `${procedure}: no answer within ${timeoutMs} ms`
        : `${procedure}: no free slot on the session within ${timeoutMs} ms, not sent`,
    );
    this.procedure = procedure;
    this.timeoutMs = timeoutMs;
    this.sent = sent;
  }
}

/** Bytes that break the protocol: framing can no longer be trusted, so the session is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** Why a call was refused before anything was sent. */
export type CallRefusal =
  /** The procedure needs a writable session. */
  | 'read-only'
  /** The procedure is not in the session's allow-list. */
  | 'not-allowed'
  /** `maxQueuedCalls` calls already wait for a slot. */
  | 'queue-full';

/** The call was refused on this side; libvirtd saw nothing of it. */
export class CallRefusedError extends Error {
  override readonly name = 'CallRefusedError';
  readonly procedure: string;
  readonly reason: CallRefusal;

  constructor(procedure: string, reason: CallRefusal, message: string) {
    super(`${procedure}: ${message}`);
    this.procedure = procedure;
    this.reason = reason;
  }
}

/** Why no session came about. */
export type ConnectFailure =
  /** No such socket, host or program: is the daemon installed and its socket unit enabled? */
  | 'not-found'
  /** Something is there, and nobody listens. */
  | 'refused'
  /** The operating system denies this user the socket. */
  | 'permission'
  /** No answer within `connectTimeoutMs`: hung, full (`max_clients`), or black-holed. */
  | 'deadline'
  /** No route, network down, and other errors of the network. */
  | 'unreachable'
  /** The peer hung up during bring-up. */
  | 'hung-up'
  /** TLS: their certificate does not satisfy us, or ours does not satisfy them. */
  | 'certificate'
  /** ssh: the host's key is unknown or changed. */
  | 'host-key'
  /** Authentication failed, was cancelled, or is of a kind that we do not offer. */
  | 'authentication'
  /** libvirtd answered and refused to open the hypervisor connection: see `cause`. */
  | 'refused-by-libvirt'
  /** What answered does not speak libvirt's protocol. */
  | 'protocol';

/** No session came about. Nothing is left open. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly reason: ConnectFailure;
  /** Where we tried to connect: a socket's path, host and port, or a command. */
  readonly address: string;

  constructor(reason: ConnectFailure, address: string, message: string, cause?: unknown) {
    super(`${address}: ${message}`, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.address = address;
  }
}

/** The URI is malformed, or asks for something that this client refuses. */
export class InvalidUriError extends Error {
  override readonly name = 'InvalidUriError';
  readonly uri: string;

  constructor(uri: string, message: string) {
    super(`${JSON.stringify(uri)}: ${message}`);
    this.uri = uri;
  }
}

/**
 * An event stream was full, and events were dropped. What was buffered has been delivered; what
 * follows is unknown: subscribe anew and list anew.
 */
export class EventGapError extends Error {
  override readonly name = 'EventGapError';
  readonly capacity: number;

  constructor(capacity: number) {
    super(
      `more than ${capacity} events waited for their reader and the rest was dropped: list the objects anew`,
    );
    this.capacity = capacity;
  }
}
