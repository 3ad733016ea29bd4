/** The host's own figures, read by calls that wait for no guest. */
import { leaseFields, maxLeases, type Lease } from '@virtscope/contracts';
import type { HostFields, HostGroup, HostReading } from '@virtscope/stats';
import { LibvirtError, type CallOptions, type Session } from 'node-libvirt';

/** Storage pools of a host that are looked at, and networks. */
const maxPools = 64;
const maxNetworks = 64;

/** Cells of a host whose free memory is asked for, in one call. */
const maxCells = 64;

/** `VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE`. */
const activePools = 2;

/** `VIR_CONNECT_LIST_NETWORKS_ACTIVE`. */
const activeNetworks = 2;

type Read = (session: Session, options: CallOptions) => Promise<HostFields>;

const readers: Readonly<Record<HostGroup, Read>> = {
  cpu: async (session, options) => ({ fields: await session.nodeGetCpuStats(-1, options) }),
  memory: async (session, options) => ({ fields: await session.nodeGetMemoryStats(-1, options) }),
  cell: async (session, options) => {
    const free = await session.nodeGetCellsFreeMemory(0, maxCells, options);
    return { fields: new Map(free.map((bytes, cell) => [`${cell}.free`, bytes])) };
  },
  pool: async (session, options) => {
    const pools = await session.connectListAllStoragePools({ flags: activePools }, options);
    const fields = new Map<string, number | bigint>();
    for (const pool of pools.slice(0, maxPools)) {
      const info = await session.storagePoolGetInfo(pool, options);
      fields.set(`${pool.name}.capacity`, info.capacityBytes);
      fields.set(`${pool.name}.allocation`, info.allocationBytes);
      fields.set(`${pool.name}.available`, info.availableBytes);
    }
    return { fields, cut: pools.length > maxPools };
  },
  lease: async (session, options) => {
    const networks = await session.connectListAllNetworks({ flags: activeNetworks }, options);
    const leases: Lease[] = [];
    for (const network of networks.slice(0, maxNetworks)) {
      for (const lease of await session.networkGetDhcpLeases(network, {}, options)) {
        const { mac, address, prefix, hostname } = lease;
        if (mac === undefined) continue;
        leases.push({ network: network.name, mac, address, prefix, ...(hostname && { hostname }) });
      }
    }
    const cut = networks.length > maxNetworks || leases.length > maxLeases;
    return { fields: leaseFields(leases.slice(0, maxLeases)), cut };
  },
};

/**
 * One call after the other. A group that libvirt refuses, as drivers without it do, is left out.
 *
 * @throws what ends a session
 */
export async function readHost(session: Session, options: CallOptions): Promise<HostReading> {
  const reading: HostReading = {};
  for (const group of Object.keys(readers) as HostGroup[]) {
    try {
      reading[group] = await readers[group](session, options);
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
    }
  }
  return reading;
}
