/** How libvirt names its objects on the wire, and how we do. */
import type { XdrReader } from './xdr-reader.ts';
import type { XdrWriter } from './xdr-writer.ts';

/**
 * A domain. Only `uuid` finds it: `name` may change, and `id` exists while it runs and changes with
 * every start. As an argument, name and id may be stale.
 */
export type Domain = {
  name: string;
  /** Lower case, `8-4-4-4-12`. */
  uuid: string;
  /** -1 when it does not run. */
  id: number;
};

/** The least that a domain takes on the wire. */
export const minDomainBytes = 24;

export function readDomain(reader: XdrReader): Domain {
  const name = reader.string();
  const uuid = reader.uuid();
  return { name, uuid, id: reader.int() };
}

export function writeDomain(writer: XdrWriter, domain: Domain): void {
  writer.string(domain.name);
  writer.uuid(domain.uuid);
  writer.int(domain.id);
}

/** A virtual network; the same words on the wire make a storage pool. */
export type Network = { name: string; uuid: string };

/** The least that a network or a pool takes on the wire. */
export const minNetworkBytes = 20;

export function readNetwork(reader: XdrReader): Network {
  const name = reader.string();
  return { name, uuid: reader.uuid() };
}

export function writeNetwork(writer: XdrWriter, network: Network): void {
  writer.string(network.name);
  writer.uuid(network.uuid);
}
