import type { HostId } from '@virtscope/contracts';
import { isAborted } from './aborted.ts';
import { maxBackoffMs } from './backoff.ts';
import type { SessionClock } from './host-sessions.ts';
import { inventoryChange, type InventoryChange, type WantedHost } from './inventory.ts';

/** A host, or what is shared among replicas as one. */
export type Shared = { id: HostId };

export type HostTasksOptions<H extends Shared = WantedHost> = {
  /** Watches one host until its signal aborts. */
  run(host: H, signal: AbortSignal): Promise<void>;
  /** A task broke, which is a fault of ours: it is started again after {@link maxBackoffMs}. */
  onBroken(host: H, error: unknown): void;
  clock: SessionClock;
  /** Ends all tasks. */
  signal: AbortSignal;
};

/**
 * One task per wanted host, following the inventory: an added host's task starts, a removed one's
 * ends, a changed one's ends before its successor starts, so that a host never has two sessions.
 * One host's failure touches no other (L6).
 */
export class HostTasks<H extends Shared = WantedHost> {
  readonly #options: HostTasksOptions<H>;
  readonly #tasks = new Map<HostId, { stop: AbortController; done: Promise<void> }>();
  #hosts: readonly H[] = [];

  constructor(options: HostTasksOptions<H>) {
    this.#options = options;
  }

  get hosts(): readonly H[] {
    return this.#hosts;
  }

  /** Makes `hosts` the wanted ones. */
  apply(hosts: readonly H[]): InventoryChange<H> {
    const change = inventoryChange(this.#hosts, hosts);
    this.#hosts = hosts;
    for (const id of change.removed) this.#tasks.get(id)?.stop.abort();
    for (const host of [...change.added, ...change.changed]) {
      const before = this.#tasks.get(host.id);
      before?.stop.abort();
      const stop = new AbortController();
      const signal = AbortSignal.any([stop.signal, this.#options.signal]);
      const done = (before?.done ?? Promise.resolve()).then(() => this.#keep(host, signal));
      this.#tasks.set(host.id, { stop, done });
    }
    return change;
  }

  /** Resolves when every task has ended, after the signal aborted. */
  async drained(): Promise<void> {
    await Promise.all([...this.#tasks.values()].map(({ done }) => done));
  }

  async #keep(host: H, signal: AbortSignal): Promise<void> {
    while (!isAborted(signal)) {
      try {
        await this.#options.run(host, signal);
      } catch (error) {
        if (isAborted(signal)) return;
        this.#options.onBroken(host, error);
      }
      await this.#options.clock.sleep(maxBackoffMs, signal).catch(() => undefined);
    }
  }
}
