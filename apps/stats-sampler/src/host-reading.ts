/** The host's own figures, read by priority calls that wait for no guest. */
import type { HostGroup, HostReading } from '@virtscope/stats';
import { LibvirtError, type CallOptions, type Session } from 'node-libvirt';

/** Storage pools of a host that are looked at; of further ones nothing is said. */
export const maxPools = 64;

/** Cells of a host whose free memory is asked for, in one call. */
const maxCells = 64;

/** `VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE`. */
const activePools = 2;

type Read = (session: Session, options: CallOptions) => Promise<Map<string, number | bigint>>;

const readers: Readonly<Record<HostGroup, Read>> = {
  cpu: (session, options) => session.nodeGetCpuStats(-1, options),
  memory: (session, options) => session.nodeGetMemoryStats(-1, options),
  cell: async (session, options) => {
    const free = await session.nodeGetCellsFreeMemory(0, maxCells, options);
    return new Map(free.map((bytes, cell) => [`${cell}.free`, bytes]));
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
    return fields;
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
