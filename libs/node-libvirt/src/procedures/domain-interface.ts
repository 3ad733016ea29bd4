/** A domain's network interfaces. */
import { type Domain, writeDomain } from '../protocol/identity.ts';
import type { Counter } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';

/** As the guest counts, its transmission is `tx`; -1 where the host does not count. */
export type DomainInterfaceStats = {
  rxBytes: Counter;
  rxPackets: Counter;
  rxErrors: Counter;
  rxDrops: Counter;
  txBytes: Counter;
  txPackets: Counter;
  txErrors: Counter;
  txDrops: Counter;
};

/** DOMAIN_INTERFACE_STATS (65): dom, device s → rx bytes, packets, errs, drop h; tx the same. */
export const domainInterfaceStats = procedure<
  { domain: Domain; device: string },
  DomainInterfaceStats
>({
  name: 'domainInterfaceStats',
  number: 65,
  priority: 'high',
  encode: (writer, { domain, device }) => {
    writeDomain(writer, domain);
    writer.string(device);
  },
  decode: (reader) => ({
    rxBytes: reader.signedCounter(),
    rxPackets: reader.signedCounter(),
    rxErrors: reader.signedCounter(),
    rxDrops: reader.signedCounter(),
    txBytes: reader.signedCounter(),
    txPackets: reader.signedCounter(),
    txErrors: reader.signedCounter(),
    txDrops: reader.signedCounter(),
  }),
});

export type DomainInterface = {
  name: string;
  hwaddr: string | undefined;
  addresses: {
    /** 0 IPv4, 1 IPv6. */
    type: number;
    address: string;
    prefix: number;
  }[];
};

const maxInterfaces = 2_048;

/**
 * DOMAIN_INTERFACE_ADDRESSES (353): dom, source u, flags u →
 * {name s, hwaddr s?, {type i, addr s, prefix u}<2048>}<2048>.
 */
export const domainInterfaceAddresses = procedure<
  { domain: Domain; source: number },
  DomainInterface[]
>({
  name: 'domainInterfaceAddresses',
  number: 353,
  priority: 'low',
  encode: (writer, { domain, source }) => {
    writeDomain(writer, domain);
    writer.uint(source);
    writer.uint(0);
  },
  decode: (reader) =>
    reader.array(maxInterfaces, 12, () => ({
      name: reader.string(),
      hwaddr: reader.optionalString(),
      addresses: reader.array(maxInterfaces, 12, () => ({
        type: reader.int(),
        address: reader.string(),
        prefix: reader.uint(),
      })),
    })),
});
