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

/** A virtual network. Only `uuid` finds it. */
export type Network = { name: string; uuid: string };
/** A storage pool. Only `uuid` finds it. */
export type StoragePool = { name: string; uuid: string };

/** The least that a network or a pool takes on the wire. */
export const minNetworkBytes = 20;

/** Networks and storage pools are the same words on the wire. */
export function readNetwork(reader: XdrReader): Network {
  const name = reader.string();
  return { name, uuid: reader.uuid() };
}

export function writeNetwork(writer: XdrWriter, network: Network): void {
  writer.string(network.name);
  writer.uuid(network.uuid);
}

/** A volume in a pool; `key` finds it. */
export type StorageVol = { pool: string; name: string; key: string };

export const minStorageVolBytes = 12;

export function readStorageVol(reader: XdrReader): StorageVol {
  return { pool: reader.string(), name: reader.string(), key: reader.string() };
}

export function writeStorageVol(writer: XdrWriter, vol: StorageVol): void {
  writer.string(vol.pool);
  writer.string(vol.name);
  writer.string(vol.key);
}

/** A device of the host: `pci_0000_00_02_0`. */
export type NodeDevice = { name: string };

export function readNodeDevice(reader: XdrReader): NodeDevice {
  return { name: reader.string() };
}

/** A secret; what it is for, never its value. */
export type Secret = {
  uuid: string;
  /** 0 none, 1 volume, 2 ceph, 3 iscsi, 4 tls, 5 vtpm. */
  usageType: number;
  usageId: string;
};

export const minSecretBytes = 24;

export function readSecret(reader: XdrReader): Secret {
  return { uuid: reader.uuid(), usageType: reader.int(), usageId: reader.string() };
}

export function writeSecret(writer: XdrWriter, secret: Secret): void {
  writer.uuid(secret.uuid);
  writer.int(secret.usageType);
  writer.string(secret.usageId);
}

/** A network interface of the host. */
export type Interface = { name: string; mac: string };

export function readInterface(reader: XdrReader): Interface {
  return { name: reader.string(), mac: reader.string() };
}
