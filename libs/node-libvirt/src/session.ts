/** A session with libvirtd: calls, events, keepalive, over one connection. */
import { DeviceCalls } from './calls/device-calls.ts';
import type { CallPolicy } from './calls/caller.ts';
import type { DomainEventKind } from './events/domain-event.ts';
import {
  type DomainEventStream,
  type ObjectEventStream,
  openEventStream,
} from './events/event-stream.ts';
import type { ObjectEventKind } from './events/object-event.ts';
import { domainEventSource, objectEventSource } from './events/sources.ts';
import { Registrations } from './events/registrations.ts';
import { connectClose } from './procedures/connect-open.ts';
import type { Connection } from './rpc/connection.ts';
import type { Deadline } from './rpc/deadline.ts';

export type PingOptions = { timeoutMs?: number | undefined; signal?: AbortSignal | undefined };

export type EventOptions = {
  /** Events that may wait for the reader; default: the session's `eventCapacity`. */
  capacity?: number | undefined;
  /** How long registering may take; default: the session's `callTimeoutMs`. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
};

export type SessionDefaults = { callTimeoutMs: number; eventCapacity: number };

/**
 * An open session; `connect` makes it. Its owner disposes of it; then event streams end and calls
 * under way reject with `ConnectionLostError`.
 *
 * Each call is libvirt's function less its prefix, and takes `CallOptions` last. At most
 * `maxInFlight` calls are under way, of which `maxLowPriorityInFlight` of low priority; the others
 * wait, which counts against their deadline. A call that is given up (deadline, signal) keeps its
 * slot until its late answer: libvirt cannot cancel.
 *
 * Every call may throw `LibvirtError` (refused), `DeadlineExceededError`, `ConnectionLostError`
 * (outcome unknown), `ProtocolError` (session closed), `CallRefusedError` (not sent), or its
 * signal's reason.
 */
export class Session extends DeviceCalls implements AsyncDisposable {
  /** As given to `connect`. */
  readonly uri: string;
  readonly #registrations: Registrations;
  readonly #defaults: SessionDefaults;

  constructor(uri: string, connection: Connection, policy: CallPolicy, defaults: SessionDefaults) {
    super(connection, policy);
    this.uri = uri;
    this.#registrations = new Registrations(connection);
    this.#defaults = defaults;
  }

  /** Where it is connected to: a socket's path, host and port, or a command. */
  get address(): string {
    return this.connection.address;
  }

  get isOpen(): boolean {
    return this.connection.isOpen;
  }

  /** Resolves when the session is over: with why, or with nothing when it was closed here. */
  get closed(): Promise<Error | undefined> {
    return this.connection.closed;
  }

  /** Says farewell and closes; resolves when the socket is gone. Harmless twice. */
  close(): Promise<void> {
    return this.connection.close(connectClose);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * A keepalive round trip of our own, outside the slots of calls. When it resolves, every event
   * that the daemon sent before its answer has been offered to the event streams.
   *
   * @returns `startedMs` on the clock of `performance.now()`
   * @throws {DeadlineExceededError} | {ConnectionLostError}
   */
  async ping(options: PingOptions = {}): Promise<{ startedMs: number; tookMs: number }> {
    const startedMs = performance.now();
    await this.connection.ping(options);
    return { startedMs, tookMs: performance.now() - startedMs };
  }

  /**
   * Registers for kinds of domain events and resolves with their stream. What the daemon sends
   * after it registered us is not lost, also if it arrives before the registration's reply. Kinds
   * that the daemon does not know are named in `missingKinds`. Procedures 316 and 317.
   *
   * @throws {LibvirtError} refused
   */
  domainEvents(
    kinds: readonly DomainEventKind[],
    options: EventOptions = {},
  ): Promise<DomainEventStream> {
    return openEventStream(this.connection, this.#registrations, {
      kinds,
      sourceOf: domainEventSource,
      ...this.#eventBounds(options),
    });
  }

  /**
   * As `domainEvents`, for networks, storage pools, node devices and secrets. A modular daemon
   * hears only its own class: connect to `network:///system`, `storage:///system` and so on.
   * Procedures 313, 314, 368, 369, 374, 375, 380, 381.
   *
   * @throws {LibvirtError} refused; `VIR_ERR_NO_SUPPORT`: no such driver in this daemon
   */
  objectEvents(
    kinds: readonly ObjectEventKind[],
    options: EventOptions = {},
  ): Promise<ObjectEventStream> {
    return openEventStream(this.connection, this.#registrations, {
      kinds,
      sourceOf: objectEventSource,
      ...this.#eventBounds(options),
    });
  }

  #eventBounds(options: EventOptions): { capacity: number; deadline: Deadline } {
    return {
      capacity: options.capacity ?? this.#defaults.eventCapacity,
      deadline: {
        timeoutMs: options.timeoutMs ?? this.#defaults.callTimeoutMs,
        signal: options.signal,
      },
    };
  }
}
