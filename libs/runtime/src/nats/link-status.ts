import type { NatsConnection } from '@nats-io/nats-core';

/** Whether the connection to NATS stands, for as long as the connection is not closed. */
export class LinkStatus {
  #up = true;
  readonly #listeners = new Set<(up: boolean) => void>();

  constructor(nc: NatsConnection) {
    void this.#follow(nc);
  }

  get up(): boolean {
    return this.#up;
  }

  /** @returns how to stop listening; told at each change, a connection made anew included */
  onChange(listener: (up: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @throws the signal's reason */
  async untilUp(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#up) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = this.onChange((up) => up && resolve());
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      stop();
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #follow(nc: NatsConnection): Promise<void> {
    for await (const { type } of nc.status()) {
      if (type === 'disconnect' || type === 'staleConnection') this.#tell(false);
      else if (type === 'reconnect') this.#tell(true);
    }
    this.#tell(false);
  }

  #tell(up: boolean): void {
    this.#up = up;
    for (const listener of this.#listeners) listener(up);
  }
}
