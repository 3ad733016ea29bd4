import type { NatsConnection } from '@nats-io/nats-core';

/** Is the connection up at this moment, and who wants to hear when it is again. */
export class NatsLink {
  #connected = true;
  readonly #listeners: (() => void)[] = [];

  constructor(nc: NatsConnection) {
    void this.#follow(nc);
  }

  /** While false, what is published waits in the client's buffer and arrives late. */
  get connected(): boolean {
    return this.#connected;
  }

  onReconnect(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async #follow(nc: NatsConnection): Promise<void> {
    for await (const { type } of nc.status()) {
      if (type === 'disconnect' || type === 'staleConnection' || type === 'reconnecting') {
        this.#connected = false;
      } else if (type === 'reconnect') {
        this.#connected = true;
        for (const listener of this.#listeners) listener();
      }
    }
    this.#connected = false;
  }
}
