/** Single questions about a domain's parts. For many domains at once there are bulk stats. */
import {
  domainBlockStats,
  domainBlockStatsFlags,
  domainGetBlockInfo,
  domainGetDiskErrors,
  domainGetMessages,
  type DomainBlockInfo,
  type DomainBlockStats,
  type DomainDiskError,
} from '../procedures/domain-block.ts';
import { domainGetCpuStats, domainGetVcpus, type DomainVcpus } from '../procedures/domain-cpu.ts';
import { domainGetMetadata } from '../procedures/domain-get-metadata.ts';
import {
  domainGetFsInfo,
  domainGetGuestInfo,
  domainGetHostname,
  domainGetTime,
  type DomainFsInfo,
  type DomainTime,
} from '../procedures/domain-guest.ts';
import {
  domainInterfaceAddresses,
  domainInterfaceStats,
  type DomainInterface,
  type DomainInterfaceStats,
} from '../procedures/domain-interface.ts';
import { domainMemoryStats } from '../procedures/domain-memory-stats.ts';
import type { Domain } from '../protocol/identity.ts';
import type { TypedParameters, TypedValue } from '../protocol/typed-parameter.ts';
import type { Counter } from '../protocol/xdr-reader.ts';
import type { CallOptions } from '../rpc/call.ts';
import { invoke } from './caller.ts';
import { DomainCalls } from './domain-calls.ts';

export class DomainDetailCalls extends DomainCalls {
  /**
   * Title, description, or an element of the metadata (XML). Procedure 265.
   *
   * @throws {LibvirtError} `VIR_ERR_NO_DOMAIN_METADATA`: it has none
   */
  domainGetMetadata(
    domain: Domain,
    args: { type: number; uri?: string; flags?: number },
    options?: CallOptions,
  ): Promise<string> {
    return this[invoke](domainGetMetadata, { domain, ...args }, options);
  }

  /** Sizes of a disk; waits when QEMU hangs. Procedure 194. */
  domainGetBlockInfo(
    domain: Domain,
    path: string,
    options?: CallOptions,
  ): Promise<DomainBlockInfo> {
    return this[invoke](domainGetBlockInfo, { domain, path }, options);
  }

  /** Requests and bytes of a disk; waits when QEMU hangs. Procedure 64. */
  domainBlockStats(domain: Domain, path: string, options?: CallOptions): Promise<DomainBlockStats> {
    return this[invoke](domainBlockStats, { domain, path }, options);
  }

  /** All counters of a disk by name, times in ns; two round trips. Procedure 243. */
  async domainBlockStatsFlags(
    domain: Domain,
    path: string,
    options?: CallOptions,
  ): Promise<TypedParameters> {
    const disk = { domain, path };
    const { count } = await this[invoke](domainBlockStatsFlags, { ...disk, count: 0 }, options);
    return (await this[invoke](domainBlockStatsFlags, { ...disk, count }, options)).params;
  }

  /** Disks that had an I/O error; empty when none had. Procedure 263. */
  domainGetDiskErrors(domain: Domain, options?: CallOptions): Promise<DomainDiskError[]> {
    return this[invoke](domainGetDiskErrors, domain, options);
  }

  /** What libvirt has to say about it: tainting, deprecation. Procedure 426. */
  domainGetMessages(domain: Domain, options?: CallOptions): Promise<string[]> {
    return this[invoke](domainGetMessages, domain, options);
  }

  /** Counters of an interface, by its name on the host (`vnet0`). Procedure 65. */
  domainInterfaceStats(
    domain: Domain,
    device: string,
    options?: CallOptions,
  ): Promise<DomainInterfaceStats> {
    return this[invoke](domainInterfaceStats, { domain, device }, options);
  }

  /**
   * Addresses of its interfaces: `source` 0 as libvirt leased them, 1 as the guest's agent says
   * (needs a writable session), 2 as the host's ARP table has them. Procedure 353.
   */
  domainInterfaceAddresses(
    domain: Domain,
    args: { source?: number } = {},
    options?: CallOptions,
  ): Promise<DomainInterface[]> {
    return this[invoke](domainInterfaceAddresses, { domain, source: args.source ?? 0 }, options);
  }

  /**
   * Memory by virsh's names: `actual`, `rss`, `unused` … in KiB, faults in counts, `last_update` in
   * seconds since 1970. Procedure 159.
   */
  domainMemoryStats(domain: Domain, options?: CallOptions): Promise<Map<string, Counter>> {
    return this[invoke](domainMemoryStats, domain, options);
  }

  /**
   * Its virtual CPUs and where they may run. `hostCpus` is how many CPUs the host has: that many
   * bits make a map. Procedure 20.
   */
  async domainGetVcpus(
    domain: Domain,
    args: { maxVcpus: number; hostCpus: number },
    options?: CallOptions,
  ): Promise<DomainVcpus> {
    const mapBytes = (args.hostCpus + 7) >> 3;
    const wire = { domain, maxVcpus: args.maxVcpus, mapBytes };
    const { vcpus, maps } = await this[invoke](domainGetVcpus, wire, options);
    const cpuMaps = vcpus.map((_, i) => maps.subarray(i * mapBytes, (i + 1) * mapBytes));
    return { vcpus, cpuMaps };
  }

  /**
   * CPU time that it used of the host, in ns by kind: the total of all CPUs, or, with `startCpu`,
   * of each of `cpus` CPUs (128 at most). Two round trips. Procedure 262.
   */
  async domainGetCpuStats(
    domain: Domain,
    args: { startCpu?: number; cpus?: number } = {},
    options?: CallOptions,
  ): Promise<ReadonlyMap<string, TypedValue>[]> {
    const wanted = { domain, startCpu: args.startCpu ?? -1, cpus: args.cpus ?? 1 };
    const { count } = await this[invoke](domainGetCpuStats, { ...wanted, count: 0 }, options);
    const { params } = await this[invoke](domainGetCpuStats, { ...wanted, count }, options);
    return inGroupsOf(count, [...params]).map((group) => new Map(group));
  }

  /**
   * What the guest's agent says about users, os, timezone, file systems … (bits of `types`; 0 is
   * all). Needs a writable session. Procedure 418.
   */
  domainGetGuestInfo(
    domain: Domain,
    args: { types?: number } = {},
    options?: CallOptions,
  ): Promise<TypedParameters> {
    return this[invoke](domainGetGuestInfo, { domain, types: args.types ?? 0 }, options);
  }

  /** The guest's host name, by its agent or its lease. Needs a writable session. Procedure 277. */
  domainGetHostname(
    domain: Domain,
    args: { flags?: number } = {},
    options?: CallOptions,
  ): Promise<string> {
    return this[invoke](domainGetHostname, { domain, flags: args.flags ?? 0 }, options);
  }

  /** The guest's clock, by its agent. Needs a writable session. Procedure 337. */
  domainGetTime(domain: Domain, options?: CallOptions): Promise<DomainTime> {
    return this[invoke](domainGetTime, domain, options);
  }

  /** The guest's mounted file systems, by its agent. Needs a writable session. Procedure 349. */
  domainGetFsInfo(domain: Domain, options?: CallOptions): Promise<DomainFsInfo[]> {
    return this[invoke](domainGetFsInfo, domain, options);
  }
}

function inGroupsOf<T>(size: number, items: readonly T[]): T[][] {
  const groups: T[][] = [];
  for (let i = 0; size > 0 && i < items.length; i += size) groups.push(items.slice(i, i + size));
  return groups;
}
