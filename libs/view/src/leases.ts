/** Addresses that hosts' virtual networks lent, as the hosts' newest pages tell them. */
import { leasesIn, type HostId, type Lease, type StatsPage } from '@virtscope/contracts';
import { MultiIndex } from './multi-index.ts';

export type LeaseOnHost = Lease & { host: HostId };

type OfHost = { page: StatsPage; leases: readonly LeaseOnHost[] };

/** Whoever asks checks that the page still counts: pages grow old, and samplers are replaced. */
export class LeaseBook {
  readonly #byHost = new Map<HostId, OfHost>();
  readonly #byAddress = new MultiIndex<string, LeaseOnHost>();

  /** @param page a page of the tier `host` */
  apply(page: StatsPage): void {
    const { host, hostFields = {} } = page;
    this.forget(host);
    const leases = leasesIn(hostFields).map((lease) => ({ ...lease, host }));
    this.#byHost.set(host, { page, leases });
    for (const lease of leases) this.#byAddress.add(lease.address, lease);
  }

  forget(host: HostId): void {
    for (const lease of this.#byHost.get(host)?.leases ?? []) {
      this.#byAddress.delete(lease.address, lease);
    }
    this.#byHost.delete(host);
  }

  hosts(): Iterable<HostId> {
    return this.#byHost.keys();
  }

  /** The page that the host's leases are of. */
  pageOf(host: HostId): StatsPage | undefined {
    return this.#byHost.get(host)?.page;
  }

  on(host: HostId): readonly LeaseOnHost[] {
    return this.#byHost.get(host)?.leases ?? [];
  }

  of(address: string): readonly LeaseOnHost[] {
    return [...this.#byAddress.get(address)];
  }
}
