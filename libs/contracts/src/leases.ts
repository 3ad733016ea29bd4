import type { StatsCell } from './stats-page.ts';

/** Leases that a host's page tells at most; of further ones it says that they are not told. */
export const maxLeases = 1_024;

/** An address that a virtual network's own DHCP server lent. */
export type Lease = {
  network: string;
  mac: string;
  address: string;
  prefix: number;
  hostname?: string;
};

const fields = ['network', 'mac', 'address', 'prefix', 'hostname'] as const;

/** As fields of a page's `hostFields`, without their group: `0.mac`. */
export function leaseFields(leases: readonly Lease[]): Map<string, string | number> {
  const told = new Map<string, string | number>();
  for (const [n, lease] of leases.entries()) {
    for (const field of fields) {
      const value = lease[field];
      if (value !== undefined) told.set(`${n}.${field}`, value);
    }
  }
  return told;
}

/** The leases in a page's `hostFields`; what is not whole is left out. */
export function leasesIn(hostFields: Readonly<Record<string, StatsCell>>): Lease[] {
  const leases: Lease[] = [];
  for (let n = 0; n < maxLeases; n++) {
    const [network, mac, address, prefix, hostname] = fields.map(
      (field) => hostFields[`lease.${n}.${field}`],
    );
    if (network === undefined) break;
    if (typeof network !== 'string' || typeof mac !== 'string') continue;
    if (typeof address !== 'string' || typeof prefix !== 'number') continue;
    const named = typeof hostname === 'string' ? { hostname } : {};
    leases.push({ network, mac: mac.toLowerCase(), address, prefix, ...named });
  }
  return leases;
}
