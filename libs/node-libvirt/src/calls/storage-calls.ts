/** Questions about storage pools and their volumes. */
import {
  connectListAllStoragePools,
  storagePoolGetInfo,
  storagePoolGetXmlDesc,
  storagePoolIsActive,
  storagePoolIsPersistent,
  storagePoolLookupByName,
  storagePoolLookupByUuid,
  type StoragePoolInfo,
} from '../procedures/storage-pool.ts';
import {
  storagePoolListAllVolumes,
  storageVolGetInfo,
  storageVolGetXmlDesc,
  storageVolLookupByName,
  storageVolLookupByPath,
  type StorageVolInfo,
} from '../procedures/storage-vol.ts';
import type { StoragePool, StorageVol } from '../protocol/identity.ts';
import type { CallOptions } from '../rpc/call.ts';
import { invoke } from './caller.ts';
import { NetworkCalls } from './network-calls.ts';

export class StorageCalls extends NetworkCalls {
  /** All pools that pass the flags, which are those of networks. Procedure 281. */
  connectListAllStoragePools(
    args: { flags?: number } = {},
    options?: CallOptions,
  ): Promise<StoragePool[]> {
    return this[invoke](connectListAllStoragePools, args.flags ?? 0, options);
  }

  /** Procedure 84. @throws {LibvirtError} `VIR_ERR_NO_STORAGE_POOL` */
  storagePoolLookupByName(name: string, options?: CallOptions): Promise<StoragePool> {
    return this[invoke](storagePoolLookupByName, name, options);
  }

  /** Procedure 85. @throws {LibvirtError} `VIR_ERR_NO_STORAGE_POOL` */
  storagePoolLookupByUuid(uuid: string, options?: CallOptions): Promise<StoragePool> {
    return this[invoke](storagePoolLookupByUuid, uuid, options);
  }

  /** Its definition, XML; flag 1 asks for the inactive one. Procedure 88. */
  storagePoolGetXmlDesc(
    pool: StoragePool,
    args: { flags?: number } = {},
    options?: CallOptions,
  ): Promise<string> {
    return this[invoke](storagePoolGetXmlDesc, { pool, flags: args.flags ?? 0 }, options);
  }

  /** State and sizes, as of its last refresh. Procedure 87. */
  storagePoolGetInfo(pool: StoragePool, options?: CallOptions): Promise<StoragePoolInfo> {
    return this[invoke](storagePoolGetInfo, pool, options);
  }

  /** Procedure 154. */
  storagePoolIsActive(pool: StoragePool, options?: CallOptions): Promise<boolean> {
    return this[invoke](storagePoolIsActive, pool, options);
  }

  /** Procedure 155. */
  storagePoolIsPersistent(pool: StoragePool, options?: CallOptions): Promise<boolean> {
    return this[invoke](storagePoolIsPersistent, pool, options);
  }

  /** All volumes of an active pool. Procedure 282. */
  storagePoolListAllVolumes(pool: StoragePool, options?: CallOptions): Promise<StorageVol[]> {
    return this[invoke](storagePoolListAllVolumes, pool, options);
  }

  /** Procedure 95. @throws {LibvirtError} `VIR_ERR_NO_STORAGE_VOL` */
  storageVolLookupByName(
    pool: StoragePool,
    name: string,
    options?: CallOptions,
  ): Promise<StorageVol> {
    return this[invoke](storageVolLookupByName, { pool, name }, options);
  }

  /** Procedure 97. @throws {LibvirtError} `VIR_ERR_NO_STORAGE_VOL` */
  storageVolLookupByPath(path: string, options?: CallOptions): Promise<StorageVol> {
    return this[invoke](storageVolLookupByPath, path, options);
  }

  /** Its definition, XML. Procedure 99. */
  storageVolGetXmlDesc(vol: StorageVol, options?: CallOptions): Promise<string> {
    return this[invoke](storageVolGetXmlDesc, vol, options);
  }

  /** Type and sizes. Procedure 98. */
  storageVolGetInfo(vol: StorageVol, options?: CallOptions): Promise<StorageVolInfo> {
    return this[invoke](storageVolGetInfo, vol, options);
  }
}
