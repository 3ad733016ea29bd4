import type { HostId } from '@virtscope/contracts';
import { isAborted } from './aborted.ts';
import type { SessionClock } from './host-sessions.ts';
import type { HostTasks, Shared } from './host-tasks.ts';
import type { WantedHost } from './inventory.ts';
import { Membership } from './membership.ts';

/** How often the share of this replica is looked at again. */
const sharePeriodMs = 250;

/** The heart that this room needs; `runtime`'s fits. */
export type Beating = {
  /** A whole beat now. */
  beatNow(): void;
  /** The replica that lives and holds the host, if it is not this one. */
  holderOf(host: HostId): string | undefined;
};

export type ShareOptions<H extends Shared = WantedHost> = {
  replica: string;
  tasks: Pick<HostTasks<H>, 'apply' | 'hosts'>;
  clock: SessionClock;
  /** In [0, 1): the jitter's dice. */
  random: () => number;
  signal: AbortSignal;
  onMoved: (moved: { members: string[]; took: HostId[]; gaveUp: HostId[] }) => void;
};

/** Keeps a replica's tasks equal to its share of the wanted hosts, as replicas come and go. */
export class Share<H extends Shared = WantedHost> {
  readonly #options: ShareOptions<H>;
  readonly #membership: Membership;
  #wanted: readonly H[] = [];

  constructor(options: ShareOptions<H>) {
    this.#options = options;
    this.#membership = new Membership(options.replica, options.clock.monotonicMs());
  }

  /** All hosts of the inventory, whoever has them. */
  get wanted(): readonly H[] {
    return this.#wanted;
  }

  want(hosts: readonly H[]): void {
    this.#wanted = hosts;
  }

  /** Another replica beat; a new one is answered at once, so that it need not wait for the next. */
  heard(replica: string, leaving: boolean, heart: Beating): void {
    if (leaving) this.#membership.left(replica);
    else if (this.#membership.heard(replica, this.#now())) heart.beatNow();
  }

  /** The bus was away, or this process slept: the others could not be heard. */
  missedBeats(): void {
    this.#membership.reconnected(this.#now(), this.#options.random());
  }

  /** This replica does what only one does. */
  get isLowest(): boolean {
    return this.#membership.isLowest(this.#now());
  }

  /** A host that another living replica still holds is left to it (bus rule 3). */
  async untilFree(host: HostId, heart: Beating, signal: AbortSignal): Promise<void> {
    while (heart.holderOf(host) !== undefined) {
      await this.#options.clock.sleep(sharePeriodMs, signal);
    }
  }

  /** Takes and gives up hosts until the signal aborts. */
  async run(): Promise<void> {
    const { tasks, clock, signal, onMoved } = this.#options;
    while (!isAborted(signal)) {
      const held = new Set(tasks.hosts.map(({ id }) => id));
      const { added, removed } = tasks.apply(
        this.#membership.mine(this.#wanted, held, this.#now()),
      );
      if (added.length > 0 || removed.length > 0) {
        const members = this.#membership.live(this.#now());
        onMoved({ members, took: added.map(({ id }) => id), gaveUp: removed });
      }
      await clock.sleep(sharePeriodMs, signal).catch(() => undefined);
    }
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}
