/** What the host can run. Low priority: libvirt may have to probe an emulator first. */
import {
  connectBaselineCpu,
  connectBaselineHypervisorCpu,
  connectCompareCpu,
  connectCompareHypervisorCpu,
  connectGetCapabilities,
  connectGetCpuModelNames,
  connectGetDomainCapabilities,
  connectGetStoragePoolCapabilities,
  type EmulatorChoice,
} from '../procedures/capabilities.ts';
import type { CallOptions } from '../rpc/call.ts';
import { invoke } from './caller.ts';
import { HostCalls } from './host-calls.ts';

export class CapabilityCalls extends HostCalls {
  /**
   * The capabilities document of the host, XML. A daemon's first may take seconds, while it probes
   * its emulators. Procedure 7.
   */
  connectGetCapabilities(options?: CallOptions): Promise<string> {
    return this[invoke](connectGetCapabilities, undefined, options);
  }

  /**
   * What domains of an emulator can have, XML; what is left out is the host's default. Needs a
   * writable session, though it only reads: see `allow`. Procedure 342.
   */
  connectGetDomainCapabilities(
    args: EmulatorChoice & { flags?: number } = {},
    options?: CallOptions,
  ): Promise<string> {
    return this[invoke](connectGetDomainCapabilities, { flags: 0, ...args }, options);
  }

  /** What kinds of storage pools the host has, XML. Procedure 403. */
  connectGetStoragePoolCapabilities(options?: CallOptions): Promise<string> {
    return this[invoke](connectGetStoragePoolCapabilities, 0, options);
  }

  /** The CPU models that libvirt knows of an architecture (`x86_64`). Procedure 312. */
  connectGetCpuModelNames(arch: string, options?: CallOptions): Promise<string[]> {
    return this[invoke](connectGetCpuModelNames, arch, options);
  }

  /** The best CPU, XML, that all the given ones (XML) can be. Procedure 162. */
  connectBaselineCpu(
    cpus: readonly string[],
    args: { flags?: number } = {},
    options?: CallOptions,
  ): Promise<string> {
    return this[invoke](connectBaselineCpu, { cpus, flags: args.flags ?? 0 }, options);
  }

  /**
   * Whether the host's CPU can be the given one (XML): 0 no, 1 it is the same, 2 it has more.
   * Procedure 158.
   */
  connectCompareCpu(
    cpu: string,
    args: { flags?: number } = {},
    options?: CallOptions,
  ): Promise<number> {
    return this[invoke](connectCompareCpu, { cpu, flags: args.flags ?? 0 }, options);
  }

  /** As `connectBaselineCpu`, by what the emulator can do. Needs a writable session. Procedure 394. */
  connectBaselineHypervisorCpu(
    cpus: readonly string[],
    args: EmulatorChoice & { flags?: number } = {},
    options?: CallOptions,
  ): Promise<string> {
    return this[invoke](connectBaselineHypervisorCpu, { flags: 0, ...args, cpus }, options);
  }

  /** As `connectCompareCpu`, by what the emulator can do. Needs a writable session. Procedure 393. */
  connectCompareHypervisorCpu(
    cpu: string,
    args: EmulatorChoice & { flags?: number } = {},
    options?: CallOptions,
  ): Promise<number> {
    return this[invoke](connectCompareHypervisorCpu, { flags: 0, ...args, cpu }, options);
  }
}
