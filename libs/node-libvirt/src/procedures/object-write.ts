/** Changing networks, pools, volumes, secrets and node devices. Not on a read-only connection. */
import {
  type Network,
  type NodeDevice,
  readNetwork,
  readNodeDevice,
  readSecret,
  readStorageVol,
  type Secret,
  type StoragePool,
  type StorageVol,
  writeNetwork,
  writeSecret,
  writeStorageVol,
} from '../protocol/identity.ts';
import type { XdrWriter } from '../protocol/xdr-writer.ts';
import { writeXmlAndFlags, type XmlAndFlags } from './domain-write.ts';
import { type Procedure, procedure } from './procedure.ts';
import { writeString } from './shared.ts';

type Priority = 'high' | 'low';

/** net → */
function onNetwork(name: string, number: number, priority: Priority): Procedure<Network, void> {
  return procedure({ name, number, priority, access: 'write', encode: writeNetwork });
}

/** pool, flags u → */
function onPool(name: string, number: number): Procedure<StoragePool, void> {
  return procedure({
    name,
    number,
    priority: 'low',
    access: 'write',
    encode: (writer: XdrWriter, pool: StoragePool) => {
      writeNetwork(writer, pool);
      writer.uint(0);
    },
  });
}

/** NETWORK_DEFINE_XML (41): xml s → net. */
export const networkDefineXml = procedure<string, Network>({
  name: 'networkDefineXml',
  number: 41,
  priority: 'high',
  access: 'write',
  encode: writeString,
  decode: readNetwork,
});
/** NETWORK_CREATE (39). */
export const networkCreate = onNetwork('networkCreate', 39, 'low');
/** NETWORK_DESTROY (42). */
export const networkDestroy = onNetwork('networkDestroy', 42, 'high');
/** NETWORK_UNDEFINE (49). */
export const networkUndefine = onNetwork('networkUndefine', 49, 'high');

/** STORAGE_POOL_DEFINE_XML (77): xml s, flags u → pool. */
export const storagePoolDefineXml = procedure<XmlAndFlags, StoragePool>({
  name: 'storagePoolDefineXml',
  number: 77,
  priority: 'high',
  access: 'write',
  encode: writeXmlAndFlags,
  decode: readNetwork,
});
/** STORAGE_POOL_BUILD (79). */
export const storagePoolBuild = onPool('storagePoolBuild', 79);
/** STORAGE_POOL_CREATE (78). */
export const storagePoolCreate = onPool('storagePoolCreate', 78);
/** STORAGE_POOL_REFRESH (83). */
export const storagePoolRefresh = onPool('storagePoolRefresh', 83);
/** STORAGE_POOL_DELETE (81). */
export const storagePoolDelete = onPool('storagePoolDelete', 81);
/** STORAGE_POOL_DESTROY (80): pool. */
export const storagePoolDestroy = onNetwork('storagePoolDestroy', 80, 'high');
/** STORAGE_POOL_UNDEFINE (82): pool. */
export const storagePoolUndefine = onNetwork('storagePoolUndefine', 82, 'high');

/** STORAGE_VOL_CREATE_XML (93): pool, xml s, flags u → vol. */
export const storageVolCreateXml = procedure<{ pool: StoragePool } & XmlAndFlags, StorageVol>({
  name: 'storageVolCreateXml',
  number: 93,
  priority: 'low',
  access: 'write',
  encode: (writer, args) => {
    writeNetwork(writer, args.pool);
    writeXmlAndFlags(writer, args);
  },
  decode: readStorageVol,
});

/** STORAGE_VOL_DELETE (94): vol, flags u. */
export const storageVolDelete = procedure<StorageVol>({
  name: 'storageVolDelete',
  number: 94,
  priority: 'low',
  access: 'write',
  encode: (writer, vol) => {
    writeStorageVol(writer, vol);
    writer.uint(0);
  },
});

/** SECRET_DEFINE_XML (142): xml s, flags u → secret. */
export const secretDefineXml = procedure<XmlAndFlags, Secret>({
  name: 'secretDefineXml',
  number: 142,
  priority: 'high',
  access: 'write',
  encode: writeXmlAndFlags,
  decode: readSecret,
});

/** SECRET_SET_VALUE (144): secret, opaque<65536>, flags u. */
export const secretSetValue = procedure<{ secret: Secret; value: Uint8Array }>({
  name: 'secretSetValue',
  number: 144,
  priority: 'high',
  access: 'write',
  encode: (writer, { secret, value }) => {
    writeSecret(writer, secret);
    writer.opaque(value);
    writer.uint(0);
  },
});

/** SECRET_UNDEFINE (146): secret. */
export const secretUndefine = procedure<Secret>({
  name: 'secretUndefine',
  number: 146,
  priority: 'high',
  access: 'write',
  encode: writeSecret,
});

/** NODE_DEVICE_CREATE_XML (123): xml s, flags u → nodedev. */
export const nodeDeviceCreateXml = procedure<XmlAndFlags, NodeDevice>({
  name: 'nodeDeviceCreateXml',
  number: 123,
  priority: 'low',
  access: 'write',
  encode: writeXmlAndFlags,
  decode: readNodeDevice,
});

/** NODE_DEVICE_DESTROY (124): name s. */
export const nodeDeviceDestroy = procedure<NodeDevice>({
  name: 'nodeDeviceDestroy',
  number: 124,
  priority: 'high',
  access: 'write',
  encode: (writer, { name }) => {
    writer.string(name);
  },
});
