import { hostEntry, isAborted, type WantedHost } from '@virtscope/fleet';
import { applyInventory, type Hands, type NatsConnection } from '@virtscope/runtime';
import { endRemovedHosts } from './removed-hosts.ts';

/** The source that this service's fleet file stands for in `virt_hosts`. */
const source = 'fleet';
const retryMs = 1_000;

/** Keeps the bucket `virt_hosts` equal to the fleet file, and ends what left it. */
export class InventoryKeeper {
  readonly #nc: NatsConnection;
  readonly #hands: Hands;
  #wanted: readonly WantedHost[] | undefined;
  #wake: (() => void) | undefined;
  #due = false;

  constructor(nc: NatsConnection, hands: Hands) {
    this.#nc = nc;
    this.#hands = hands;
    hands.signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  want(hosts: readonly WantedHost[]): void {
    this.#wanted = hosts;
    this.applyAgain();
  }

  applyAgain(): void {
    this.#due = true;
    this.#wake?.();
  }

  async run(): Promise<void> {
    const { clock, log, signal } = this.#hands;
    while (!isAborted(signal)) {
      if (!this.#due || this.#wanted === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
        continue;
      }
      this.#due = false;
      const hosts = this.#wanted;
      try {
        await applyInventory(
          this.#nc,
          source,
          hosts.map((host) => hostEntry(host, source)),
        );
        await endRemovedHosts(this.#nc, new Set(hosts.map(({ id }) => id)), this.#hands);
      } catch (error) {
        if (isAborted(signal)) return;
        log.warn({ err: error }, 'the inventory cannot be applied; trying again');
        this.#due = true;
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }
}
