/** Finding domains, and what each is. A domain is found by its uuid alone; name and id may be stale. */
import {
  connectGetAllDomainStats,
  connectGetAllDomainStatsColumns,
} from '../procedures/connect-get-all-domain-stats.ts';
import type {
  AllDomainStatsArgs,
  DomainStatsRecord,
} from '../procedures/connect-get-all-domain-stats.ts';
import { connectListAllDomains } from '../procedures/connect-list-all-domains.ts';
import {
  connectListDefinedDomains,
  connectListDomains,
  connectNumOfDefinedDomains,
  connectNumOfDomains,
} from '../procedures/connect-list-domains.ts';
import { domainGetJobStats, type DomainJobStats } from '../procedures/domain-get-job-stats.ts';
import { domainGetXmlDesc } from '../procedures/domain-get-xml-desc.ts';
import {
  domainGetAutostart,
  domainHasManagedSaveImage,
  domainIsActive,
  domainIsPersistent,
  domainIsUpdated,
} from '../procedures/domain-is.ts';
import {
  domainLookupById,
  domainLookupByName,
  domainLookupByUuid,
} from '../procedures/domain-lookup.ts';
import {
  domainGetControlInfo,
  domainGetInfo,
  domainGetState,
  type DomainControlInfo,
  type DomainInfo,
  type DomainState,
} from '../procedures/domain-state.ts';
import type { Domain } from '../protocol/identity.ts';
import type { DomainStatsColumns } from '../protocol/stats-columns.ts';
import type { CallOptions } from '../rpc/call.ts';
import { invoke } from './caller.ts';
import { CapabilityCalls } from './capability-calls.ts';
import { listInParts } from './list-in-parts.ts';

export class DomainCalls extends CapabilityCalls {
  /**
   * All domains that pass the flags (`VIR_CONNECT_LIST_DOMAINS_*`; 0 is all), in no order.
   * Procedure 273.
   *
   * Above 16,384 libvirt refuses, and they are listed in parts: those that run and those that do
   * not, and so on, as far as that tells them apart. All parts have one deadline together. A domain
   * that goes from one part to another meanwhile may be missed: its event says so.
   *
   * @throws {LibvirtError} code 1 when more than 16,384 are alike in all that libvirt filters by
   */
  connectListAllDomains(
    args: { flags?: number } = {},
    options: CallOptions = {},
  ): Promise<Domain[]> {
    const endMs = performance.now() + (options.timeoutMs ?? this.connection.callTimeoutMs);
    const inTime = (): CallOptions => ({
      ...options,
      timeoutMs: Math.max(1, endMs - performance.now()),
    });
    return listInParts(args.flags ?? 0, {
      list: (flags) => this[invoke](connectListAllDomains, flags, inTime()),
      count: async () =>
        (await this.connectNumOfDomains(inTime())) +
        (await this.connectNumOfDefinedDomains(inTime())),
    });
  }

  /** How many domains run. Procedure 51. */
  connectNumOfDomains(options?: CallOptions): Promise<number> {
    return this[invoke](connectNumOfDomains, undefined, options);
  }

  /** How many domains are defined and do not run. Procedure 25. */
  connectNumOfDefinedDomains(options?: CallOptions): Promise<number> {
    return this[invoke](connectNumOfDefinedDomains, undefined, options);
  }

  /** Ids of the domains that run. Procedure 37. */
  connectListDomains(options?: CallOptions): Promise<number[]> {
    return this[invoke](connectListDomains, undefined, options);
  }

  /** Names of the domains that are defined and do not run. Procedure 21. */
  connectListDefinedDomains(options?: CallOptions): Promise<string[]> {
    return this[invoke](connectListDefinedDomains, undefined, options);
  }

  /** The domain as it is now. Procedure 24. @throws {LibvirtError} `VIR_ERR_NO_DOMAIN` */
  domainLookupByUuid(uuid: string, options?: CallOptions): Promise<Domain> {
    return this[invoke](domainLookupByUuid, uuid, options);
  }

  /** The running domain of this id. Procedure 22. @throws {LibvirtError} `VIR_ERR_NO_DOMAIN` */
  domainLookupById(id: number, options?: CallOptions): Promise<Domain> {
    return this[invoke](domainLookupById, id, options);
  }

  /** The domain of this name. Procedure 23. @throws {LibvirtError} `VIR_ERR_NO_DOMAIN` */
  domainLookupByName(name: string, options?: CallOptions): Promise<Domain> {
    return this[invoke](domainLookupByName, name, options);
  }

  /** State and reason; answers also when QEMU hangs. Procedure 212. */
  domainGetState(domain: Domain, options?: CallOptions): Promise<DomainState> {
    return this[invoke](domainGetState, domain, options);
  }

  /** State, memory, vcpus and CPU time in one. Procedure 16. */
  domainGetInfo(domain: Domain, options?: CallOptions): Promise<DomainInfo> {
    return this[invoke](domainGetInfo, domain, options);
  }

  /** Whether the monitor is busy, and for how long; never waits for it. Procedure 229. */
  domainGetControlInfo(domain: Domain, options?: CallOptions): Promise<DomainControlInfo> {
    return this[invoke](domainGetControlInfo, domain, options);
  }

  /**
   * The domain's definition, XML: the running one, or with `VIR_DOMAIN_XML_INACTIVE` the one of the
   * next start. Low priority. Procedure 14.
   *
   * @throws {LibvirtError} `VIR_ERR_OPERATION_DENIED`: SECURE and MIGRATABLE need a writable session
   */
  domainGetXmlDesc(
    domain: Domain,
    args: { flags?: number } = {},
    options?: CallOptions,
  ): Promise<string> {
    return this[invoke](domainGetXmlDesc, { domain, flags: args.flags ?? 0 }, options);
  }

  /** Whether it runs. Procedure 150. */
  domainIsActive(domain: Domain, options?: CallOptions): Promise<boolean> {
    return this[invoke](domainIsActive, domain, options);
  }

  /** Whether its definition outlives it. Procedure 151. */
  domainIsPersistent(domain: Domain, options?: CallOptions): Promise<boolean> {
    return this[invoke](domainIsPersistent, domain, options);
  }

  /** Whether its running definition differs from the one of its next start. Procedure 202. */
  domainIsUpdated(domain: Domain, options?: CallOptions): Promise<boolean> {
    return this[invoke](domainIsUpdated, domain, options);
  }

  /** Whether it starts with the daemon. Procedure 15. */
  domainGetAutostart(domain: Domain, options?: CallOptions): Promise<boolean> {
    return this[invoke](domainGetAutostart, domain, options);
  }

  /** Whether its next start restores a saved state. Procedure 183. */
  domainHasManagedSaveImage(domain: Domain, options?: CallOptions): Promise<boolean> {
    return this[invoke](domainHasManagedSaveImage, domain, options);
  }

  /**
   * Progress of the job under way, such as a migration; waits when QEMU hangs. Low priority.
   * Procedure 298.
   */
  domainGetJobStats(
    domain: Domain,
    args: { flags?: number } = {},
    options?: CallOptions,
  ): Promise<DomainJobStats> {
    return this[invoke](domainGetJobStats, { domain, flags: args.flags ?? 0 }, options);
  }

  /**
   * Stats of many domains in one round trip, in no order. Groups that need the monitor (all but
   * STATE, INTERFACE, PERF and MEMORY) are gathered domain by domain: one whose QEMU hangs holds up
   * the whole answer, NOWAIT or not, unless another call already holds its job. A domain that could
   * not be asked comes with fewer parameters: absent is unknown, never zero. `cpu.*` of a domain
   * that does not run is the daemon's own. Low priority. Procedure 344.
   *
   * `params` reads like a `Map`; records with the same names share them, so a record is one array.
   * 64-bit values are numbers up to 2^53 and bigints beyond.
   *
   * @throws {LibvirtError} code 39 when the answer would exceed 32 MiB, code 1 above 16,384 records:
   * `allDomainStats` asks in parts
   */
  connectGetAllDomainStats(
    args: AllDomainStatsArgs,
    options?: CallOptions,
  ): Promise<DomainStatsRecord[]> {
    return this[invoke](connectGetAllDomainStats, args, options);
  }

  /**
   * As `connectGetAllDomainStats`, into typed arrays: for samplers that ask many hosts often and
   * compute with whole rows. The same call on the wire, and in the bill. Procedure 344.
   */
  connectGetAllDomainStatsColumns(
    args: AllDomainStatsArgs,
    options?: CallOptions,
  ): Promise<DomainStatsColumns> {
    return this[invoke](connectGetAllDomainStatsColumns, args, options);
  }
}
