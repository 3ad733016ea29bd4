import { hostEntry, isAborted, mayRemove, type WantedHost } from '@virtscope/fleet';
import {
  RemovalRefusedError,
  applyInventory,
  type Hands,
  type NatsConnection,
} from '@virtscope/runtime';
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
  #allowRemovals = false;

  /** @param isOurs whether it is this replica, of all that live, that applies */
  constructor(nc: NatsConnection, hands: Hands, isOurs: () => boolean) {
    this.#nc = nc;
    this.#isOurs = isOurs;
    this.#hands = hands;
    hands.signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  /** @param allowRemovals the file says that it may take many hosts out at once */
  want(hosts: readonly WantedHost[], allowRemovals: boolean): void {
    this.#wanted = hosts;
    this.#allowRemovals = allowRemovals;
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
          this.#allowRemovals ? (all) => all : mayRemove,
        );
        await endRemovedHosts(this.#nc, everybodys, this.#hands);
      } catch (error) {
        if (isAborted(signal)) return;
        if (error instanceof RemovalRefusedError) {
          log.error(`${error.message}: not applied; say "allowRemovals: true" if it is meant`);
          continue;
        }
        log.warn({ err: error }, 'the inventory cannot be applied; trying again');
        this.#due = true;
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }
}
