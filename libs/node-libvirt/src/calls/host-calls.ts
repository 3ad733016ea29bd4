/** Questions about the host and its daemon. */
import {
  connectGetHostname,
  connectGetLibVersion,
  connectGetMaxVcpus,
  connectGetSysinfo,
  connectGetType,
  connectGetUri,
  connectGetVersion,
  connectIsSecure,
} from '../procedures/connect-info.ts';
import { connectSupportsFeature } from '../procedures/connect-open.ts';
import {
  nodeGetCellsFreeMemory,
  nodeGetCpuStats,
  nodeGetFreeMemory,
  nodeGetInfo,
  nodeGetMemoryStats,
  type NodeInfo,
} from '../procedures/node.ts';
import type { Counter } from '../protocol/xdr-reader.ts';
import type { CallOptions } from '../rpc/call.ts';
import { Caller, invoke } from './caller.ts';

export class HostCalls extends Caller {
  /** The driver: `QEMU`, `TEST`. Procedure 3. */
  connectGetType(options?: CallOptions): Promise<string> {
    return this[invoke](connectGetType, undefined, options);
  }

  /** The hypervisor's version: major × 1,000,000 + minor × 1,000 + release. Procedure 4. */
  connectGetVersion(options?: CallOptions): Promise<number> {
    return this[invoke](connectGetVersion, undefined, options);
  }

  /** libvirt's version, composed likewise: 9.0.0 is 9000000. Procedure 157. */
  connectGetLibVersion(options?: CallOptions): Promise<number> {
    return this[invoke](connectGetLibVersion, undefined, options);
  }

  /** The host's name as the daemon knows it. Procedure 59. */
  connectGetHostname(options?: CallOptions): Promise<string> {
    return this[invoke](connectGetHostname, undefined, options);
  }

  /** The URI of the hypervisor as the daemon sees it: `qemu:///system`. Procedure 110. */
  connectGetUri(options?: CallOptions): Promise<string> {
    return this[invoke](connectGetUri, undefined, options);
  }

  /** Whether the server has a feature (`VIR_DRV_FEATURE_*`); unknown ones are false. Procedure 60. */
  connectSupportsFeature(feature: number, options?: CallOptions): Promise<boolean> {
    return this[invoke](connectSupportsFeature, feature, options);
  }

  /** The host's firmware tables (SMBIOS), XML. Procedure 203. */
  connectGetSysinfo(options?: CallOptions): Promise<string> {
    return this[invoke](connectGetSysinfo, 0, options);
  }

  /** Whether the daemon takes this connection for one that nobody else can read. Procedure 149. */
  connectIsSecure(options?: CallOptions): Promise<boolean> {
    return this[invoke](connectIsSecure, undefined, options);
  }

  /** Most virtual CPUs of a domain of this type (`kvm`); without one, the default. Procedure 5. */
  connectGetMaxVcpus(type?: string, options?: CallOptions): Promise<number> {
    return this[invoke](connectGetMaxVcpus, type, options);
  }

  /** The host's CPUs and memory. Procedure 6. */
  nodeGetInfo(options?: CallOptions): Promise<NodeInfo> {
    return this[invoke](nodeGetInfo, undefined, options);
  }

  /**
   * CPU time of the host in ns since its start, by kind: `kernel`, `user`, `idle`, `iowait` … Two
   * round trips. `cpu` -1 means all together. Procedure 227.
   */
  async nodeGetCpuStats(cpu = -1, options?: CallOptions): Promise<Map<string, Counter>> {
    const { count } = await this[invoke](nodeGetCpuStats, { cpu, count: 0 }, options);
    return (await this[invoke](nodeGetCpuStats, { cpu, count }, options)).stats;
  }

  /**
   * Memory of the host in KiB, by kind: `total`, `free`, `buffers`, `cached`. Two round trips.
   * `cell` -1 means all NUMA cells together. Procedure 228.
   */
  async nodeGetMemoryStats(cell = -1, options?: CallOptions): Promise<Map<string, Counter>> {
    const { count } = await this[invoke](nodeGetMemoryStats, { cell, count: 0 }, options);
    return (await this[invoke](nodeGetMemoryStats, { cell, count }, options)).stats;
  }

  /** Free memory of NUMA cells in bytes, from cell `start` on. Procedure 101. */
  nodeGetCellsFreeMemory(start: number, count: number, options?: CallOptions): Promise<Counter[]> {
    return this[invoke](nodeGetCellsFreeMemory, { start, count }, options);
  }

  /** Free memory of the host in bytes. Procedure 102. */
  nodeGetFreeMemory(options?: CallOptions): Promise<Counter> {
    return this[invoke](nodeGetFreeMemory, undefined, options);
  }
}
