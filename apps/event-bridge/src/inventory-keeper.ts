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
  readonly #isOurs: () => boolean;
  #wanted: readonly WantedHost[] | undefined;
  #wake: (() => void) | undefined;
  #due = false;

  /** @param isOurs whether it is this replica, of all that live, that applies */
  constructor(nc: NatsConnection, hands: Hands, isOurs: () => boolean) {
    this.#nc = nc;
    this.#isOurs = isOurs;
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
      if (!this.#isOurs()) {
        // Should the replica that does it go, it is this one's turn.
        await clock.sleep(retryMs, signal).catch(() => undefined);
        continue;
      }
      this.#due = false;
      const hosts = this.#wanted;
      try {
        const everybodys = await applyInventory(
          this.#nc,
          source,
          hosts.map((host) => hostEntry(host, source)),
        );
        await endRemovedHosts(this.#nc, everybodys, this.#hands);
      } catch (error) {
        if (isAborted(signal)) return;
        log.warn({ err: error }, 'the inventory cannot be applied; trying again');
        this.#due = true;
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }
}
