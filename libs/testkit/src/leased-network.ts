import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Libvirtd } from './libvirtd.ts';

export type LentAddress = { mac: string; address: string; hostname?: string };

/**
 * Starts a virtual network on a bridge that nobody made, and keeps the books of its DHCP server where
 * libvirt reads them (dnsmasq's status file): libvirtd answers for real about leases that we made up.
 */
export async function startLeasedNetwork(
  host: Libvirtd,
  name: string,
  leases: readonly LentAddress[],
): Promise<void> {
  const bridge = `vs-${name}`;
  lend(host, name, leases);
  const xmlPath = join(host.dir, `${name}.network.xml`);
  writeFileSync(
    xmlPath,
    `<network><name>${name}</name><forward mode='bridge'/><bridge name='${bridge}'/></network>`,
  );
  await host.virsh('net-define', xmlPath);
  await host.virsh('net-start', name);
}

/** What the network's server has lent from now on. */
export function lend(host: Libvirtd, name: string, leases: readonly LentAddress[]): void {
  const dir = join(host.dir, 'lib', 'dnsmasq');
  mkdirSync(dir, { recursive: true });
  const books = leases.map(({ mac, address, hostname }) => ({
    'ip-address': address,
    'mac-address': mac,
    ...(hostname && { hostname }),
    'expiry-time': Math.floor(Date.now() / 1_000) + 3_600,
  }));
  writeFileSync(join(dir, `vs-${name}.status`), JSON.stringify(books));
}
