/**
 * Both directions of libvirt's keepalive. The server's PINGs are answered by the connection itself;
 * this is our own side: after `intervalMs` without any frame we send a PING, and when `count` of
 * them went by in silence the peer is dead. It takes intervalMs × (count + 1) to notice, as in
 * libvirt's own clients.
 */
import { ConnectionLostError, DeadlineExceededError } from '../errors.ts';

export type KeepaliveOptions = {
  intervalMs: number;
  count: number;
  /** Writes a PING frame. */
  sendPing(): void;
  /** The peer is silent: end the session. */
  dead(error: ConnectionLostError): void;
};

type PingWaiter = { resolve(): void; reject(error: unknown): void };

/** PINGs that may wait for their PONG at a time; beyond, `ping` is refused. */
const maxOutstandingPings = 64;

export class Keepalive {
  readonly #options: KeepaliveOptions;
  /** One entry for each PING that waits for its PONG, oldest first: PONGs come back in order. */
  readonly #outstanding: (PingWaiter | undefined)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #silentPings = 0;
  #lastFrameMs = performance.now();

  constructor(options: KeepaliveOptions) {
    this.#options = options;
  }

  /** Begins to watch for silence. Not before the server knows the keepalive program. */
  start(): void {
    this.#lastFrameMs = performance.now();
    this.#arm(this.#options.intervalMs);
  }

  /** Something arrived: the peer lives. */
  received(): void {
    this.#lastFrameMs = performance.now();
    this.#silentPings = 0;
  }

  pong(): void {
    this.#outstanding.shift()?.resolve();
  }

  /** One round trip. Resolves in the order in which frames were read. */
  ping(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#outstanding.length >= maxOutstandingPings) {
      throw new DeadlineExceededError('ping', timeoutMs, false);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: PingWaiter = { resolve, reject };
    const timer = setTimeout(() => {
      reject(new DeadlineExceededError('ping', timeoutMs, true));
    }, timeoutMs);
    const abort = (): void => {
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#outstanding.push(waiter);
    this.#options.sendPing();
    return promise.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    });
  }

  stop(error: ConnectionLostError): void {
    clearTimeout(this.#timer);
    for (const waiter of this.#outstanding.splice(0)) waiter?.reject(error);
  }

  #arm(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#tick();
    }, delayMs);
    // The socket keeps the process alive as long as the session is open; the watch need not.
    this.#timer.unref();
  }

  #tick(): void {
    const { intervalMs, count } = this.#options;
    const silentMs = performance.now() - this.#lastFrameMs;
    // Timers are not exact: one that comes a hair early must not cost a whole interval.
    if (this.#silentPings === 0 && silentMs < intervalMs - 1) {
      this.#arm(intervalMs - silentMs);
      return;
    }
    // Count PINGs, not milliseconds: after a pause of this process the answers are still unread,
    // and the clock alone would condemn a healthy peer.
    if (this.#silentPings >= count) {
      this.#options.dead(
        new ConnectionLostError(
          `libvirtd is silent: ${count} keepalives unanswered in ${Math.round(silentMs)} ms`,
        ),
      );
      return;
    }
    this.#silentPings += 1;
    // A PING of the watch has no waiter, yet its PONG must find its place in the order.
    if (this.#outstanding.length < maxOutstandingPings) {
      this.#outstanding.push(undefined);
      this.#options.sendPing();
    }
    this.#arm(intervalMs);
  }
}
