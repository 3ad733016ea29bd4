/** Storage pools. */
import {
  minNetworkBytes,
  readNetwork as readPool,
  type StoragePool,
  writeNetwork as writePool,
} from '../protocol/identity.ts';
import type { Counter } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';
import { readBool, readString, writeListArgs, writeString, writeUuid } from './shared.ts';

const maxPools = 16_384;

/** CONNECT_LIST_ALL_STORAGE_POOLS (281): need_results i, flags u → pool<16384>, ret u. */
export const connectListAllStoragePools = procedure<number, StoragePool[]>({
  name: 'connectListAllStoragePools',
  number: 281,
  priority: 'high',
  encode: writeListArgs,
  decode: (reader) => reader.array(maxPools, minNetworkBytes, readPool),
});

/** STORAGE_POOL_LOOKUP_BY_NAME (84): s → pool. */
export const storagePoolLookupByName = procedure<string, StoragePool>({
  name: 'storagePoolLookupByName',
  number: 84,
  priority: 'high',
  encode: writeString,
  decode: readPool,
});

/** STORAGE_POOL_LOOKUP_BY_UUID (85): uuid[16] → pool. */
export const storagePoolLookupByUuid = procedure<string, StoragePool>({
  name: 'storagePoolLookupByUuid',
  number: 85,
  priority: 'high',
  encode: writeUuid,
  decode: readPool,
});

/** STORAGE_POOL_GET_XML_DESC (88): pool, flags u → s. */
export const storagePoolGetXmlDesc = procedure<{ pool: StoragePool; flags: number }, string>({
  name: 'storagePoolGetXmlDesc',
  number: 88,
  priority: 'high',
  encode: (writer, { pool, flags }) => {
    writePool(writer, pool);
    writer.uint(flags);
  },
  decode: readString,
});

export type StoragePoolInfo = {
  /** 0 inactive, 1 building, 2 running, 3 degraded, 4 inaccessible. */
  state: number;
  capacityBytes: Counter;
  allocationBytes: Counter;
  availableBytes: Counter;
};

/** STORAGE_POOL_GET_INFO (87): pool → state uchar, capacity uh, allocation uh, available uh. */
export const storagePoolGetInfo = procedure<StoragePool, StoragePoolInfo>({
  name: 'storagePoolGetInfo',
  number: 87,
  priority: 'high',
  encode: writePool,
  decode: (reader) => ({
    state: reader.int(),
    capacityBytes: reader.counter(),
    allocationBytes: reader.counter(),
    availableBytes: reader.counter(),
  }),
});

/** STORAGE_POOL_IS_ACTIVE (154): pool → i. */
export const storagePoolIsActive = procedure<StoragePool, boolean>({
  name: 'storagePoolIsActive',
  number: 154,
  priority: 'high',
  encode: writePool,
  decode: readBool,
});

/** STORAGE_POOL_IS_PERSISTENT (155): pool → i. */
export const storagePoolIsPersistent = procedure<StoragePool, boolean>({
  name: 'storagePoolIsPersistent',
  number: 155,
  priority: 'high',
  encode: writePool,
  decode: readBool,
});
