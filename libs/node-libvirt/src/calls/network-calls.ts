/** Questions about virtual networks and the host's interfaces. */
import {
  connectListAllInterfaces,
  connectListAllNetworks,
  networkGetDhcpLeases,
  networkGetXmlDesc,
  networkIsActive,
  networkIsPersistent,
  networkLookupByName,
  networkLookupByUuid,
  type DhcpLease,
} from '../procedures/network.ts';
import type { Interface, Network } from '../protocol/identity.ts';
import type { CallOptions } from '../rpc/call.ts';
import { invoke } from './caller.ts';
import { DomainDetailCalls } from './domain-detail-calls.ts';

export class NetworkCalls extends DomainDetailCalls {
  /**
   * All networks that pass the flags: 1 inactive, 2 active (the other way round than for domains),
   * 4 persistent, 8 transient, 0x10 autostart, 0x20 not. Procedure 283.
   */
  connectListAllNetworks(args: { flags?: number } = {}, options?: CallOptions): Promise<Network[]> {
    return this[invoke](connectListAllNetworks, args.flags ?? 0, options);
  }

  /** All interfaces of the host. Procedure 284. */
  connectListAllInterfaces(
    args: { flags?: number } = {},
    options?: CallOptions,
  ): Promise<Interface[]> {
    return this[invoke](connectListAllInterfaces, args.flags ?? 0, options);
  }

  /** Procedure 46. @throws {LibvirtError} `VIR_ERR_NO_NETWORK` */
  networkLookupByName(name: string, options?: CallOptions): Promise<Network> {
    return this[invoke](networkLookupByName, name, options);
  }

  /** Procedure 47. @throws {LibvirtError} `VIR_ERR_NO_NETWORK` */
  networkLookupByUuid(uuid: string, options?: CallOptions): Promise<Network> {
    return this[invoke](networkLookupByUuid, uuid, options);
  }

  /** Its definition, XML; flag 1 asks for the inactive one. Procedure 43. */
  networkGetXmlDesc(
    network: Network,
    args: { flags?: number } = {},
    options?: CallOptions,
  ): Promise<string> {
    return this[invoke](networkGetXmlDesc, { network, flags: args.flags ?? 0 }, options);
  }

  /**
   * Leases of the network's own DHCP server, of one MAC address or of all; none where it runs none.
   * Procedure 341.
   */
  networkGetDhcpLeases(
    network: Network,
    args: { mac?: string } = {},
    options?: CallOptions,
  ): Promise<DhcpLease[]> {
    return this[invoke](networkGetDhcpLeases, { network, mac: args.mac }, options);
  }

  /** Procedure 152. */
  networkIsActive(network: Network, options?: CallOptions): Promise<boolean> {
    return this[invoke](networkIsActive, network, options);
  }

  /** Procedure 153. */
  networkIsPersistent(network: Network, options?: CallOptions): Promise<boolean> {
    return this[invoke](networkIsPersistent, network, options);
  }
}
