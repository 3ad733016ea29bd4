/** Virtual networks, and the host's interfaces. */
import {
  type Interface,
  minNetworkBytes,
  type Network,
  readInterface,
  readNetwork,
  writeNetwork,
} from '../protocol/identity.ts';
import type { Counter } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';
import { readBool, readString, writeListArgs, writeString, writeUuid } from './shared.ts';

const maxNetworks = 16_384;
const maxLeases = 65_536;

/** A lease of a network's own DHCP server. */
export type DhcpLease = {
  /** The network's bridge. */
  interface: string;
  /** Seconds since 1970. */
  expiresAt: Counter;
  /** 0 IPv4, 1 IPv6. */
  type: number;
  mac: string | undefined;
  iaid: string | undefined;
  address: string;
  prefix: number;
  hostname: string | undefined;
  clientId: string | undefined;
};

/** CONNECT_LIST_ALL_NETWORKS (283): need_results i, flags u → net<16384>, ret u. */
export const connectListAllNetworks = procedure<number, Network[]>({
  name: 'connectListAllNetworks',
  number: 283,
  priority: 'high',
  encode: writeListArgs,
  decode: (reader) => reader.array(maxNetworks, minNetworkBytes, readNetwork),
});

/** CONNECT_LIST_ALL_INTERFACES (284): need_results i, flags u → interface<16384>, ret u. */
export const connectListAllInterfaces = procedure<number, Interface[]>({
  name: 'connectListAllInterfaces',
  number: 284,
  priority: 'high',
  encode: writeListArgs,
  decode: (reader) => reader.array(maxNetworks, 8, readInterface),
});

/** NETWORK_LOOKUP_BY_NAME (46): s → net. */
export const networkLookupByName = procedure<string, Network>({
  name: 'networkLookupByName',
  number: 46,
  priority: 'high',
  encode: writeString,
  decode: readNetwork,
});

/** NETWORK_LOOKUP_BY_UUID (47): uuid[16] → net. */
export const networkLookupByUuid = procedure<string, Network>({
  name: 'networkLookupByUuid',
  number: 47,
  priority: 'high',
  encode: writeUuid,
  decode: readNetwork,
});

/** NETWORK_GET_XML_DESC (43): net, flags u → s. */
export const networkGetXmlDesc = procedure<{ network: Network; flags: number }, string>({
  name: 'networkGetXmlDesc',
  number: 43,
  priority: 'high',
  encode: (writer, { network, flags }) => {
    writeNetwork(writer, network);
    writer.uint(flags);
  },
  decode: readString,
});

/** NETWORK_IS_ACTIVE (152): net → i. */
export const networkIsActive = procedure<Network, boolean>({
  name: 'networkIsActive',
  number: 152,
  priority: 'high',
  encode: writeNetwork,
  decode: readBool,
});

/** NETWORK_IS_PERSISTENT (153): net → i. */
export const networkIsPersistent = procedure<Network, boolean>({
  name: 'networkIsPersistent',
  number: 153,
  priority: 'high',
  encode: writeNetwork,
  decode: readBool,
});

/**
 * NETWORK_GET_DHCP_LEASES (341): net, mac s?, need_results i, flags u → {iface s, expirytime h, type i,
 * mac s?, iaid s?, ipaddr s, prefix u, hostname s?, clientid s?}<65536>, ret u.
 */
export const networkGetDhcpLeases = procedure<
  { network: Network; mac: string | undefined },
  DhcpLease[]
>({
  name: 'networkGetDhcpLeases',
  number: 341,
  priority: 'low',
  encode: (writer, { network, mac }) => {
    writeNetwork(writer, network);
    writer.optionalString(mac);
    writer.int(1);
    writer.uint(0);
  },
  decode: (reader) =>
    reader.array(maxLeases, 40, () => ({
      interface: reader.string(),
      expiresAt: reader.signedCounter(),
      type: reader.int(),
      mac: reader.optionalString(),
      iaid: reader.optionalString(),
      address: reader.string(),
      prefix: reader.uint(),
      hostname: reader.optionalString(),
      clientId: reader.optionalString(),
    })),
});
